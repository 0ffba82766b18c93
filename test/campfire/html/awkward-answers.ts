/** Answers as models write them that have gone wrong in some chat, with what a reader must find, in this order. */

export interface AwkwardAnswer {
  name: string;
  markdown: string;
  /** Pieces of the shown text. */
  shows: string[];
  /** What must not be on the page, raw Markdown mostly. */
  hides?: string[];
}

const fence = '```';

function fenced(language: string, code: string): string {
  return `${fence}${language}\n${code}\n${fence}`;
}

export const awkwardAnswers: AwkwardAnswer[] = [
  {
    name: 'a table in Chinese',
    markdown:
      '结果如下：\n\n| 项目 | 数量 | 单价 |\n|---|---:|---:|\n| 苹果 | 12 | 3.50 |\n| 有机香蕉 | 7 | 12.00 |',
    shows: [
      '项目　　    数量       单价',
      '－－－－  －－--  －－-----',
      '苹果　　  　　12  　　 3.50',
      '有机香蕉  　　 7  　　12.00',
    ],
    hides: ['|', ':'],
  },
  {
    name: 'a table with prose in its cells',
    markdown: `| Option | Advantage |\n|---|---|\n| A | ${'It is simple to operate. '.repeat(4)}|\n| B | cheap<br>and **fast** |`,
    shows: ['Option: A', 'Advantage: It is simple', 'Option: B', 'cheap', 'and fast'],
    hides: ['|', '**'],
  },
  {
    name: 'a table without rows',
    markdown: '| One | Two |\n|---|---|',
    shows: ['One  Two'],
  },
  {
    name: 'a table with links, code and an escaped pipe',
    markdown: '| Cmd | Docs |\n|---|---|\n| `a \\| b` | [here](https://x.org/d) |',
    shows: ['a | b  here'],
    hides: ['\\|', '`'],
  },
  {
    name: 'an HTML table with a caption and a nested list',
    markdown:
      '<table><caption>Sizes</caption><tr><th>k</th><th>v</th></tr><tr><td>x</td><td><ul><li>one</li><li>two</li></ul></td></tr></table>',
    shows: ['Sizes', 'k: x', 'v:', 'one', 'two'],
  },
  {
    name: 'code in five languages',
    markdown: [
      fenced('python', 'print("a < b")'),
      fenced('ts', 'const a: Array<string> = [];'),
      fenced('sh', 'curl "https://x.org/?a=1&b=2" > out && mail me@x.org'),
      fenced('yaml', 'key: [1, 2]'),
      fenced('', 'no language'),
    ].join('\n\n'),
    shows: [
      'print("a < b")',
      'Array<string>',
      'curl "https://x.org/?a=1&b=2" > out && mail me@x.org',
      'key: [1, 2]',
      'no language',
    ],
    hides: [fence, 'yaml'],
  },
  {
    name: 'a fence inside a longer fence',
    markdown: `${fence}\`md\n${fenced('js', 'x()')}\n${fence}\``,
    shows: [`${fence}js`, 'x()', fence],
  },
  {
    name: 'a fence that is never closed',
    markdown: `Try:\n\n${fence}ruby\nputs 1\n\nputs 2`,
    shows: ['Try:', 'puts 1', 'puts 2'],
    hides: [fence],
  },
  {
    name: 'nested lists of both kinds with code and paragraphs',
    markdown: `1. First\n   - inner\n     1. deepest\n\n   second paragraph\n2. Second\n\n   ${fence}js\n   go();\n   ${fence}\n- [x] done\n- [ ] open`,
    shows: ['First', 'inner', 'deepest', 'second paragraph', 'Second', 'go();', '☑ done', '☐ open'],
    hides: ['[x]', fence],
  },
  {
    name: 'a list that begins at 7',
    markdown: '7. seven\n8. eight\n   - sub',
    shows: ['7. seven', '8. eight', 'sub'],
  },
  {
    name: 'headings of every level',
    markdown: [1, 2, 3, 4, 5, 6].map((level) => `${'#'.repeat(level)} Level ${level}`).join('\n'),
    shows: ['Level 1', 'Level 2', 'Level 3', 'Level 4', 'Level 5', 'Level 6'],
    hides: ['#'],
  },
  {
    name: 'generics outside of code',
    markdown: 'Use List<String> or Map<K, V> and a Vec<Option<T>>, then <T> more.',
    shows: ['Use List<String> or Map<K, V> and a Vec<Option<T>>, then <T> more.'],
  },
  {
    name: 'placeholders in angle brackets',
    markdown: 'Run git push <remote> <branch>\n\n<thinking>\nhm\n</thinking>',
    shows: ['git push <remote> <branch>', '<thinking>', 'hm', '</thinking>'],
  },
  {
    name: 'HTML soup',
    markdown:
      '<div align=center><h1>Title</h1><p>one <b>two <i>three</b> four</i><br/>five</div></section><u>six</u> <mark>seven</mark> <s>eight</s> <button onclick="x()">nine</button><font color=red>ten',
    shows: ['Title', 'one two three four', 'five', 'six seven eight nineten'],
  },
  {
    name: 'details with Markdown inside',
    markdown: '<details>\n<summary>More</summary>\n\n- **a**\n- b\n\n</details>\n\nEnd',
    shows: ['More', 'a', 'b', 'End'],
    hides: ['**'],
  },
  {
    name: 'a script and a style sheet as HTML',
    markdown: '<script>alert("x")</script>\n\n<style>\n.a { color: red }\n</style>\n\nAfter',
    shows: ['alert("x")', '.a { color: red }', 'After'],
  },
  {
    name: 'a script that is never closed',
    markdown: 'Before <script> and **after**\n\nNext',
    shows: ['Before <script> and after', 'Next'],
  },
  {
    name: 'a forged mention and forged classes',
    markdown:
      '<action-text-attachment sgid="BAh7" content-type="application/vnd.campfire.mention">Boss</action-text-attachment> <span class="mention">Ann</span> <div class="message message--me"><a class="btn" href="https://x.org">Click</a></div>',
    shows: ['Boss Ann', 'Click'],
  },
  {
    name: 'pictures',
    markdown:
      '![A chart](https://x.org/c.png) ![](https://x.org/a/b%20c.jpg?s=1) ![local](./out/plot.png) ![d](data:image/png;base64,AAAA) [![badge](https://x.org/b.svg)](https://ci.org)',
    shows: ['A chart b c.jpg local (./out/plot.png) d badge'],
    hides: ['base64', '!['],
  },
  {
    name: 'links that lead nowhere',
    markdown:
      '[x](javascript:alert(1)) [file](src/app.ts) [top](#intro) [code](vscode://file/a) <https://ok.org> www.ok.org a@ok.org',
    shows: ['x file (src/app.ts) top code (vscode://file/a) https://ok.org www.ok.org a@ok.org'],
    hides: ['javascript', '#intro'],
  },
  {
    name: 'footnotes and unused definitions',
    markdown:
      'One[^b] two[^a].\n\n[^a]: The *first*.\n[^b]: The second.\n\n    More of it.\n[^c]: Unused.\n[ref]: https://unused.org',
    shows: ['One[1] two[2].', '[1] The second.', 'More of it.', '[2] The first.', '[c] Unused.'],
    hides: ['[^', '*'],
  },
  {
    name: 'formulas and money',
    markdown:
      'Inline $a_1 * b_2 * c$ and \\(x^2\\), from $5 to $10.\n\n$$\n\\sum_{i=1}^n i\n+ c\n$$\n\n\\[\nE = mc^2\n\\]',
    shows: ['Inline a_1 * b_2 * c and x^2, from $5 to $10.', '\\sum_{i=1}^n i', '+ c', 'E = mc^2'],
    hides: ['$$', '\\('],
  },
  {
    name: 'a diagram',
    markdown: fenced('mermaid', 'graph TD\n  A --> B'),
    shows: ['graph TD', '  A --> B'],
  },
  {
    name: 'Chinese emphasis without spaces',
    markdown: '**注意：**请先保存。这是**“重要”**的，*（可选）*的；用时3~5天，约10~15元。',
    shows: ['注意：请先保存。这是“重要”的，（可选）的；用时3~5天，约10~15元。'],
    hides: ['*'],
  },
  {
    name: 'addresses inside a Chinese sentence',
    markdown: '详见https://x.org/a/b，或者（https://y.org）、https://z.org/c。',
    shows: ['详见https://x.org/a/b，或者（https://y.org）、https://z.org/c。'],
  },
  {
    name: 'one very long line of Chinese',
    markdown: '春眠不觉晓，处处闻啼鸟。'.repeat(120),
    shows: ['春眠不觉晓，处处闻啼鸟。'.repeat(120)],
  },
  {
    name: 'lines that only a chat would keep apart',
    markdown: 'Roses are red\nViolets are blue  \nHard break\\\nEnd',
    shows: ['Roses are red\nViolets are blue\nHard break\nEnd'],
  },
  {
    name: 'a quote with a quote, a list and code in it',
    markdown: `> said\n>> inner\n>\n> - point\n>\n> ${fence}\n> code\n> ${fence}`,
    shows: ['said', 'inner', 'point', 'code'],
    hides: ['>', fence],
  },
  {
    name: 'terms and their definitions',
    markdown: '<dl><dt>API</dt><dd>An interface</dd><dt>CLI</dt><dd>Another</dd></dl>',
    shows: ['API', 'An interface', 'CLI', 'Another'],
  },
  {
    name: 'half of an emoji and control characters',
    markdown: 'bad \ud83d end \u0000\u0007\u001b[31mred',
    shows: ['bad \ufffd end [31mred'],
  },
  {
    name: 'entities and stray ampersands',
    markdown: 'a &amp; b &lt;i&gt; AT&T &copy; &unknown; `&amp;`',
    shows: ['a & b <i> AT&T © &unknown; &amp;'],
  },
  {
    name: 'an alert as on GitHub',
    markdown: '> [!WARNING]\n> Mind the **gap**.\n\n> [!TIP]\n>\n> - Use the lift.',
    shows: ['Warning\nMind the gap.', 'Tip', 'Use the lift.'],
    hides: ['[!', '**'],
  },
  {
    name: 'a table in Hebrew',
    markdown: '| שם | גיל |\n|---|---|\n| דוד | 5 |\n| שרה לוי | 12 |',
    shows: ['שם: דוד', 'גיל: 5', 'שם: שרה לוי', 'גיל: 12'],
    hides: ['|'],
  },
  {
    name: 'a table with emoji and full-width forms',
    markdown: '| Who | n |\n|---|---|\n| 👩‍👩‍👧 | 1 |\n| 🇩🇪 ｘ | 20 |',
    shows: ['👩‍👩‍👧　    1', '🇩🇪 ｘ  20'],
  },
  {
    name: 'an answer of 40,000 characters',
    markdown: `Here is **everything**.\n\n${['History', 'Plan', 'Costs'].map((name) => `## ${name}\n\n### In short\n\n${'Every word of it. '.repeat(750)}`).join('\n\n')}`,
    shows: ['in the attached file', 'Here is everything.', 'History', 'In short', 'Plan', 'Costs'],
    hides: ['Every word', '**', '#'],
  },
  {
    name: 'drawn boxes',
    markdown: fenced('text', '┌────┐   \n│ hi │\n└────┘\n    tail'),
    shows: ['┌────┐', '│ hi │', '└────┘', '    tail'],
  },
];
