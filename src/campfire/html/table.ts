/**
 * Tables, which Campfire removes together with their text. A narrow one becomes columns of monospaced text, a wide one
 * or one of prose becomes one block per row, with the column's name before each value.
 */
import type { Element, ElementContent } from 'hast';
import { type Block, textBlock } from './blocks.ts';
import { type Cell, columnsOf, fitsColumns, type Table } from './columns.ts';
import { inlineContent, trimmed, type Wording } from './inline.ts';
import { attribute, element, type Node, text, textOf } from './nodes.ts';

/** The table as blocks: its caption, then columns or rows. `blocksOf` composes a cell that holds blocks. */
export function tableBlocks(
  node: Element,
  words: Wording,
  blocksOf: (nodes: readonly Node[]) => Block[],
): Block[] {
  const table = readTable(node, words, blocksOf);
  const captions = blocksOf(childrenNamed(node, 'caption'));
  if (table.columns === 0) return captions;
  return [...captions, ...(fitsColumns(table) ? [columnsOf(table)] : rowsOf(table))];
}

function readTable(node: Element, words: Wording, blocksOf: (nodes: readonly Node[]) => Block[]): Table {
  const sections = node.children.flatMap((child): { row: Element; inHead: boolean }[] => {
    if (child.type !== 'element') return [];
    if (child.tagName === 'tr') return [{ row: child, inHead: false }];
    const inHead = child.tagName === 'thead';
    return childrenNamed(child, 'tr').map((row) => ({ row, inHead }));
  });
  const rows = sections.map(({ row, inHead }) => {
    const cells = row.children.filter((child) => child.type === 'element');
    const isHead = inHead || (cells.length > 0 && cells.every(({ tagName }) => tagName === 'th'));
    return { isHead, cells: cells.map((cell) => readCell(cell, words, blocksOf)) };
  });
  const head = rows[0]?.isHead ? rows[0].cells : undefined;
  return {
    head,
    rows: rows.slice(head === undefined ? 0 : 1).map(({ cells }) => cells),
    columns: Math.max(0, ...rows.map(({ cells }) => cells.length)),
  };
}

function readCell(cell: Element, words: Wording, blocksOf: (nodes: readonly Node[]) => Block[]): Cell {
  const align = attribute(cell, 'align');
  const blocks = blocksOf(cell.children);
  const single = blocks.length === 1 && blocks[0]?.kind === 'text';
  if (blocks.length === 0 || single) return { align, content: trimmed(inlineContent(cell.children, words)) };
  return { align, content: [text(textOf(cell.children))], blocks };
}

function childrenNamed(node: Element, tagName: string): Element[] {
  return node.children.filter(
    (child): child is Element => child.type === 'element' && child.tagName === tagName,
  );
}

function rowsOf(table: Table): Block[] {
  const { head, rows } = table;
  if (rows.length === 0) return [textBlock((head ?? []).flatMap((cell, index) => separated(cell, index)))];
  return rows.flatMap((row) => rowBlocks(row, head));
}

function separated(cell: Cell, index: number): ElementContent[] {
  return [...(index === 0 ? [] : [text(' · ')]), element('strong', cell.content)];
}

function rowBlocks(row: Cell[], head: Cell[] | undefined): Block[] {
  const blocks: Block[] = [];
  let lines: ElementContent[] = [];
  const columns = Math.max(row.length, head?.length ?? 0);
  for (let column = 0; column < columns; column += 1) {
    const cell = row[column];
    const name = head?.[column]?.content ?? [];
    const label = name.length === 0 ? [] : [element('strong', name), text(': ')];
    if (label.length === 0 && textOf(cell?.content ?? []).trim() === '') continue;
    if (lines.length > 0) lines.push(element('br'));
    lines.push(...label);
    if (cell?.blocks === undefined) {
      lines.push(...(cell?.content ?? []));
    } else {
      if (lines.length > 0) blocks.push(textBlock(lines));
      blocks.push(...cell.blocks);
      lines = [];
    }
  }
  if (lines.length > 0) blocks.push(textBlock(lines));
  return blocks;
}
