/** A long answer as several messages. Nothing is cut away: what does not fit continues in the next one. */
import type { Element, ElementContent } from 'hast';
import { type Block, numberedList, sizeOf, textBlock } from './blocks.ts';
import { text, textOf } from './nodes.ts';

/** Where a text is cut when nothing better is near: after a sentence, else after a word. */
const sentenceEnd = /^[\s\S]*(?:[.!?;:]\s|[。！？；\n])/;
const wordEnd = /^[\s\S]*[\s，、)）」]/;

/**
 * The blocks in groups of at most `limit` characters of text, cut between blocks if possible. A code block or a table
 * stays whole, or is continued as one; a heading is the last block of a group only among headings.
 */
export function splitBlocks(blocks: readonly Block[], limit: number): Block[][] {
  const groups: Block[][] = [];
  let group: Block[] = [];
  let size = 0;
  for (const block of blocks.flatMap((whole) => (sizeOf(whole) > limit ? cutBlock(whole, limit) : [whole]))) {
    const added = sizeOf(block);
    if (size + added > limit && group.length > 0) {
      const carried = takeTrailingHeadings(group);
      if (group.length > 0) groups.push(group);
      group = carried;
      size = carried.reduce((sum, heading) => sum + sizeOf(heading), 0);
    }
    group.push(block);
    size += added;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

/** Nothing of a group that is all headings: carried on, it would never end. */
function takeTrailingHeadings(group: Block[]): Block[] {
  const lastOther = group.findLastIndex(({ kind }) => kind !== 'heading');
  return lastOther < 0 ? [] : group.splice(lastOther + 1);
}

function cutBlock(block: Block, limit: number): Block[] {
  if (block.kind === 'code') return cutCode(block, limit);
  if (block.element.tagName === 'ol') return cutNumberedList(block.element, limit);
  return cutElement(block.element, limit).map((piece) => ({ ...block, element: piece }));
}

/** Between lines; each continuation of a table begins with its head. */
function cutCode(block: Block, limit: number): Block[] {
  const lines = linesOf(block.element.children);
  const head = lines.splice(0, block.repeatedLines ?? 0);
  const room = Math.max(1, limit - sizeOfLines(head));
  const pieces = packed(
    lines.flatMap((line) => (textOf(line).length > room ? cutNodes(line, room) : [line])),
    (line) => textOf(line).length + 1,
    room,
  );
  return pieces.map((piece) => {
    const content = [...head, ...piece].flatMap((line, index) =>
      index === 0 ? line : [text('\n'), ...line],
    );
    return { ...block, element: { ...block.element, children: mergedText(content) } };
  });
}

function linesOf(nodes: readonly ElementContent[]): ElementContent[][] {
  const lines: ElementContent[][] = [[]];
  for (const node of nodes) {
    const [first, ...rest] = node.type === 'text' ? node.value.split('\n').map(text) : [node];
    if (first !== undefined) lines.at(-1)?.push(first);
    for (const line of rest) lines.push([line]);
  }
  return lines;
}

function sizeOfLines(lines: ElementContent[][]): number {
  return lines.reduce((sum, line) => sum + textOf(line).length + 1, 0);
}

/** Highlighting wants a single text in its `pre`. */
function mergedText(nodes: readonly ElementContent[]): ElementContent[] {
  return nodes.every(({ type }) => type === 'text') ? [text(textOf(nodes))] : [...nodes];
}

/** The numbers go on in the next message; a long item's continuation has none. */
function cutNumberedList(list: Element, limit: number): Block[] {
  const items = list.children.filter((child) => child.type === 'element');
  const parts = items.flatMap((item, index) =>
    cutElement(item, limit).map((part, at) => ({ part, number: at === 0 ? index + 1 : undefined })),
  );
  return packed(parts, ({ part }) => textOf([part]).length, limit).flatMap((piece): Block[] => {
    const continued = piece.filter(({ number }) => number === undefined);
    const numbered = piece.filter(({ number }) => number !== undefined);
    const blocks = continued.map(({ part }) => textBlock(part.children));
    const start = numbered[0]?.number;
    if (start === undefined) return blocks;
    const rest = numberedList(
      numbered.map(({ part }) => part),
      start,
    );
    return [...blocks, { kind: 'list', element: rest }];
  });
}

function cutElement(whole: Element, limit: number): Element[] {
  if (textOf([whole]).length <= limit) return [whole];
  return cutNodes(whole.children, limit).map((children) => ({ ...whole, children }));
}

function cutNodes(nodes: readonly ElementContent[], limit: number): ElementContent[][] {
  const pieces = nodes.flatMap((node): ElementContent[] => {
    if (node.type === 'text') return cutText(node.value, limit).map(text);
    return node.type === 'element' ? cutElement(node, limit) : [];
  });
  return packed(pieces, (piece) => textOf([piece]).length, limit);
}

function cutText(whole: string, limit: number): string[] {
  const pieces: string[] = [];
  let rest = whole;
  while (rest.length > limit) {
    const window = rest.slice(0, limit);
    const end = [sentenceEnd, wordEnd]
      .map((pattern) => pattern.exec(window)?.[0].length ?? 0)
      .find((at) => at > limit / 2);
    const cut = end ?? betweenCharacters(rest, limit);
    pieces.push(rest.slice(0, cut));
    rest = rest.slice(cut);
  }
  return [...pieces, rest];
}

/** At most `limit`, and not inside of what a reader takes for one character, such as a composed emoji. */
function betweenCharacters(value: string, limit: number): number {
  const start = Math.max(0, limit - 64);
  const characters = new Intl.Segmenter().segment(value.slice(start, limit + 64));
  return Math.max(1, start + (characters.containing(limit - start)?.index ?? 0));
}

function packed<T>(parts: readonly T[], sizeOfPart: (part: T) => number, limit: number): T[][] {
  const groups: T[][] = [];
  let group: T[] = [];
  let size = 0;
  for (const part of parts) {
    const added = sizeOfPart(part);
    if (group.length > 0 && size + added > limit) {
      groups.push(group);
      group = [];
      size = 0;
    }
    group.push(part);
    size += added;
  }
  return group.length > 0 ? [...groups, group] : groups;
}
