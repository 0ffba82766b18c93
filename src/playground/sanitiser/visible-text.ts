/** The text of a page fragment as a reader sees it, much like a browser's `innerText`. */
import type { Element, ElementContent, Root } from 'hast';
import { toString as textOf } from 'hast-util-to-string';

interface Line {
  text: string;
  /** From a `pre`, where spaces count. */
  preformatted: boolean;
}

const blockTags = new Set(
  'address blockquote dd div dl dt figure h1 h2 h3 h4 h5 h6 hr li ol p ul'.split(' '),
);

/** White space collapses to one space except inside `pre`; blocks and `<br>` begin a new line. No markers of lists. */
export function visibleTextOf(tree: Root): string {
  const lines: Line[] = [];
  writeChildren(tree, lines);
  return lines
    .map(({ text, preformatted }) => (preformatted ? text : text.replace(/^ +|(?<! ) +$/g, '')))
    .join('\n')
    .replace(/^\n+|(?<!\n)\n+$/g, '');
}

function writeChildren(parent: Root | Element, lines: Line[]): void {
  for (const child of parent.children) writeNode(child, lines);
}

function writeNode(node: Root['children'][number] | ElementContent, lines: Line[]): void {
  if (node.type === 'text') append(lines, node.value.replace(/[ \t\r\n\f]+/g, ' '));
  if (node.type !== 'element') return;
  if (node.tagName === 'br') {
    lines.push({ text: '', preformatted: false });
  } else if (node.tagName === 'pre') {
    for (const text of textOf(node).split('\n')) lines.push({ text, preformatted: true });
    breakLine(lines);
  } else if (blockTags.has(node.tagName)) {
    breakLine(lines);
    writeChildren(node, lines);
    breakLine(lines);
  } else {
    writeChildren(node, lines);
  }
}

function append(lines: Line[], text: string): void {
  const current = lines.at(-1);
  if (current === undefined || current.preformatted) lines.push({ text, preformatted: false });
  else current.text += current.text.endsWith(' ') ? text.replace(/^ /, '') : text;
}

function breakLine(lines: Line[]): void {
  const current = lines.at(-1);
  if (current === undefined || current.preformatted || current.text.trim() !== '') {
    lines.push({ text: '', preformatted: false });
  }
}
