import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plainNotice, renderReply } from '../../../src/campfire/html/render.ts';
import { escapeHtml } from '../../../src/campfire/html/text.ts';
import { plainTextOf } from '../../../src/playground/sanitiser/plain-text.ts';
import { showBody } from '../../../src/playground/sanitiser.ts';
import { innerHtml, shownReply } from './shown.ts';

const nobody = { resolveMention: () => undefined };

describe('an answer', () => {
  it('has its marker as a class of one outermost element', () => {
    const [body = ''] = shownReply('a\n\nb').bodies;
    assert.match(body, /^<div class="m12-0 ai-reply\n">.*<\/div>$/s);
    assert.match(showBody(body, nobody).html, /^<div class="m12-0 ai-reply\n">/);
  });

  it('is written the way Trix writes', () => {
    assert.equal(innerHtml('a\nb\n\nc'), '<div>a<br>b</div><div><br></div><div>c</div>');
  });

  it('reads as well in notifications and in search', () => {
    const [body = ''] = shownReply('# Title\n\nText\n\n```js\ngo()\n```\n\n- a\n  - b\n\nEnd').bodies;
    assert.equal(plainTextOf(body, nobody), 'Title\nText\ngo()\n\n• a\n  • b\n\n\nEnd');
  });

  it('without anything visible is empty', () => {
    for (const answer of ['', ' \n\t', '<!-- note -->', '\u200b', '&nbsp;']) {
      assert.deepEqual(shownReply(answer).reply, { kind: 'empty', bodies: [] }, JSON.stringify(answer));
    }
  });

  it('shows headings no larger than Campfire likes them', () => {
    assert.equal(
      innerHtml('# a\n## b\n### c\n#### d'),
      '<div><h3>a</h3></div><div><br></div><div><h3>b</h3></div><div><br></div><div><h4>c</h4></div><div><br></div><div><strong>d</strong></div>',
    );
  });

  it('keeps struck text, drops what only decorates', () => {
    assert.equal(
      innerHtml('~~a~~ <s>b</s> <u>c</u> <mark>d</mark> 3~5'),
      '<div><del>a</del> <del>b</del> c d 3~5</div>',
    );
  });
});

describe('code', () => {
  it('F5: is highlighted although it holds addresses, and copies as it was written', () => {
    const code = 'curl "https://x.org/?a=1&b=2" -u me@x.org # <https://y.org>\n  www.z.org';
    const { pages } = shownReply(
      `\`\`\`sh\n${code}\n\`\`\`\n\nthen \`<https://x.org>\` and https://after.org`,
    );
    assert.deepEqual(pages[0]?.code, [{ text: code, highlighting: 'bash' }]);
    assert.match(pages[0]?.text ?? '', /then <https:\/\/x\.org> and https:\/\/after\.org$/);
    assert.match(pages[0]?.html ?? '', /<a href="https:\/\/after\.org">/);
  });

  it('gets a class only for languages that Campfire registers', () => {
    assert.equal(innerHtml('```py\nx\n```'), '<div><pre class="language-python">x</pre></div>');
    assert.equal(innerHtml('```TSX\nx\n```'), '<div><pre class="language-javascript">x</pre></div>');
    assert.equal(innerHtml('```yaml\nx\n```'), '<div><pre class="nohighlight">x</pre></div>');
    assert.equal(innerHtml('```\nx\n```'), '<div><pre class="nohighlight">x</pre></div>');
  });

  it('keeps its indentation, the first line included', () => {
    const { pages } = shownReply('```js\n\n    a\n\n  b\n```');
    assert.equal(pages[0]?.code[0]?.text, '    a\n\n  b');
  });
});

