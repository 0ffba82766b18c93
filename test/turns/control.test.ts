import assert from 'node:assert/strict';
import { test } from 'node:test';
import { controlIn } from '../../src/turns/commands.ts';
import { writeContent } from '../../src/turns/content.ts';
import { recogniseControl } from '../../src/turns/control.ts';
import { helper } from '../support/turns.ts';

const cases: Array<[text: string, expected: ReturnType<typeof recogniseControl>]> = [
  ...(
    [
      'stop',
      ' STOP ',
      'Stop!',
      'stop.',
      '停止',
      '停止。',
      'ｓｔｏｐ',
      '@Helper stop',
      'stop @Helper',
    ] as const
  ).map((text): [string, 'stop'] => [text, 'stop']),
  ...(['new', 'New …', '新对话', '@Helper: 新对话！'] as const).map((text): [string, 'new'] => [text, 'new']),
  ...(['status?', '状态', '「状态」'] as const).map((text): [string, 'status'] => [text, 'status']),
  ...(['help', '帮助', '\u00a0help\n'] as const).map((text): [string, 'help'] => [text, 'help']),
  ...[
    'stop the ship from sinking',
    'please stop',
    'stop stop',
    'non-stop',
    'stop 停止',
    'news',
    'new conversation',
    'help me',
    '停止工作',
    '',
    '!',
    'constructor',
    '@Helper2 stop',
    '@Ann stop',
  ].map((text): [string, null] => [text, null]),
];

for (const [text, expected] of cases) {
  test(`${JSON.stringify(text)} is ${expected ?? 'a question'}`, () => {
    assert.equal(recogniseControl(text, 'Helper'), expected);
  });
}

test('a quote, a link or a file beside the word makes it a question', () => {
  const control = (html: string | null) =>
    controlIn({ content: writeContent({ author: 'Ann', roomName: null, html, plain: 'stop' }) }, helper);
  assert.equal(control('<div>stop</div>'), 'stop');
  const mention = '<action-text-attachment sgid="x" content="<span><img src=&quot;/a>b&quot;></span>">';
  assert.equal(control(`<div>${mention}</action-text-attachment> stop</div>`), 'stop');
  assert.equal(control('<blockquote>Is it urgent?</blockquote>stop'), null);
  assert.equal(control('<div><a href="https://example.org">stop</a></div>'), null);
});

test('a text without end is a question at once', () => {
  const started = performance.now();
  assert.equal(recogniseControl(`@Helper a${'.'.repeat(200_000)}b`, 'Helper'), null);
  const html = '<action-text-attachment '.repeat(20_000);
  const content = writeContent({ author: 'Ann', roomName: null, html, plain: 'stop' });
  assert.equal(controlIn({ content }, helper), null);
  assert.ok(performance.now() - started < 2_000);
});
