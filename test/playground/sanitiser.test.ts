import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plainTextOf } from '../../src/playground/sanitiser/plain-text.ts';
import { showBody } from '../../src/playground/sanitiser.ts';

const context = { resolveMention: (sgid: string) => (sgid === 'genuine' ? 'Ann Lee' : undefined) };
const show = (html: string) => showBody(html, context);
const plain = (html: string) => plainTextOf(html, context);

/** The same in both faces: their sanitisers differ in attributes that never survived the second pass anyway. */
describe('what the page shows', () => {
  it('F1: a line break of the source is shown as a space', () => {
    assert.equal(show('a\nb').text, 'a b');
  });

  it('F2: an unknown tag takes the rest with it, which stays in the plain text', () => {
    const html = 'use List<String> then more';
    assert.equal(show(html).text, 'use List');
    assert.deepEqual(show(html).lost, [{ tag: 'string', text: ' then more' }]);
    assert.equal(plain(html), 'use List then more');
  });

  it('F3: a table is gone from the room, its cells run together in the plain text', () => {
    const html = '<table><tr><td>x</td><td>y</td></tr></table>z';
    assert.equal(show(html).text, 'z');
    assert.deepEqual(show(html).lost, [{ tag: 'table', text: 'xy' }]);
    assert.equal(plain(html), 'xyz');
  });

  it('F4: style, id, data and target go; class, href and title stay', () => {
    const html =
      '<a style="x" id="a" data-x="1" target="_top" onclick="x()" class="k" href="/r" title="t">q</a>';
    assert.equal(show(html).html, '<a class="k" href="/r" title="t">q</a>');
  });

  it('F5: only a pre of text alone is highlighted', () => {
    const highlighting = (html: string) => show(html).code.map((block) => block.highlighting);
    assert.deepEqual(highlighting('<pre class=language-ruby>puts 1</pre>'), ['ruby']);
    assert.deepEqual(highlighting('<pre class=language-ruby><code>puts 1</code></pre>'), ['none']);
    assert.deepEqual(highlighting('<pre class=language-ruby>get "https://x.org"</pre>'), ['none']);
    assert.deepEqual(highlighting('<pre class=language-ruby>mail me@x.org</pre>'), ['none']);
    assert.deepEqual(highlighting('<pre class=language-typescript>x</pre><pre>y</pre>'), ['none', 'guess']);
    assert.deepEqual(highlighting('<pre class=nohighlight>x</pre>'), ['none']);
  });

  it('F6: Markdown is not rendered', () => {
    assert.equal(show('**bold**').text, '**bold**');
  });

  it('F7: an unsafe address goes, mailto, tel and relative ones stay', () => {
    const dead = [
      'javascript:x',
      'data:text/html,x',
      'vbscript:x',
      ' java\tscript:x',
      'javascript&colon;x',
      'foo:x',
    ];
    for (const href of dead) assert.equal(show(`<a href="${href}">t</a>`).html, '<a>t</a>', href);
    for (const href of ['mailto:a@x.org', 'tel:1', '/rooms/1', 'https://x.org/a:b']) {
      assert.equal(show(`<a href="${href}">t</a>`).html, `<a href="${href}">t</a>`);
    }
  });

  it('F8: s, u, mark, img, button and details go with their content, del stays', () => {
    const html =
      '<s>a</s><u>b</u><mark>c</mark><img src=x><button>d</button><details>e</details><del>f</del>';
    assert.equal(show(html).html, '<del>f</del>');
    assert.deepEqual(
      show(html).lost.map(({ tag, text }) => tag + text),
      ['sa', 'ub', 'markc', 'img', 'buttond', 'detailse'],
    );
  });

  it('F9: "/play tada" is a sound, emoji alone are large', () => {
    assert.equal(show('<div>/play tada</div>').sound, 'tada');
    assert.equal(show('please /play tada').sound, undefined);
    assert.equal(show('<div>🎉🚀</div>').emojiOnly, true);
    assert.equal(show('🎉 🚀').emojiOnly, false);
  });

  it('unwraps figures and drops comments', () => {
    assert.equal(show('<figure>a<figcaption>b</figcaption></figure><!-- c -->').html, 'ab');
  });

  it('parses broken HTML as a browser does', () => {
    assert.equal(show('<div><em>a<div>b').html, '<div><em>a<div>b</div></em></div>');
    assert.equal(show('x <b').html, 'x ');
  });
});

