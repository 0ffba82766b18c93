/** The plain text of a body: what Campfire searches, pushes to telephones, and sends to bots as `plain`. */
import type { Element, ElementContent, Root } from 'hast';
import { type AttachmentContext, attachmentText } from './attachments.ts';
import { parseFragment } from './fragment.ts';

/**
 * Rails' Action Text rules: line breaks for `div` and `br` only (h2 to h6 and `pre` run into what follows), bullets,
 * typographic quotes. What the page removes is still in it, except scripts and styles. Facts: campfire.md §1.8.
 */
export function plainTextOf(html: string, context: AttachmentContext): string {
  return withoutTrailingNewlines(childTexts(parseFragment(html), [], context));
}

function childTexts(parent: Root | Element, lists: Element[], context: AttachmentContext): string {
  return parent.children.map((child) => textOfNode(child, parent, lists, context)).join('');
}

function textOfNode(
  node: Root['children'][number] | ElementContent,
  parent: Root | Element,
  lists: Element[],
  context: AttachmentContext,
): string {
  if (node.type === 'text') return withoutTrailingNewlines(node.value);
  if (node.type !== 'element') return '';
  const inner = () => withoutTrailingNewlines(childTexts(node, lists, context));
  switch (node.tagName) {
    case 'script':
    case 'style':
      return '';
    case 'action-text-attachment':
      return attachmentText(node, context);
    case 'br':
      return '\n';
    case 'div':
      return `${inner()}\n`;
    case 'h1':
    case 'p':
      return `${inner()}\n\n`;
    case 'figcaption':
      return `[${inner()}]`;
    case 'blockquote':
      return quoted(`${inner()}\n\n`);
    case 'ul':
    case 'ol': {
      const items = withoutTrailingNewlines(childTexts(node, [...lists, node], context));
      return `${lists.length > 0 ? '\n' : ''}${items}\n\n`;
    }
    case 'li':
      return `${'  '.repeat(Math.max(0, lists.length - 1))}${bulletOf(node, parent, lists)} ${inner()}\n`;
    default:
      return childTexts(node, lists, context);
  }
}

function bulletOf(item: Element, parent: Root | Element, lists: Element[]): string {
  if (lists.at(-1)?.tagName !== 'ol') return '•';
  const siblings = parent.children.filter((child) => child.type === 'element');
  return `${siblings.indexOf(item) + 1}.`;
}

function quoted(text: string): string {
  const content = text.trim();
  if (content === '') return '“”';
  const start = text.indexOf(content);
  return `${text.slice(0, start)}“${content}”${text.slice(start + content.length)}`;
}

function withoutTrailingNewlines(text: string): string {
  // The lookbehind keeps it linear: a run elsewhere is tried once, and not from each of its line breaks.
  return text.replace(/(?<!\n)(?:\r?\n)+$/, '');
}
