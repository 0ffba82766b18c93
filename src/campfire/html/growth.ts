/**
 * Short texts that grow when they are parsed: rows that are filled up to a table's width, an address that a thousand
 * references repeat, marks that are never closed and begin anew in each paragraph. Each is measured before it grows.
 */
import type { Element, Root as HtmlRoot } from 'hast';
import type { Nodes, Root } from 'mdast';
import { visit } from 'unist-util-visit';
import { sizeInHtml } from './nodes.ts';

/** Of all tables; one of 30 columns and 300 rows is one that people ask for. */
const cellsMax = 20_000;
/** Of all that stands in front of the values of tables that are shown by rows. */
const labelsMaxCharacters = 1_000_000;
const referencesMaxCharacters = 200_000;
/** Marks that may be open, times places where they may begin anew. */
const marksMax = 60_000;

/** A remark plugin, for trees whose HTML holds whole tags only. Throws a RangeError when the text would grow. */
export function boundMarkdown() {
  return (tree: Root) => {
    const targets = new Map<string, number>();
    const html: string[] = [];
    let nodes = 0;
    let cells = 0;
    let references = 0;
    visit(tree, 'definition', ({ identifier, url, title }) => {
      if (!targets.has(identifier)) targets.set(identifier, url.length + (title ?? '').length);
    });
    visit(tree, (node: Nodes) => {
      nodes += 1;
      if (node.type === 'html') html.push(node.value);
      if (node.type === 'table') cells += node.children.length * (node.align?.length ?? 0);
      if (node.type === 'linkReference' || node.type === 'imageReference')
        references += targets.get(node.identifier) ?? 0;
    });
    refuseAbove(cellsMax, cells, 'cells');
    refuseAbove(referencesMaxCharacters, references, 'characters of references');
    refuseMarks(html.join('\n'), marksMax, nodes);
  };
}

/** A rehype plugin. Throws a RangeError when the tables would grow; `boundMarkdown` sees none of those in HTML. */
export function boundTables() {
  return (tree: HtmlRoot) => {
    let cells = 0;
    let labels = 0;
    visit(tree, 'element', (table) => {
      if (table.tagName !== 'table') return;
      const rows = elementsIn(table)
        .flatMap((part) => (part.tagName === 'tr' ? [part] : elementsIn(part)))
        .map(elementsIn);
      cells += rows.length * rows.reduce((most, { length }) => Math.max(most, length), 0);
      labels += rows.length * sizeInHtml(rows[0] ?? []);
    });
    refuseAbove(cellsMax, cells, 'cells');
    refuseAbove(labelsMaxCharacters, labels, 'characters of labels');
  };
}

function elementsIn({ children }: Element): Element[] {
  return children.filter((child) => child.type === 'element');
}

/** Elements that an HTML parser opens anew wherever they were not closed. Of `a` and `nobr` only the last one. */
const mark = /<(?:b|big|code|em|font|i|s|small|strike|strong|tt|u)(?=[\s/>])[^>]*/gi;
/** What certainly ends at the next `>`. */
const plainTag = /^<\w+(?:\s+[^\s"'<>/=]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>=`]+))?)*\s*$/;
/** The parser keeps no more of the same at a time. */
const sameMarksMax = 3;

/** Throws a RangeError when parsing `html` could open more than `max` marks. `others`: how many nodes are around it. */
export function refuseMarks(html: string, max: number, others = 0): void {
  const counts = new Map<string, number>();
  let kept = 0;
  for (const [tag] of html.matchAll(mark)) {
    const count = counts.get(tag) ?? 0;
    if (count < sameMarksMax) kept += 1;
    if (plainTag.test(tag)) counts.set(tag, count + 1);
  }
  if (kept === 0) return;
  const places = others + html.split('<').length;
  refuseAbove(max, kept * places, 'marks');
}

function refuseAbove(max: number, count: number, what: string): void {
  if (count > max) throw new RangeError(`The text would grow to more than ${max} ${what}.`);
}
