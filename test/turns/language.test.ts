import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBot } from '../../src/config/bot.ts';
import { writeContent } from '../../src/turns/content.ts';
import { languageFor, languageOf } from '../../src/turns/language.ts';

const chinese = [
  '你好',
  '帮我看看这个',
  '请解释 Kubernetes Deployment 和 Service',
  'Kubernetes 的 Deployment 和 Service 有什么区别？',
  '请把 “Good morning everyone” 翻译成中文',
  '季度报告.xlsx',
  '運行測試',
  '为什么会报错？\n```\nTypeError: cannot read properties of undefined, reading name\n```',
  '请问 ann.lee@example.org 和bob@example.org是谁？',
  '看一下 https://example.org/a/very/long/path/with/many/words 这个页面',
  '3 个苹果多少钱？',
];

const english = [
  'hello',
  '',
  '?',
  '👍',
  '12345',
  'What does 谢谢 mean?',
  'translate 你好世界 to English please',
  '@张三 thanks, @Assistant please go on',
  'これを説明してください',
  '東京の天気は？',
  '안녕하세요',
  'Привет, как дела?',
  '帮我 review this pull request and tell me what you think, please',
  '`配置文件` is missing',
  'see https://zh.wikipedia.org/wiki/%E7%BB%B4 first',
];

test('the language of a message is that of its sentences', () => {
  for (const text of chinese) assert.equal(languageOf(text), 'zh-CN', text);
  for (const text of english) assert.equal(languageOf(text), 'en', text);
});

test('the language of a text without end is found at once', () => {
  const started = performance.now();
  for (const fragment of ['x', '@', 'a@b', 'a@.', '`', '```a', 'www.', '汉a', ' ']) {
    languageOf(`怎么办？ ${fragment.repeat(400_000 / fragment.length)}x`);
  }
  assert.ok(performance.now() - started < 2_000);
});

test('a bot’s own language goes before that of the messages', () => {
  const bot = { id: 'a', key: '7-AbCdEf123456', name: 'A', systemPrompt: '', file: 'a.json' };
  const said = (plain: string) => ({
    ...{ messageId: 1, authorId: 1, receivedAt: 0, replays: 0 },
    content: writeContent({ author: 'Ann', roomName: null, html: null, plain }),
  });
  assert.equal(languageFor(createBot(bot), [said('hm'), said('怎么办？')]), 'zh-CN');
  assert.equal(languageFor(createBot({ ...bot, language: 'en' }), [said('怎么办？')]), 'en');
  assert.equal(languageFor(createBot({ ...bot, language: 'zh-CN' }), [said('hello')]), 'zh-CN');
});
