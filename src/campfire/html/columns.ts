/** Tables as columns of monospaced text, which line up in whatever font a reader has. */
import type { ElementContent } from 'hast';
import stringWidth from 'string-width';
import type { Block } from './blocks.ts';
import { element, text, textOf } from './nodes.ts';

/** What fits into a message on a laptop; Campfire's bubble ends at 80 characters of body text. */
const tableMaxColumns = 72;
/** A longer cell is prose, which nobody reads in columns. */
const cellMaxColumns = 40;

const columnGap = '  ';
/** Hebrew and Arabic lines run the other way: a browser would swap the columns of those lines alone. */
const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;
const numeric = /^[\s+\-−–±~≈<>$€£¥₹(]*\d[\d\s.,:/']*(?:e[+-]?\d+)?\s?[%‰)a-zA-Zµ°²³/€£¥元]{0,5}$/;

/** Characters of East Asian fonts, which are all equally wide. Emoji are not among them: their fonts go their own way. */
const fullWidth =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]/g;
const fullWidthSpace = '\u3000';
const fullWidthHyphen = '\uff0d';

export interface Cell {
  content: ElementContent[];
  /** Blocks of a cell that has more than one line of text. */
  blocks?: Block[];
  align: string;
}

export interface Table {
  head: Cell[] | undefined;
  rows: Cell[][];
  columns: number;
}

/**
 * How wide a text is. An East Asian character comes from another font than a Latin one and is hardly ever just twice as
 * wide, so that spaces cannot stand in for it: a column lines up when each of its cells has as many of both kinds.
 */
interface Width {
  full: number;
  half: number;
}

function allRows({ head, rows }: Table): Cell[][] {
  return head === undefined ? rows : [head, ...rows];
}

function widthOf(cell: Cell | undefined): Width {
  const shown = textOf(cell?.content ?? []);
  const full = shown.match(fullWidth)?.length ?? 0;
  return { full, half: Math.max(0, stringWidth(shown) - 2 * full) };
}

function columnWidths(table: Table): Width[] {
  return Array.from({ length: table.columns }, (_, column) => {
    const widths = allRows(table).map((row) => widthOf(row[column]));
    const largest = (kind: keyof Width) => widths.reduce((most, width) => Math.max(most, width[kind]), 0);
    return { full: largest('full'), half: largest('half') };
  });
}

function columnsIn({ full, half }: Width): number {
  return 2 * full + half;
}

/** Whether every cell is one line and all of them fit beside each other. */
export function fitsColumns(table: Table): boolean {
  const widths = columnWidths(table).map(columnsIn);
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

/** The table as code, with a rule below its head. */
export function columnsOf(table: Table): Block {
  const widths = columnWidths(table);
  const alignments = widths.map((_, column) => alignmentOf(table, column));
  const line = (row: Cell[]) => widths.map((width, column) => padded(row[column], width, alignments[column]));
  const lines = allRows(table).map((row) => joined(line(row)));
  // Hyphens: the lines of box drawing have no fixed width in Chinese and Japanese fonts.
  if (table.head !== undefined) lines.splice(1, 0, [text(widths.map(ruleOf).join(columnGap))]);
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

function ruleOf({ full, half }: Width): string {
  return fullWidthHyphen.repeat(full) + '-'.repeat(half);
}

function padded(cell: Cell | undefined, width: Width, alignment: string | undefined): ElementContent[] {
  const own = widthOf(cell);
  const free = { full: width.full - own.full, half: width.half - own.half };
  const share = alignment === 'right' ? 1 : alignment === 'center' ? 0.5 : 0;
  const before = { full: Math.floor(free.full * share), half: Math.floor(free.half * share) };
  const after = { full: free.full - before.full, half: free.half - before.half };
  return [text(spaces(before)), ...monospaced(cell?.content ?? []), text(spaces(after))];
}

function spaces({ full, half }: Width): string {
  return fullWidthSpace.repeat(full) + ' '.repeat(half);
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
