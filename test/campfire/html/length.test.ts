import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderReply } from '../../../src/campfire/html/render.ts';
import { deadLinks as deadLinksOf } from '../../../src/downloads/links.ts';
import { plainTextOf } from '../../../src/playground/sanitiser/plain-text.ts';
import { showBody } from '../../../src/playground/sanitiser.ts';
import { shownReply } from './shown.ts';

const words = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `word${index + from}`);

function assertInOrder(text: string, pieces: string[]): void {
  let position = 0;
  for (const piece of pieces) {
    const found = text.indexOf(piece, position);
    assert.ok(found >= 0, `${piece} is missing`);
    position = found + piece.length;
  }
}

describe('a long answer', () => {
  it('is several numbered messages with their own markers', () => {
    const paragraphs = words(40).map((word) => `${word} ${'text '.repeat(100)}`);
    const { bodies, pages, text } = shownReply(paragraphs.join('\n\n'));
    assert.equal(bodies.length, 3);
    bodies.forEach((body, part) => {
      assert.ok(body.startsWith(`<div class="m12-${part} `));
      assert.ok(pages[part]?.text.startsWith(`(${part + 1}/3)\n`));
    });
    for (const page of pages) assert.ok(page.text.length <= 9_000);
    assertInOrder(text, words(40));
  });

  it('is cut between blocks, and no heading is left behind', () => {
    const section = (name: string) => `## ${name}\n\n${'text '.repeat(1_000)}`;
    const { pages } = shownReply(['One', 'Two', 'Three'].map(section).join('\n\n'));
    assert.deepEqual(
      pages.map(({ text }) => text.match(/One|Two|Three/g)),
      [['One'], ['Two'], ['Three']],
    );
  });

  it('of nothing but headings is cut as well', () => {
    const { pages } = shownReply('# A heading of some length\n'.repeat(900));
    assert.ok(pages.length >= 3);
    for (const page of pages) assert.ok(page.text.length <= 9_000, `${page.text.length}`);
  });

  it('continues a code block as code of the same language', () => {
    const lines = words(1_500).map((word) => `  ${word}();`);
    const { pages } = shownReply(`Look:\n\n\`\`\`js\n${lines.join('\n')}\n\`\`\``);
    const blocks = pages.flatMap(({ code }) => code);
    assert.ok(blocks.length >= 2);
    assert.ok(blocks.every(({ highlighting }) => highlighting === 'javascript'));
    assert.equal(blocks.map(({ text }) => text).join('\n'), lines.join('\n'));
  });

  it('repeats the head of a table that goes on', () => {
    const rows = words(900).map((word, index) => `| ${word} | ${index} |`);
    const { pages } = shownReply(`| name | number |\n|---|---|\n${rows.join('\n')}`);
    assert.ok(pages.length >= 2);
    for (const { code } of pages) assert.match(code[0]?.text ?? '', /^name +number\n-+ +-+\nword/);
    assertInOrder(pages.map(({ text }) => text).join('\n'), words(900));
  });

  it('goes on counting in a list', () => {
    const items = words(60).map((word, index) => `${index + 1}. ${word} ${'text '.repeat(50)}`);
    const { pages, bodies } = shownReply(items.join('\n'));
    const plain = bodies.map((body) => plainTextOf(body, { resolveMention: () => undefined }));
    assert.ok(pages.length >= 2);
    for (const [index, word] of words(60).entries()) {
      assert.ok(
        plain.some((text) => text.includes(`${index + 1}. ${word} `)),
        `${index + 1}. ${word}`,
      );
    }
  });

  it('cuts a single paragraph after a sentence, and never inside an emoji', () => {
    const sentences = shownReply('这是一句话。'.repeat(3_000));
    assert.ok(sentences.pages.every(({ text }) => text.endsWith('。')));
    const emoji = shownReply(`x${'👩‍👩‍👧'.repeat(2_000)}`);
    assert.ok(emoji.pages.every(({ text }) => /^\(\d\/\d\)\nx?(?:👩‍👩‍👧)+$/u.test(text)));
  });

  it('of 40,000 characters is announced with its opening and its headings', () => {
    const sections = words(8).map(
      (word) =>
        `## About ${word} ##  \n\n\`\`\`sh\n# no heading\n\`\`\`\n\n### Detail *${word}*\n\n${'text '.repeat(1_000)}`,
    );
    const { reply, text, lost } = shownReply(`Here is **everything**.\n\n${sections.join('\n\n')}`);
    assert.equal(reply.kind, 'file');
    assert.equal(reply.bodies.length, 1);
    assert.deepEqual(lost, []);
    assert.match(
      text,
      /^This answer is long \(40,\d{3} characters\), so it is in the attached file\.\n\nHere is everything\.\nAbout word0\nDetail word0\nAbout word1/,
    );
    assert.ok(!text.includes('no heading'));
    assert.match(shownReply('汉'.repeat(40_000), 'zh-CN').text, /^这个回答很长/);
  });
});

