import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readBody, readMentions } from '../../../src/campfire/html/read.ts';
import { escapeHtml } from '../../../src/campfire/html/text.ts';

const read = (html: string) => readBody(html, 'the plain text', 'Bot');

function mention(name: string): string {
  const content = `<span class="mention"><img class="avatar" alt="" src="/users/1/avatar"> ${escapeHtml(name)}</span>`;
  return `<action-text-attachment sgid="sgid of ${name}" content-type="application/vnd.campfire.mention" content="${escapeHtml(content)}"></action-text-attachment>`;
}

describe('what the model reads', () => {
  it('W8: is the plain text when there is no body', () => {
    assert.equal(readBody(null, ' report.pdf '), 'report.pdf');
  });

  it('is the text character for character', () => {
    const said = 'a * b_c_d [x](y) `q` # $x$ <tag> & \\ "quotes" \u00a0 1. end';
    assert.equal(read(`<div>${escapeHtml(said)}</div>`), said);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const wellFormed = text.toWellFormed().replace(/[\0\r\n]/g, '');
        assert.equal(read(`<div>${escapeHtml(wellFormed)}</div>`), wellFormed.trim());
      }),
      { numRuns: 300 },
    );
  });

  it('W9, W10: has no mention of the bot in front, and every other one by name', () => {
    assert.equal(
      read(`<div>${mention('Bot')}&nbsp;ask ${mention("Ann O'Hara")} and ${mention('Bot')}</div>`),
      "ask @Ann O'Hara and @Bot",
    );
    assert.equal(read(`<div>${mention('Bot')}</div>`), '');
    assert.equal(read(`${mention('Bot2')} do @Bot's thing`), "@Bot2 do @Bot's thing");
  });

  it('keeps a quotation apart from what is said about it', () => {
    const html = `<blockquote>one<br>two</blockquote><cite>Ann <a href="https://chat.x/rooms/1/@5">#</a></cite><br>${mention('Bot')} why?`;
    assert.equal(read(html), '> one\n> two\n> — Ann [#](https://chat.x/rooms/1/@5)\n\n@Bot why?');
    assert.equal(read('<blockquote>a<blockquote>b</blockquote></blockquote>c'), '> a\n> > b\nc');
  });

  it('has the targets of links', () => {
    assert.equal(read('see <a href="https://x.org/d">the docs</a>'), 'see [the docs](https://x.org/d)');
    assert.equal(
      read('<a href="https://x.org">https://x.org</a> <a href="mailto:a@x.org">a@x.org</a>'),
      'https://x.org a@x.org',
    );
    assert.equal(
      read(
        '<action-text-attachment content-type="application/vnd.actiontext.opengraph-embed" href="https://x.org" filename="Title" caption="About"></action-text-attachment>',
      ),
      '[Title](https://x.org): About',
    );
  });

  it('has lists, with their nesting and numbers', () => {
    assert.equal(
      read('<ul><li>a<ol><li>b</li><li>c<br>d</li></ol></li><li>e</li></ul>f'),
      '- a\n  1. b\n  2. c\n     d\n- e\nf',
    );
  });

  it('has code between fences that the code does not close', () => {
    assert.equal(
      read('x<pre class="language-ruby">a  b\n\n  ```\n</pre>y'),
      'x\n````ruby\na  b\n\n  ```\n````\ny',
    );
    assert.equal(read('<pre>a<br>b <em>c</em></pre>'), '```\na\nb c\n```');
  });

  it('has the lines that the writer sees', () => {
    assert.equal(read('<div>a<br><br>b</div><div><br></div><div>c</div>'), 'a\n\nb\n\nc');
    assert.equal(read('<p>a</p>\n<p>b</p>\n<h1>c</h1>d'), 'a\n\nb\n\nc\n\nd');
    assert.equal(read('<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>'), 'a\tb\t\nc');
  });

  it('takes no more than a moment for nothing but tags', () => {
    for (const tag of ['<p>', '<br>', '<td>', 'a<br>\n']) {
      const started = process.cpuUsage();
      read(tag.repeat(400_000 / tag.length));
      const { user, system } = process.cpuUsage(started);
      assert.ok(user + system < 2_000_000, `${tag}: ${(user + system) / 1000} ms`);
    }
  });

  it('is the plain text when the body is nested beyond reason', () => {
    assert.equal(read(`${'<div>'.repeat(30_000)}x`), 'the plain text');
    assert.equal(read(`${'<blockquote>'.repeat(99)}${'a<br>'.repeat(190_000)}`), 'the plain text');
  });

  it('is the plain text when marks that are never closed would begin anew everywhere', () => {
    const marks = Array.from({ length: 1_500 }, (_, index) => `<b a${index}>`);
    const html = `<p>${marks.join('')}${'<p>x'.repeat(4_500)}`;
    assert.equal(read(html), 'the plain text');
    const attached = '<action-text-attachment content-type="application/vnd.campfire.mention"';
    assert.equal(read(`${attached} sgid="x" content="${escapeHtml(html)}">`), 'the plain text');
    assert.deepEqual(readMentions(html), []);
    const rich = '<p><strong>a</strong> <em>b</em> <font color="red">c</font> <code>d</code></p>';
    assert.match(read(rich.repeat(2_000)), /^(?:a b c d\s+){1999}a b c d$/);
  });

  it('has no mention of the bot in front, and be it a thousand times', () => {
    assert.equal(read(`<div>${mention('Bot').repeat(4_000)} now</div>`), 'now');
  });
});

describe('mentions', () => {
  it('are found once each, with their signed ids', () => {
    assert.deepEqual(
      readMentions(`<div>${mention('Ann')} <em>${mention('Bo & Co')}</em> ${mention('Ann')}</div>`),
      [
        { sgid: 'sgid of Ann', name: 'Ann' },
        { sgid: 'sgid of Bo & Co', name: 'Bo & Co' },
      ],
    );
    assert.deepEqual(readMentions(null), []);
    assert.deepEqual(
      readMentions('<action-text-attachment sgid="x" content-type="image/png"></action-text-attachment>'),
      [],
    );
  });
});
