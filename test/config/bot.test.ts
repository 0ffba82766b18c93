import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { createBot } from '../../src/config/bot.ts';

test('no print, JSON or copy of a bot holds its key or the secrets of its servers', () => {
  const bot = createBot({
    id: 'ann',
    key: '2-hunter2',
    name: 'Ann',
    systemPrompt: 'Be Ann.',
    file: 'ann.json',
    mcpServers: { a: { type: 'stdio', command: 'x', args: [], env: { T: 'hunter2' } } },
  });
  assert.equal(bot.key, '2-hunter2');
  for (const shown of [
    inspect(bot),
    JSON.stringify(bot),
    inspect({ ...bot }),
    JSON.stringify({ a: [bot] }),
  ]) {
    assert(!shown.includes('hunter2'), shown);
    assert(shown.includes('Ann'));
  }
  assert.throws(() => Object.assign(bot, { name: 'Eve' }), TypeError);
  assert.throws(() => Object.assign(bot.mcpServers, { b: 1 }), TypeError);
});

test('the revision changes with each thing that a session reads, and with nothing else', () => {
  const parts = { id: 'a', key: '2-a', name: 'A', systemPrompt: 'p', file: 'a.json' };
  const revision = (more: object) => createBot({ ...parts, ...more }).revision;
  const same = [
    {},
    { key: '2-b' },
    { file: 'b.json' },
    { isDefault: true },
    { answerBots: true },
    { budgetUsdPerDay: 1 },
  ];
  assert.equal(new Set(same.map(revision)).size, 1);
  const different = [
    {},
    { systemPrompt: 'q' },
    { model: 'm' },
    { tools: ['Read'] },
    { maxTurns: 2 },
    { language: 'en' },
    { name: 'B' },
    { mcpServers: { a: { type: 'http', url: 'http://x', headers: {} } } },
  ];
  assert.equal(new Set(different.map(revision)).size, different.length);
});
