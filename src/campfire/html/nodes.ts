/** Building and asking HTML trees. */
import type { Element, ElementContent, Properties, RootContent } from 'hast';

/** Any node of a tree, comments and doctypes included. */
export type Node = RootContent | ElementContent;

export function element(
  tagName: string,
  children: ElementContent[] = [],
  properties: Properties = {},
): Element {
  return { type: 'element', tagName, properties, children };
}

export function text(value: string): ElementContent {
  return { type: 'text', value };
}

/** The text of nodes with nothing added; unlike a page's, it has no line breaks between blocks. */
export function textOf(nodes: readonly Node[]): string {
  return nodes
    .map((node) => {
      if (node.type === 'text') return node.value;
      if (node.type !== 'element') return '';
      return textOf(node.children);
    })
    .join('');
}

/** About as many characters as the nodes take as HTML, at least. */
export function sizeInHtml(nodes: readonly Node[]): number {
  return nodes.reduce((sum, node) => {
    if (node.type === 'text') return sum + node.value.length;
    if (node.type !== 'element') return sum;
    const properties = Object.values(node.properties).map((value) => String(value ?? '').length);
    const own = properties.reduce((size, length) => size + length, 2 * node.tagName.length + '<></>'.length);
    return sum + own + sizeInHtml(node.children);
  }, 0);
}

/** The text of a `pre`, where a `<br>` is a line break like any other. */
export function preformattedText(nodes: readonly Node[]): string {
  return nodes
    .map((node) => {
      if (node.type !== 'element') return textOf([node]);
      return node.tagName === 'br' ? '\n' : preformattedText(node.children);
    })
    .join('');
}

/** The value of an attribute as text; `''` when it is absent. */
export function attribute(node: Element, name: string): string {
  const value = node.properties[name];
  return Array.isArray(value) ? value.join(' ') : String(value ?? '');
}