describe('an answer built to be slow', () => {
  const fragments = [
    '[',
    '>',
    '*',
    '<div>',
    '~a',
    'a*b_c*d_',
    '\\(',
    '$a ',
    '[^a]: ',
    '<a "',
    '|a|\n|-|\n',
    '\n- a\n',
    '\n---\n:',
    '\\(a\n===\n',
    '](',
    '　',
    '\t',
    '\n',
    'a|b\n-|-\n',
  ];

  for (const size of [29_900, 1_000_000]) {
    // Half a second where it is fast; one that grew with the square of its length would take minutes.
    it(`of ${size} characters takes seconds at most and loses nothing`, () => {
      for (const fragment of fragments) {
        const answer = fragment.repeat(size / fragment.length);
        const started = process.cpuUsage();
        const { bodies } = renderReply(answer, { marker: () => 'm', language: 'en' });
        const used = process.cpuUsage(started);
        const tookMs = (used.user + used.system) / 1_000;
        assert.ok(tookMs < 5_000, `${fragment}: ${tookMs} ms`);
        const nobody = { resolveMention: () => undefined };
        for (const body of bodies) assert.deepEqual(showBody(body, nobody).lost, [], fragment);
      }
    });
  }

  // The next expression that is tried in too many ways hangs on one of these, whatever it was meant for.
  const heads = ['', '<div\n', '# ', '# a', '| a |\n|-|\n| ', '> - ', '/files/view'];
  const repeated = [
    ...[
      '😀',
      '❤️',
      '👩‍👩‍👧',
      '汉',
      '，',
      'a',
      '1',
      '\u00a0',
      '\ufeff',
      ' ',
      '\t',
      ' \n',
      '.',
      '!',
      ':',
      '-',
      '/',
      '#',
      ' #',
      '|',
    ],
    ...[
      '"',
      "'",
      '`',
      '(',
      ')',
      '[',
      ']',
      '\\',
      '&',
      '&amp;',
      '~~',
      '= ',
      '<',
      '<a',
      '<b ',
      '<i x="',
      '<!--',
      '<script>',
    ],
    ...['</p>', '<td>', '[a]', '![', '[^a]', '1. ', '@a', 'a@b', 'www.', 'http://x', '/files/view'],
  ];
  const tails = ['', ' b', '>', '">', '-->', '|', ')', '`', '"'];
  const deadLinks = deadLinksOf('https://bots.example.org', new Set());

  for (const size of [1_400, 40_000]) {
    it(`of ${size} characters that repeat themselves between two others takes a moment`, () => {
      for (const [row, fragment] of repeated.entries()) {
        for (const [column, head] of heads.entries()) {
          const other = size > 30_000 ? '\nb' : tails[(row + column) % tails.length];
          const tail = (row + column) % 2 === 0 ? 'a' : other;
          const answer = `${head}${fragment.repeat(size / fragment.length)}${tail}`;
          const started = process.cpuUsage();
          renderReply(answer, { marker: () => 'm', language: 'en', deadLinks });
          const { user, system } = process.cpuUsage(started);
          const tookMs = (user + system) / 1_000;
          assert.ok(tookMs < 1_000, `${JSON.stringify([head, fragment, tail])}: ${tookMs} ms`);
        }
      }
    });
  }

  it('of emoji and a letter is shown at once', () => {
    const answer = `${'😀'.repeat(2_000)}a`;
    assert.equal(shownReply(answer).text, answer);
  });

  it('is shown as it was written when it would grow', () => {
    const marks = Array.from({ length: 1_400 }, (_, index) => `<b a${index}>`).join('');
    const growing = [
      `${'|a'.repeat(1_000)}|\n${'|-'.repeat(1_000)}|\n${'|x|\n'.repeat(1_000)}`,
      `| ${'A'.repeat(12_000)} |\n|-|\n${'|x|\n'.repeat(4_000)}`,
      `<table><tr>${'<td>a'.repeat(2_000)}${'<tr><td>b'.repeat(2_000)}`,
      `[a]: http://x/${'A'.repeat(12_000)}\n\n${'[a] '.repeat(3_900)}`,
      `<p>${marks}${'<p>x'.repeat(4_000)}`,
    ];
    for (const answer of growing) {
      const { reply, pages } = shownReply(answer);
      assert.equal(reply.kind === 'messages' && reply.readAs, 'text', answer.slice(0, 20));
      const shown = pages.flatMap(({ code }) => code).map(({ text }) => text);
      assert.equal(shown.join('').replaceAll('\n', ''), answer.replaceAll('\n', '').trimEnd());
    }
  });

  it('is a file when its HTML would be far too long for a room', () => {
    const { reply, bodies } = shownReply(
      `<p><a href="http://x/${'A'.repeat(12_000)}">${'<p>x'.repeat(4_000)}`,
    );
    assert.equal(reply.kind, 'file');
    assert.ok(bodies.join('').length < 100_000);
  });

  it('or a table of 30 columns and 300 rows is still a table', () => {
    const row = (cell: string) => `|${`${cell}|`.repeat(30)}\n`;
    const { reply, text } = shownReply(`${row('name')}${row('-')}${row('12').repeat(300)}`);
    assert.equal(reply.kind === 'messages' && reply.readAs, 'markdown');
    assert.equal(text.match(/name: 12/g)?.length, 9_000);
  });

  it('is shown as it was written when it cannot be parsed', () => {
    const { reply, pages } = shownReply(`${'> '.repeat(500)}deep`);
    assert.equal(reply.kind === 'messages' && reply.readAs, 'text');
    assert.equal(pages[0]?.code[0]?.text, `${'> '.repeat(500)}deep`);
    for (const fragment of ['a<?', 'a<!--', '<![CDATA[']) {
      const { reply: other, text } = shownReply(fragment.repeat(2_000));
      assert.equal(other.kind === 'messages' && other.readAs, 'text', fragment);
      assert.equal(text.split(fragment.slice(0, 3)).length, 2_001);
    }
  });

  it('of HTML nested 5,000 deep keeps its text', () => {
    assert.match(shownReply(`${'<div>'.repeat(5_000)}deep`).text, /deep/);
    assert.match(shownReply(`${'<blockquote>'.repeat(300)}deep`).text, /deep/);
  });
});
