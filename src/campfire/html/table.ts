/**
 * Tables, which Campfire removes together with their text. A narrow one becomes columns of monospaced text, a wide one
 * or one of prose becomes one block per row, with the column's name before each value.
 */
import type { Element, ElementContent } from 'hast';
import stringWidth from 'string-width';
import { type Block, textBlock } from './blocks.ts';
import { inlineContent, trimmed, type Wording } from './inline.ts';
import { attribute, element, type Node, text, textOf } from './nodes.ts';

/** What fits into a message on a laptop; Campfire's bubble ends at 80 characters of body text. */
const tableMaxColumns = 72;
/** A longer cell is prose, which nobody reads in columns. */
const cellMaxColumns = 40;

const columnGap = '  ';
/** Hebrew and Arabic lines run the other way: a browser would swap the columns of those lines alone. */
const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;
const numeric = /^[\s+\-−–±~≈<>$€£¥₹(]*\d[\d\s.,:/']*(?:e[+-]?\d+)?\s?[%‰)a-zA-Zµ°²³/€£¥元]{0,5}$/;

interface Cell {
  content: ElementContent[];
  /** Blocks of a cell that has more than one line of text. */
  blocks?: Block[];
  align: string;
}

interface Table {
  head: Cell[] | undefined;
  rows: Cell[][];
  columns: number;
}

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

function allRows({ head, rows }: Table): Cell[][] {
  return head === undefined ? rows : [head, ...rows];
}

function widthOf(cell: Cell | undefined): number {
  return cell === undefined ? 0 : stringWidth(textOf(cell.content));
}

function columnWidths(table: Table): number[] {
  return Array.from({ length: table.columns }, (_, column) =>
    Math.max(...allRows(table).map((row) => widthOf(row[column]))),
  );
}

function fitsColumns(table: Table): boolean {
  const widths = columnWidths(table);
  const total = widths.reduce((sum, width) => sum + width + columnGap.length, -columnGap.length);
  const isLine = ({ content, blocks }: Cell) =>
    blocks === undefined && !content.some(isBreak) && !rightToLeft.test(textOf(content));
  return (
    total <= tableMaxColumns &&
    widths.every((width) => width <= cellMaxColumns) &&
    allRows(table).flat().every(isLine)
  );
}

function isBreak(node: ElementContent): boolean {
  return node.type === 'element' && (node.tagName === 'br' || node.children.some(isBreak));
}

function columnsOf(table: Table): Block {
  const widths = columnWidths(table);
  const alignments = widths.map((_, column) => alignmentOf(table, column));
  const line = (row: Cell[]) => widths.map((width, column) => padded(row[column], width, alignments[column]));
  const lines = allRows(table).map((row) => joined(line(row)));
  // Hyphens: the lines of box drawing have no fixed width in Chinese and Japanese fonts.
  if (table.head !== undefined)
    lines.splice(1, 0, [text(widths.map((width) => '-'.repeat(width)).join(columnGap))]);
  const content = lines.flatMap((nodes, index) => (index === 0 ? nodes : [text('\n'), ...nodes]));
  return {
    kind: 'code',
    element: element('pre', mergedText(content), { className: ['nohighlight'] }),
    repeatedLines: table.head === undefined ? 0 : 2,
  };
}

function alignmentOf({ rows, head }: Table, column: number): string {
  const asked = head?.[column]?.align ?? rows[0]?.[column]?.align;
  if (asked) return asked;
  const values = rows.map((row) => textOf(row[column]?.content ?? []).trim()).filter((value) => value !== '');
  return values.length > 0 && values.every((value) => numeric.test(value)) ? 'right' : 'left';
}

function padded(cell: Cell | undefined, width: number, alignment: string | undefined): ElementContent[] {
  const free = width - widthOf(cell);
  const before = alignment === 'right' ? free : alignment === 'center' ? Math.floor(free / 2) : 0;
  return [text(' '.repeat(before)), ...monospaced(cell?.content ?? []), text(' '.repeat(free - before))];
}

/** Without the marks that change the width of a character or draw a box around it. */
function monospaced(content: readonly ElementContent[]): ElementContent[] {
  return content.flatMap((node): ElementContent[] => {
    if (node.type !== 'element') return [node];
    const children = monospaced(node.children);
    return ['a', 'strong', 'em', 'del'].includes(node.tagName) ? [{ ...node, children }] : children;
  });
}

function joined(cells: ElementContent[][]): ElementContent[] {
  const nodes = mergedText(cells.flatMap((cell, index) => (index === 0 ? cell : [text(columnGap), ...cell])));
  const last = nodes.at(-1);
  if (last?.type === 'text') nodes[nodes.length - 1] = text(last.value.trimEnd());
  return nodes;
}

function mergedText(nodes: readonly ElementContent[]): ElementContent[] {
  const merged: ElementContent[] = [];
  for (const node of nodes) {
    const last = merged.at(-1);
    if (node.type === 'text' && last?.type === 'text')
      merged[merged.length - 1] = text(last.value + node.value);
    else merged.push(node);
  }
  return merged;
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
    if (label.length === 0 && widthOf(cell) === 0) continue;
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
