/** Markdown, mixed with HTML as models write it, into one tree of HTML. */
import type { Root } from 'hast';
import rehypeRaw from 'rehype-raw';
import remarkGfm from 'remark-gfm';
import remarkParse from 'remark-parse';
import remarkRehype from 'remark-rehype';
import { unified } from 'unified';
import { cjkEmphasis } from './cjk-emphasis.ts';
import { formulaBlocks } from './formula-block.ts';
import { boundMarkdown, boundTables } from './growth.ts';
import { inlineFormulas } from './inline-formula.ts';
import { prepareTree } from './prepare.ts';

/** More containers in front of one line cost the parser quadratic time and its successors their stack. */
const nestingMax = 40;

/** Quotes, items of lists and footnotes within each other on one line. */
const nested = new RegExp(
  `^(?:[ \\t]*(?:>|\\[\\^[^\\]\\s]+\\]:|(?:[*+-]|\\d{1,9}[.)])[ \\t])){${nestingMax}}`,
  'm',
);

/**
 * What takes the parser quadratic time, and how much of it an answer may hold; each takes some 0.2 s then. Runs of `*`,
 * `_` and `~` are matched with each other, a `]` looks back for its `[`, a line of rule marks alone is tried as the end
 * of a heading and as the head of a table, and the end of a comment or an instruction is looked for as far as the
 * paragraph goes.
 */
const quadratic: readonly [pattern: RegExp, max: number][] = [
  [/[*_~]+/g, 4_000],
  [/\]/g, 4_000],
  [/^[ \t]*[|:=-][|:= \t-]*$/gm, 800],
  [/<[!?]/g, 400],
];

const processor = unified()
  .data('micromarkExtensions', [formulaBlocks, inlineFormulas, cjkEmphasis])
  .use(remarkParse)
  // One tilde is "about" and "to" (3~5天) far more often than a deletion.
  .use(remarkGfm, { singleTilde: false })
  .use(prepareTree)
  .use(boundMarkdown)
  .use(remarkRehype, { allowDangerousHtml: true })
  .use(rehypeRaw)
  .use(boundTables)
  .freeze();

/**
 * The tree, not yet fit for Campfire; undefined when the text is built so that parsing it would take seconds.
 * `markdown` must be repaired text. Throws (a RangeError, mostly) when it is nested deeper than the stack allows, or would
 * grow out of all proportion.
 */
export function parseMarkdown(markdown: string): Root | undefined {
  if (isPathological(markdown)) return undefined;
  return processor.runSync(processor.parse(markdown), { value: markdown });
}

function isPathological(markdown: string): boolean {
  return nested.test(markdown) || quadratic.some(([pattern, max]) => countAbove(markdown, pattern, max));
}

function countAbove(text: string, pattern: RegExp, limit: number): boolean {
  let count = 0;
  for (const _ of text.matchAll(pattern)) {
    count += 1;
    if (count > limit) return true;
  }
  return false;
}
