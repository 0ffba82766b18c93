import assert from 'node:assert/strict';
import { renameSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { BotsChange } from '../../src/config/bots.ts';
import { OperatorError } from '../../src/lib/errors.ts';
import { ANN, BEN, folder, ids, open, told } from '../support/bots-folder.ts';

test('a bot is found by its exact key only', (t) => {
  const { dir } = folder(t, { 'ann.json': ANN, 'ben.json': BEN });
  const bots = open(dir);
  assert.equal(bots.byKey(BEN.bot_key)?.id, 'ben');
  assert.equal(bots.byKey(`${BEN.bot_key}x`), undefined);
  assert.equal(bots.byKey(''), undefined);
});

test('the default is the marked bot, or the only one', (t) => {
  const { dir, write } = folder(t, { 'ann.json': ANN });
  const bots = open(dir);
  assert.equal(bots.default()?.id, 'ann');
  write('ben.json', BEN);
  bots.refresh();
  assert.equal(bots.default(), undefined);
  write('ben.json', { ...BEN, default: true });
  bots.refresh();
  assert.equal(bots.default()?.id, 'ben');
});

test('a second default is reported and changes nothing', (t) => {
  const { dir } = folder(t, { 'ann.json': { ...ANN, default: true }, 'ben.json': { ...BEN, default: true } });
  const bots = open(dir);
  assert.equal(bots.default()?.id, 'ann');
  assert.deepEqual(ids(bots), ['ann', 'ben']);
  assert.deepEqual(told(bots), [
    'ben.json: default: is set in ann.json too, which comes first and stays the default',
  ]);
});

test('a used id and a used key are reported on the second file, by the first one’s name', (t) => {
  const { dir } = folder(t, {
    'a.json': ANN,
    'b.json': { ...BEN, bot_id: 'ann' },
    'c.json': { ...BEN, bot_key: ANN.bot_key },
  });
  const bots = open(dir);
  assert.deepEqual(ids(bots), ['ann']);
  assert.deepEqual(told(bots), [
    'b.json: bot_id: is already used by a.json',
    'c.json: bot_key: is already used by a.json',
  ]);
});

test('notes and prompts in Markdown are no bots; a bot without its front matter is reported', (t) => {
  const { system_prompt: _, ...promptless } = ANN;
  const { dir } = folder(t, {
    'README.md': '# Our bots',
    'ann.json': { ...promptless, system_prompt_file: 'ann-prompt.md' },
    'ann-prompt.md': 'Be Ann.',
    'forgotten.md': 'Be helpful.',
    '.hidden.json': '{',
    'ben.json~': '{',
  });
  const bots = open(dir);
  assert.deepEqual(ids(bots), ['ann']);
  assert.deepEqual(told(bots), ['forgotten.md: null: has no front matter']);
});

test('a refresh tells what was added, changed and removed, and null when nothing was', (t) => {
  const { dir, write, remove } = folder(t, { 'ann.json': ANN });
  const changes: BotsChange[] = [];
  const bots = open(dir, {}, (change) => changes.push(change));
  assert.equal(bots.refresh(), null);

  write('ben.json', BEN);
  assert.deepEqual(
    bots.refresh()?.added.map((bot) => bot.id),
    ['ben'],
  );
  write('ben.json', { ...BEN, system_prompt: 'Be Big Ben.' });
  const before = bots.byId('ben');
  const change = bots.refresh();
  assert.deepEqual(
    change?.changed.map((bot) => bot.id),
    ['ben'],
  );
  assert.notEqual(change?.changed[0]?.revision, before?.revision);
  remove('ben.json');
  assert.deepEqual(
    bots.refresh()?.removed.map((bot) => bot.id),
    ['ben'],
  );
  assert.equal(bots.byKey(BEN.bot_key), undefined);
  write('ann.json', JSON.stringify(ANN, null, 2));
  assert.equal(bots.refresh(), null);
  assert.equal(changes.length, 3);
});

test('a new key is a change of the bot, not of its revision', (t) => {
  const { dir, write } = folder(t, { 'ann.json': ANN });
  const bots = open(dir);
  const before = bots.byId('ann')?.revision;
  write('ann.json', { ...ANN, bot_key: '2-newnewnewnew' });
  assert.equal(bots.refresh()?.changed[0]?.revision, before);
  assert.equal(bots.byKey('2-newnewnewnew')?.id, 'ann');
  assert.equal(bots.byKey(ANN.bot_key), undefined);
});

test('an edited prompt file changes its bot', (t) => {
  const { system_prompt: _, ...promptless } = ANN;
  const { dir, write } = folder(t, {
    'ann.txt': 'Be Ann.',
    'ann.json': { ...promptless, system_prompt_file: 'ann.txt' },
  });
  const bots = open(dir);
  write('ann.txt', 'Be Anna.');
  assert.equal(bots.refresh()?.changed[0]?.systemPrompt, 'Be Anna.');
  assert.equal(bots.refresh(), null);
});

test('a file that turned bad keeps its last good bot in service until it is mended or deleted', (t) => {
  const { dir, write, remove } = folder(t, { 'ann.json': ANN });
  const bots = open(dir);
  write('ann.json', '{"bot_id": ');
  assert.deepEqual(bots.refresh()?.removed, []);
  assert.equal(bots.byId('ann')?.systemPrompt, 'Be Ann.');
  assert.equal(bots.problems()[0]?.keepsLastGood, true);
  assert.equal(bots.refresh(), null);
  write('ann.json', { ...ANN, system_prompt: 'Be well.' });
  assert.deepEqual(bots.refresh()?.problems, []);
  assert.equal(bots.byId('ann')?.systemPrompt, 'Be well.');
  write('ann.json', '{');
  bots.refresh();
  remove('ann.json');
  assert.deepEqual(
    bots.refresh()?.removed.map((bot) => bot.id),
    ['ann'],
  );
  assert.deepEqual(bots.problems(), []);
});

test('an edit that takes another bot’s id leaves both as they were', (t) => {
  const { dir, write } = folder(t, { 'ann.json': ANN, 'ben.json': BEN });
  const bots = open(dir);
  write('ben.json', { ...BEN, bot_id: 'ann' });
  bots.refresh();
  assert.deepEqual(ids(bots), ['ann', 'ben']);
  assert.equal(bots.byId('ann')?.systemPrompt, 'Be Ann.');
  assert.equal(bots.problems()[0]?.keepsLastGood, true);
});

test('a folder that disappears is a problem, and the bots stay; it recovers', (t) => {
  const { dir } = folder(t, { 'ann.json': ANN });
  const bots = open(dir);
  renameSync(dir, `${dir}-away`);
  t.after(() => rmSync(`${dir}-away`, { recursive: true, force: true }));
  assert.equal(bots.refresh()?.problems[0]?.file, dir);
  assert.deepEqual(ids(bots), ['ann']);
  assert.equal(bots.refresh(), null);
  renameSync(`${dir}-away`, dir);
  assert.deepEqual(bots.refresh()?.problems, []);
});

test('without a bots folder the start stops with a remedy', () => {
  assert.throws(
    () => open('/nowhere/bots'),
    (error) =>
      error instanceof OperatorError && error.code === 'bots_dir_unreadable' && /BOTS_DIR/.test(error.remedy),
  );
});

test('a refresh of twenty unchanged files is cheap enough for every turn', (t) => {
  const { dir } = folder(
    t,
    Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [
        `bot${index}.json`,
        { bot_id: `bot${index}`, bot_key: `${index + 1}-abc`, system_prompt: 'x' },
      ]),
    ),
  );
  const bots = open(dir);
  const times = Array.from({ length: 50 }, () => {
    const start = performance.now();
    assert.equal(bots.refresh(), null);
    return performance.now() - start;
  }).sort((a, b) => a - b);
  const median = times[25] ?? Number.POSITIVE_INFINITY;
  assert(median < 1, `${median} ms`);
});

test('the example that ships is a good bot once it has a key', () => {
  const dir = fileURLToPath(new URL('../../bots', import.meta.url));
  const bots = open(dir, { BOT_KEY_PERSONAL_ASSISTANT: '2-abcDEF123456' });
  assert.deepEqual(bots.problems(), []);
  assert.equal(bots.default()?.id, 'personal_assistant');
  assert.match(told(open(dir))[0] ?? '', /bot_key: is missing, and BOT_KEY_PERSONAL_ASSISTANT is not set/);
});
