/**
 * What people wrote, for the model. Their words are passed on character for character, without Markdown's escapes;
 * only the structure that a reader sees beside the words is written out: quotes, lists, code, the targets of links.
 */
import type { Element } from 'hast';
import rehypeParse from 'rehype-parse';
import { unified } from 'unified';
import { refuseMarks } from './growth.ts';
import { attribute, type Node, preformattedText, textOf } from './nodes.ts';
import { withoutTrailing } from './text.ts';

/** Somebody mentioned in a message. */
export interface Mention {
  /** Signed by Campfire, and good for mentioning the same person in an answer. */
  sgid: string;
  name: string;
}

/** Of a mention inside an `<action-text-attachment>`. */
export const mentionType = 'application/vnd.campfire.mention';
const previewType = 'application/vnd.actiontext.opengraph-embed';
/** Deeper nesting is read as its text; Campfire's composer makes nothing near it. */
const nestingMax = 100;
/** Twice what a webhook can bring. */
const prefixedMaxCharacters = 2_000_000;

/** Marks that may be open, times places where they may begin anew: pasted text has many of both. */
const marksMax = 400_000;

const parser = unified().use(rehypeParse, { fragment: true }).freeze();

/** Throws a RangeError where the HTML would grow, or is nested beyond the parser's stack. */
function parsed(html: string): readonly Node[] {
  refuseMarks(html, marksMax);
  return parser.parse(html).children;
}

/**
 * The text of a message for the model. `html` is the webhook's `body.html`; null, as with an uploaded file, leaves
 * `plain`. A mention of `ownName` in front, by which the bot was called, is left out. Never throws.
 */
export function readBody(html: string | null, plain: string, ownName?: string): string {
  if (html === null) return plain.trim();
  try {
    const nodes = parsed(html);
    return write(withoutOwnMention(nodes, ownName), 0).text.trim();
  } catch {
    // Nobody could have written that by hand: Campfire's own rendering as text is the best that is left.
    return plain.trim();
  }
}

/** Everybody mentioned in a body, once, in order. Empty for null. Never throws. */
export function readMentions(html: string | null): Mention[] {
  const mentions = new Map<string, Mention>();
  try {
    collectMentions(parsed(html ?? ''), mentions);
  } catch {
    return [];
  }
  return [...mentions.values()];
}

function collectMentions(nodes: readonly Node[], mentions: Map<string, Mention>): void {
  for (const node of nodes) {
    if (node.type !== 'element') continue;
    const sgid = attribute(node, 'sgid');
    if (isMention(node) && sgid !== '') mentions.set(sgid, { sgid, name: mentionedName(node) });
    collectMentions(node.children, mentions);
  }
}

function isMention(node: Element): boolean {
  return node.tagName === 'action-text-attachment' && attribute(node, 'content-type') === mentionType;
}

/** The name is in the attachment's `content`, as escaped HTML, beside a picture; newer editors write that as JSON. */
function mentionedName(mention: Element): string {
  const content = attribute(mention, 'content');
  const shown = parsed(content.startsWith('"') ? unquoted(content) : content);
  return textOf(shown).replace(/\s+/g, ' ').trim() || textOf(mention.children).trim() || 'someone';
}

function unquoted(json: string): string {
  try {
    return String(JSON.parse(json));
  } catch {
    return json;
  }
}

/** Looks through the wrappers in front of the first words. */
function withoutOwnMention(nodes: readonly Node[], ownName: string | undefined): readonly Node[] {
  let kept = 0;
  for (const [index, node] of nodes.entries()) {
    if (node.type !== 'element' && textOf([node]).trim() === '') continue;
    if (ownName === undefined || node.type !== 'element') break;
    if (isMention(node)) {
      if (mentionedName(node) !== ownName) break;
      kept = index + 1;
    } else {
      if (!['div', 'p', 'span', 'strong', 'em'].includes(node.tagName)) break;
      const children = withoutOwnMention(node.children, ownName).filter((child) => child.type !== 'doctype');
      return [{ ...node, children }, ...nodes.slice(index + 1)];
    }
  }
  return nodes.slice(kept);
}

/** Text, and whether it stands on lines of its own. */
interface Piece {
  text: string;
  isBlock: boolean;
}