describe('automatic links', () => {
  const link = (href: string, text = href) => `<a target="_blank" href="${href}">${text}</a>`;

  it('are made of addresses, www names and e-mail, also in pre and code', () => {
    assert.equal(show('see https://x.org/a_(b).').html, `see ${link('https://x.org/a_(b)')}.`);
    assert.equal(show('www.x.org').html, link('http://www.x.org', 'www.x.org'));
    assert.equal(show('<code>me@x.org</code>').html, `<code>${link('mailto:me@x.org', 'me@x.org')}</code>`);
  });

  it('leave links and attributes alone', () => {
    const html = '<a href="https://x.org" title="https://y.org">https://x.org</a>';
    assert.equal(show(html).html, html);
  });

  it('garble an address before a ">"', () => {
    assert.equal(show('<code>&lt;https://x.org&gt;</code>').text, '<https://x.org>;');
  });

  it('are not made after a tag with a line break in it', () => {
    const html = '<div class="a\n"><pre class="language-ruby">get "https://x.org" # me@x.org</pre></div>';
    assert.deepEqual(show(html).code, [{ text: 'get "https://x.org" # me@x.org', highlighting: 'ruby' }]);
  });
});

describe('attachments', () => {
  const mention = (sgid: string) =>
    `<action-text-attachment sgid="${sgid}" content-type="application/vnd.campfire.mention"></action-text-attachment>`;

  it('shows a mention by its name, and a box when nobody is behind it', () => {
    assert.equal(show(`hi ${mention('genuine')}`).html, 'hi <span class="mention">Ann Lee</span>');
    assert.equal(plain(`hi ${mention('genuine')}`), 'hi @Ann Lee');
    assert.equal(show(mention('forged')).html, '☒');
  });

  it('shows a link preview as a card that adds nothing to the plain text', () => {
    const html =
      '<action-text-attachment content-type="application/vnd.actiontext.opengraph-embed" href="https://x.org" url="https://x.org/i.png" filename="Title" caption="About"></action-text-attachment>';
    assert.equal(show(html).text, 'Title\nAbout');
    assert.match(show(html).html, /<img src="https:\/\/x\.org\/i\.png"/);
    assert.equal(plain(html), '');
  });

  it('loads a remote image', () => {
    const html =
      '<action-text-attachment content-type="image/png" url="https://x.org/i.png"></action-text-attachment>';
    assert.equal(show(html).html, '<img src="https://x.org/i.png">');
    assert.equal(plain(html), '[Image]');
  });
});

describe('the plain text', () => {
  it('breaks lines at div and br, and leaves an empty one after p and h1', () => {
    assert.equal(plain('<div>a<br>b</div><div>c</div><p>d</p><h1>e</h1>f'), 'a\nb\nc\nd\n\ne\n\nf');
  });

  it('runs h3 and pre into what follows', () => {
    assert.equal(plain('<h3>a</h3><pre>b</pre>c'), 'abc');
  });

  it('marks the items of nested lists', () => {
    assert.equal(
      plain('<ul><li>a<ol><li>b</li><li>c</li></ol></li><li>d</li></ul>e'),
      '• a\n  1. b\n  2. c\n• d\n\ne',
    );
  });

  it('quotes quotes and brackets captions', () => {
    assert.equal(plain('<blockquote>a<br>b</blockquote>c'), '“a\nb”\n\nc');
    assert.equal(plain('<figcaption>a</figcaption>'), '[a]');
    assert.equal(plain('<script>a</script><style>b</style>'), '');
  });
});

it('whatever somebody pastes is shown at once', () => {
  for (const fragment of ['😀', 'a', '.', '\n', 'a@', ' \u00a0']) {
    const html = `<div>${fragment.repeat(40_000)}b</div>`;
    const started = process.cpuUsage();
    show(html);
    const { user, system } = process.cpuUsage(started);
    assert.ok(user + system < 1_000_000, `${JSON.stringify(fragment)}: ${(user + system) / 1000} ms`);
  }
});