describe('nothing of an answer acts on the page', () => {
  it('F9: neither "/play tada" nor emoji alone have their effect', () => {
    for (const answer of [
      '/play tada',
      ' /play tada\n',
      '`/play tada`',
      '```\n/play tada\n```',
      '> /play tada',
    ]) {
      const [page] = shownReply(answer).pages;
      assert.equal(page?.sound, undefined, answer);
      assert.match(page?.text ?? '', /^\/play tada/);
    }
    for (const answer of ['🎉', '🎉🚀', '❤️', '- 🎉', '# 🎉', '`🎉`']) {
      assert.equal(shownReply(answer).pages[0]?.emojiOnly, false, answer);
    }
  });

  it('no class of the model arrives', () => {
    const html =
      '<div class="message boost"><p class="avatar hljs">a</p><a class="btn" href="https://x.org">b</a></div>';
    assert.equal(innerHtml(html), '<div>a</div><div><br></div><div><a href="https://x.org">b</a></div>');
  });

  it('no mention of the model arrives, the caller’s does', () => {
    const forged =
      '<action-text-attachment sgid="x" content-type="application/vnd.campfire.mention">Ann</action-text-attachment>';
    assert.equal(innerHtml(forged), '<div>Ann</div>');
    const reply = renderReply('Done', { marker: () => 'm1-0', language: 'en', mention: 'genuine' });
    const page = showBody(reply.bodies[0] ?? '', {
      resolveMention: (sgid) => (sgid === 'genuine' ? 'Ann' : undefined),
    });
    assert.equal(page.text, 'Ann Done');
  });

  it('begins with the mention, which stands alone above what is no plain line', () => {
    const mention =
      '<action-text-attachment sgid="s" content-type="application/vnd.campfire.mention"></action-text-attachment>';
    const start = (markdown: string) =>
      renderReply(markdown, { marker: () => 'm', language: 'en', mention: 's' }).bodies.map((body) =>
        body.replace('<div class="m ai-reply\n">', '').replace(mention, '@').slice(0, 24),
      );
    assert.deepEqual(start('Yes.\n\nNo.'), ['<div>@ Yes.</div><div><b']);
    assert.deepEqual(start('**Yes**, both.'), ['<div>@ <strong>Yes</stro']);
    assert.deepEqual(start('**Sum**\nboth'), ['<div>@</div><div><strong']);
    assert.deepEqual(start('# Title'), ['<div>@</div><div><h3>Tit']);
    assert.deepEqual(start('- a'), ['<div>@</div><ul><li>a</l']);
    const long = start('word '.repeat(3_000));
    assert.match(long[0] ?? '', /^<div>@ <small>\(1\/2\)/);
    assert.match(long[1] ?? '', /^<div><small>\(2\/2\)/, 'once per answer');
  });

  it('no picture is fetched', () => {
    assert.equal(
      innerHtml('![alt](https://x.org/a.png)'),
      '<div><a href="https://x.org/a.png">alt</a></div>',
    );
    assert.equal(
      innerHtml('<iframe src="https://y.org/"></iframe><video src="https://x.org/v.mp4"></video>'),
      '<div><a href="https://y.org/">https://y.org/</a><a href="https://x.org/v.mp4">v.mp4</a></div>',
    );
  });

  it('each address in a Chinese sentence is a link of its own', () => {
    const link = (url: string) => `<a href="${url}">${url}</a>`;
    assert.equal(
      innerHtml('见https://x.org/a，或（https://y.org）、http://z.org/c?d=1。'),
      `<div>见${link('https://x.org/a')}，或（${link('https://y.org')}）、${link('http://z.org/c?d=1')}。</div>`,
    );
  });

  it('F7: an unsafe link becomes its text', () => {
    assert.equal(innerHtml('[a](javascript:x) <a href="data:x">b</a>'), '<div>a b</div>');
  });

  it('a marker cannot break out of its attribute', () => {
    assert.equal(plainNotice('x', '"><b>'), '<div class="&quot;&gt;&lt;b&gt; ai-reply\n"><div>x</div></div>');
  });
});

describe('a notice', () => {
  it('is its sentence, with nothing interpreted', () => {
    const body = plainNotice('Ann’s <b>turn</b> & *yours*\nend', 'm1-0');
    assert.equal(showBody(body, nobody).text, 'Ann’s <b>turn</b> & *yours*\nend');
  });

  it('escapes what HTML interprets', () => {
    assert.equal(escapeHtml(`<a href="x">&'`), '&lt;a href=&quot;x&quot;&gt;&amp;&#39;');
  });
});

describe('tables', () => {
  const pre = (markdown: string) => shownReply(markdown).pages[0]?.code[0]?.text;

  it('F3: arrive as columns, numbers to the right, East Asian widths counted', () => {
    assert.equal(
      pre('| 名称 | n |\n|---|---|\n| 张三 | 5 |\n| Bo | 1,200.50 |'),
      '名称           n\n－－--  --------\n张三           5\nBo　　  1,200.50',
    );
  });

  it('line up whatever the width of an East Asian character is', () => {
    const lines = (
      pre(
        '| 产品 Product | 状态 | 说明 |\n|---|---|---|\n| 充电器 A1 | 好 | x |\n| Cable | 缺货了 | 中文 y |',
      ) ?? ''
    )
      .split('\n')
      .filter((_, index) => index !== 1);
    for (const letterWidth of [1, 1.66, 2]) {
      const widthOf = (text: string) =>
        [...text].reduce((sum, letter) => sum + (/[\u3000-\uffff]/.test(letter) ? letterWidth : 1), 0);
      const starts = lines.map((line) =>
        [/好|状态|缺货了/, /x|说明|中文 y/].map((cell) => widthOf(line.slice(0, line.search(cell)))),
      );
      assert.deepEqual(starts[1], starts[0], String(letterWidth));
      assert.deepEqual(starts[2], starts[0], String(letterWidth));
    }
  });

  it('obey the alignment that the model asked for', () => {
    assert.equal(
      pre('| a | b |\n|:-:|:--|\n| xxxxx | 10 |\n| y | 200 |'),
      '  a    b\n-----  ---\nxxxxx  10\n  y    200',
    );
  });

  it('keep their links', () => {
    assert.match(
      innerHtml('| a |\n|---|\n| [x](https://x.org) |'),
      /<pre class="nohighlight">a\n-\n<a href="https:\/\/x\.org">x<\/a><\/pre>/,
    );
  });

  it('of prose become one block per row', () => {
    const long = 'word '.repeat(12).trim();
    assert.equal(
      innerHtml(`| k | v |\n|---|---|\n| a | ${long} |\n| b | c |`),
      `<div><strong>k</strong>: a<br><strong>v</strong>: ${long}</div><div><br></div><div><strong>k</strong>: b<br><strong>v</strong>: c</div>`,
    );
  });

  it('wider than 72 columns become one block per row', () => {
    const cells = Array.from({ length: 12 }, (_, index) => `column ${index}`);
    const { pages } = shownReply(`| ${cells.join(' | ')} |\n|${'---|'.repeat(12)}\n| ${cells.join(' | ')} |`);
    assert.deepEqual(pages[0]?.code, []);
    assert.match(pages[0]?.text ?? '', /^column 0: column 0\n/);
  });
});
