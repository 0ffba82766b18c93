/** HTML5 fragments in and out, as Rails' HTML5 sanitiser reads and writes them. */
import type { Element, ElementContent, Root } from 'hast';
import rehypeParse from 'rehype-parse';
import { unified } from 'unified';

const parser = unified().use(rehypeParse, { fragment: true, verbose: true }).freeze();

const voidTags = new Set('area base br col embed hr img input link meta param source track wbr'.split(' '));

/** Attributes whose name in HTML is not the lower-cased name in the tree. */
const attributeNames = new Map([
  ['className', 'class'],
  ['xmlLang', 'xml:lang'],
]);

/** Parses like a browser; never throws. */
export function parseFragment(html: string): Root {
  return parser.parse(html);
}

/**
 * As `parseFragment`, but a class attribute keeps its exact white space (as a list of one). The tree's usual list of
 * names forgets line breaks, and the auto-linker of Campfire, which works on the text of the tags, sees them.
 */
export function parseWithRawClasses(html: string): Root {
  const tree = parseFragment(html);
  restoreClasses(tree, html);
  return tree;
}

/**
 * Written by the rules of the HTML standard. rehype-stringify would not do: it leaves `>` and the no-break space of
 * a text as they are, and their references decide where an automatic link ends.
 */
export function serialise(tree: Root | Element): string {
  return tree.children.map((child) => serialiseNode(child)).join('');
}

function serialiseNode(node: Root['children'][number] | ElementContent): string {
  if (node.type === 'text') return escapeText(node.value);
  if (node.type !== 'element') return '';
  const attributes = Object.entries(node.properties).map(([name, value]) => {
    const text = Array.isArray(value) ? value.join(' ') : String(value ?? '');
    return ` ${attributeNames.get(name) ?? name.toLowerCase()}="${escapeAttribute(text)}"`;
  });
  const open = `<${node.tagName}${attributes.join('')}>`;
  return voidTags.has(node.tagName) ? open : `${open}${serialise(node)}</${node.tagName}>`;
}

function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('\u00A0', '&nbsp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

function escapeAttribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('\u00A0', '&nbsp;').replaceAll('"', '&quot;');
}

function restoreClasses(parent: Root | Element, html: string): void {
  for (const child of parent.children) {
    if (child.type !== 'element') continue;
    const range = child.data?.position?.properties?.className;
    const start = range?.start.offset;
    const end = range?.end.offset;
    if (start !== undefined && end !== undefined) {
      child.properties.className = [attributeValue(html.slice(start, end))];
    }
    restoreClasses(child, html);
  }
}

/** The decoded value of `class=…`, read through an attribute that the parser leaves as it is. */
function attributeValue(attribute: string): string {
  const value = attribute.slice(attribute.indexOf('=') + 1).trim();
  const probe = parser.parse(`<i title=${value}></i>`).children[0];
  return probe?.type === 'element' ? String(probe.properties.title ?? '') : '';
}
