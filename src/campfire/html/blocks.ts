/** An answer as a column of blocks, each of which Campfire shows as it is. */
import type { Element, ElementContent } from 'hast';
import { element, text, textOf } from './nodes.ts';

export interface Block {
  kind: 'text' | 'heading' | 'list' | 'code' | 'quote' | 'rule';
  element: Element;
  /** Lines that a continuation of this block begins with: the head of a table. Only for `code`. */
  repeatedLines?: number;
}

export function textBlock(content: ElementContent[]): Block {
  return { kind: 'text', element: element('div', content) };
}

/**
 * Blocks one below the other, with Trix's empty line where a reader expects a gap: Campfire gives blocks no margins.
 * Headings and code are wrapped in a `div` because only that ends a line in Campfire's plain text, by which it
 * notifies and searches.
 */
export function stacked(blocks: readonly Block[]): ElementContent[] {
  return blocks.flatMap((block, index) => {
    const before = blocks[index - 1];
    const gap = before !== undefined && needsGap(before, block) ? [element('div', [element('br')])] : [];
    return [...gap, needsLineEnd(block) ? element('div', [block.element]) : block.element];
  });
}

/** Numbered items. Campfire drops `start`, so that a list which does not begin at 1 has its numbers as text. */
export function numberedList(items: readonly Element[], start: number): Element {
  if (start === 1) return element('ol', [...items]);
  return element(
    'div',
    items.map((item, index) => {
      const [first, ...rest] = item.children;
      const number = text(`${start + index}. `);
      if (first?.type === 'element' && first.tagName === 'div') {
        return element('div', [element('div', [number, ...first.children]), ...rest]);
      }
      return element('div', [number, ...item.children]);
    }),
  );
}

/** How much of a message a block takes, in characters of its text. */
export function sizeOf(block: Block): number {
  return textOf([block.element]).length;
}

function needsLineEnd({ kind, element: { tagName } }: Block): boolean {
  return kind === 'code' || (kind === 'heading' && tagName !== 'div');
}

function needsGap(before: Block, block: Block): boolean {
  if (before.kind === 'heading' || before.kind === 'rule' || block.kind === 'rule')
    return block.kind === 'heading';
  const follows = before.kind === 'text' && ['list', 'code', 'quote'].includes(block.kind);
  return !follows;
}