function write(nodes: readonly Node[], depth: number): Piece {
  const pieces = nodes
    .map((node) => pieceOf(node, depth))
    .filter(({ text, isBlock }) => text !== '' || isBlock);
  const parts: string[] = [];
  let afterBlock = false;
  let atLineStart = true;
  for (const { text, isBlock } of pieces) {
    if (!atLineStart && (isBlock || afterBlock)) {
      parts.push('\n');
      atLineStart = true;
    }
    parts.push(text);
    if (text !== '') atLineStart = text.endsWith('\n');
    afterBlock = isBlock;
  }
  return { text: parts.join(''), isBlock: pieces.some(({ isBlock }) => isBlock) };
}

function inline(text: string): Piece {
  return { text, isBlock: false };
}

function block(text: string): Piece {
  return { text, isBlock: true };
}

function pieceOf(node: Node, depth: number): Piece {
  if (node.type === 'text') return inline(isFormatting(node.value) ? '' : node.value);
  if (node.type !== 'element') return inline('');
  if (depth > nestingMax) return inline(textOf([node]));
  const inner = () => write(node.children, depth + 1).text;
  switch (node.tagName) {
    case 'br':
      return inline('\n');
    case 'a':
      return inline(linkText(inner(), attribute(node, 'href')));
    case 'action-text-attachment':
      return inline(attachmentText(node, inner()));
    case 'blockquote':
      return block(prefixed(inner(), '> ', '> '));
    case 'cite':
      return block(`> — ${inner().trim()}`);
    case 'pre':
      return block(fenced(node));
    case 'ul':
    case 'ol':
      return block(listText(node, depth));
    case 'td':
    case 'th':
      return inline(`${inner()}\t`);
    case 'p':
    case 'h1':
      return block(`${inner()}\n\n`);
    case 'div':
    case 'h2':
    case 'h3':
    case 'h4':
    case 'h5':
    case 'h6':
    case 'li':
    case 'tr':
    case 'dt':
    case 'dd':
    case 'hr':
    case 'figure':
    case 'figcaption':
      return block(inner());
    case 'script':
    case 'style':
      return inline('');
    default:
      return write(node.children, depth + 1);
  }
}

/** The line breaks and indents with which other programs lay out their tags. */
function isFormatting(value: string): boolean {
  return value.includes('\n') && value.trim() === '';
}

function linkText(label: string, href: string): string {
  if (href === '' || label.trim() === href || `mailto:${label.trim()}` === href) return label;
  return label.trim() === '' ? href : `[${label}](${href})`;
}

function attachmentText(attachment: Element, inner: string): string {
  if (isMention(attachment)) return `@${mentionedName(attachment)}`;
  const address = attribute(attachment, 'href') || attribute(attachment, 'url');
  const title = attribute(attachment, 'filename') || attribute(attachment, 'caption') || inner.trim();
  if (attribute(attachment, 'content-type').includes(previewType))
    return previewText(attachment, title, address);
  return address === '' ? title || inner : linkText(title, address);
}

/** What Campfire fetched for a link is part of what people in the room see. */
function previewText(preview: Element, title: string, address: string): string {
  const description = attribute(preview, 'caption');
  const link = linkText(title, address);
  return description === '' || description === title ? link : `${link}: ${description}`;
}

function listText(list: Element, depth: number): string {
  let number = Number.parseInt(attribute(list, 'start') || '1', 10);
  const lines = list.children.flatMap((child): string[] => {
    if (child.type !== 'element') return isFormatting(textOf([child])) ? [] : [textOf([child])];
    const inner = withoutTrailing(write(child.children, depth + 1).text, '\n');
    if (child.tagName !== 'li') return [pieceOf(child, depth + 1).text];
    const marker = list.tagName === 'ol' ? `${number}. ` : '- ';
    number += 1;
    return [prefixed(inner, marker, ' '.repeat(marker.length))];
  });
  return lines.join('\n');
}

function fenced(pre: Element): string {
  const code = preformattedText(pre.children).replace(/\n$/, '');
  const classes = [pre, pre.children[0]].map((node) =>
    node?.type === 'element' ? attribute(node, 'className') : '',
  );
  const language = /\blang(?:uage)?-([\w+-]+)/.exec(classes.join(' '))?.[1] ?? attribute(pre, 'dataLanguage');
  const longest = Math.max(2, ...Array.from(code.matchAll(/`+/g), ([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${code}\n${fence}`;
}

/** Throws a RangeError where quotes within quotes, each of which adds to every line, would grow beyond reason. */
function prefixed(text: string, first: string, others: string): string {
  if (text.length > prefixedMaxCharacters) throw new RangeError('The text grows with each quote around it.');
  return withoutTrailing(text, '\n')
    .split('\n')
    .map((line, index) => `${index === 0 ? first : others}${line}`)
    .join('\n');
}
