/** Text in = text out, for documents that nobody thought of. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Element, Root } from 'hast';
import { parseFragment } from '../../../src/playground/sanitiser/fragment.ts';
import { visibleTextOf } from '../../../src/playground/sanitiser/visible-text.ts';
import { shownReply } from './shown.ts';

/** Replaced by w0w, w1w, … in reading order, so that a missing, doubled or moved word is seen. */
const blank = '\u2063';

function numbered(template: string): { text: string; words: string[] } {
  const words: string[] = [];
  const text = template.replaceAll(blank, () => {
    words.push(`w${words.length}w`);
    return words.at(-1) ?? '';
  });
  return { text, words };
}

function classesIn(parent: Root | Element): string[] {
  return parent.children.flatMap((child) =>
    child.type === 'element' ? [...(child.properties.className ?? []), ...classesIn(child)] : [],
  );
}

function wordsOf(text: string): string[] {
  return text.match(/w\d+w/g) ?? [];
}

const inline: fc.Arbitrary<string> = fc.letrec<{ inline: string }>((tie) => ({
  inline: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(blank),
    fc.constantFrom(
      `${blank} ${blank}`,
      `\`${blank} < ${blank}\``,
      `${blank}\n${blank}`,
      `List<${blank}>`,
      `${blank} & ${blank}`,
    ),
    tie('inline').map((inner) => `**${inner}**`),
    tie('inline').map((inner) => `*${inner}*`),
    tie('inline').map((inner) => `~~a ${inner} b~~`),
    tie('inline').map((inner) => `[${inner}](https://x.org/a)`),
    tie('inline').map((inner) => `<u>${inner}</u>`),
    tie('inline').map((inner) => `<button>${inner}</button>`),
    tie('inline').map((inner) => `<span class="mention">${inner}</span>`),
    fc.constant(`![${blank}](https://x.org/i.png)`),
    fc.tuple(tie('inline'), tie('inline')).map((parts) => parts.join(' ')),
  ),
})).inline;

const line = inline.map((text) => text.replaceAll('\n', ' '));
const indented = (text: string, by: string) => text.replaceAll('\n', `\n${by}`);

const blocks: fc.Arbitrary<string> = fc.letrec<{ block: string; blocks: string }>((tie) => ({
  block: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    inline,
    fc.tuple(fc.integer({ min: 1, max: 6 }), line).map(([level, text]) => `${'#'.repeat(level)} ${text}`),
    fc
      .constantFrom('', 'js', 'mermaid', 'text')
      .map((name) => `\`\`\`${name}\n${blank}\n  <${blank}> https://x.org/${blank}\n\`\`\``),
    fc.array(line, { minLength: 2, maxLength: 6 }).map((cells) => {
      const columns = cells.length > 3 ? 2 : 1;
      const row = (from: number) =>
        `| ${Array.from({ length: columns }, (_, at) => cells[from + at] ?? blank).join(' | ')} |`;
      return `${'| head '.repeat(columns)}|\n|${'---|'.repeat(columns)}\n${row(0)}\n${row(columns)}`;
    }),
    tie('blocks').map((inner) => `> ${indented(inner, '> ')}`),
    fc
      .array(tie('blocks'), { minLength: 1, maxLength: 3 })
      .map((items) => items.map((item) => `- ${indented(item, '  ')}`).join('\n')),
    fc
      .tuple(fc.constantFrom(1, 3), tie('blocks'))
      .map(([start, item]) => `${start}. ${indented(item, '   ')}\n${start + 1}. ${blank}`),
    tie('blocks').map((inner) => `<details><summary>${blank}</summary>\n\n${inner}\n\n</details>`),
    line.map((inner) => `- [x] ${inner}`),
    line.map((inner) => `<table><tr><td>${inner}</td><td>${blank}</td></tr></table>`),
    fc.constant(`$$\n${blank}_1 + ${blank}\n$$`),
  ),
  blocks: fc.array(tie('block'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('\n\n')),
})).blocks;

const tagNames =
  'p div span b i u s mark table tr td ul li ol blockquote pre code h2 button details summary select option svg math text form label template center font string T action-text-attachment script style textarea title noscript iframe xmp';

const soup = fc
  .array(
    fc.oneof(
      fc.constantFrom(blank, ` ${blank} `, '\n', '\n\n', '<', '&', '> ', '- ', '*'),
      fc
        .constantFrom(...tagNames.split(' '))
        .chain((name) => fc.constantFrom(`<${name}>`, `</${name}>`, `<${name} class="message">`)),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''));

const fragments =
  '# |> |- |1. |* |** |_ |~~ |` |``` |~~~ |[ |]( |) |![ |] |[^1] |[^1]: |[a]: |< |> |</ |<!-- |--> |<div |class=" |" |/> || |\n|---|\n|\n\n|    |\t|$$|\\(|\\)|\\|https://x.org|www.x|a@b.c|&amp;|&#|<script>|</script>|<textarea>|<svg><style>|<a href=|x|中文：|。|🎉|\ud83d|\u0000|<![CDATA[|<?php |]]>';

const fuzz = fc
  .array(fc.oneof(fc.constantFrom(...fragments.split('|')), fc.constant('\n'), fc.string({ maxLength: 3 })), {
    maxLength: 40,
  })
  .map((parts) => parts.join(''));

describe('text in is text out', () => {
  it('for generated documents: every word once, in order', () => {
    fc.assert(
      fc.property(blocks, (template) => {
        const { text, words } = numbered(template);
        const shown = shownReply(text);
        assert.deepEqual(shown.lost, []);
        assert.deepEqual(wordsOf(shown.text), words, text);
      }),
      { numRuns: 500 },
    );
  });

  it('for broken HTML: every word', () => {
    fc.assert(
      fc.property(soup, (template) => {
        const { text, words } = numbered(template);
        const shown = shownReply(text);
        assert.deepEqual(shown.lost, []);
        // A browser moves text that stands in a table outside of its cells.
        assert.deepEqual(wordsOf(shown.text).sort(), words.sort(), text);
      }),
      { numRuns: 1_000 },
    );
  });

  it('for fuzzed Markdown: the page shows all that is posted, and nothing else happens', () => {
    fc.assert(
      fc.property(fuzz, (markdown) => {
        const { bodies, pages, lost } = shownReply(markdown);
        assert.deepEqual(lost, []);
        for (const [index, body] of bodies.entries()) {
          assert.ok(body.isWellFormed());
          assert.equal(pages[index]?.text, visibleTextOf(parseFragment(body)));
          assert.equal(pages[index]?.emojiOnly, false);
          const own = /^(?:m12-\d|ai-reply|language-[a-z]+|nohighlight)$/;
          assert.deepEqual(
            classesIn(parseFragment(body)).filter((name) => !own.test(name)),
            [],
          );
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
