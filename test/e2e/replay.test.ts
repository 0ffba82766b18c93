import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { adminToken, writeBot } from '../support/service.ts';
import { botKey, setStage } from '../support/stage.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
const textOf = ({ html }: { html: string | null }) => (html ?? '').replace(/<[^>]+>/g, ' ').trim();
const assistant = {
  ...{ bot_id: 'assistant', bot_key: botKey, name: 'Assistant', model: 'claude-haiku-4-5' },
  system_prompt: 'You are the assistant of the tests.',
};

/** The command line as a process of its own, while the servers of this process answer. */
function run(words: string[], env: Record<string, string>) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const given = { PATH: process.env.PATH, ADMIN_TOKEN: adminToken, ...env };
    execFile(process.execPath, ['--no-warnings', main, ...words], { env: given }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

test('usage and replay on the command line, with the service running and stopped', async (t) => {
  const stage = await setStage(t, { bot: { budget_usd_per_day: 0.000001 } });
  const folders = { DATA_DIR: stage.home.dataDir, BOTS_DIR: stage.home.botsDir };
  const first = await stage.start({ TIME_ZONE: 'UTC' });
  const answered = stage.say(1, 'hello');
  await stage.answers(1, 1);
  const refused = stage.say(1, 'the first refused');
  await stage.answers(1, 2);
  const other = stage.say(50, 'the second refused', 2);
  await stage.answers(50, 1);
  const at = ['--url', first.url];

  const table = await run(['usage', '--days', '7', ...at], folders);
  assert.match(table.stdout, /: \$0\.00\d\d in 1 turns; today \$0\.00\d\d\n/);
  assert.match(table.stdout, /\nassistant +\$0\.00\d\d +\$0\.00\d+ +1 +\$0\.00\d\d +[\d,]+ +\d+ +0 +0\n/);
  assert.match(table.stdout, /\n1 \(direct\) +1 /);
  assert.match(table.stdout, /\n1 Ann +1 /);
  const json = JSON.parse((await run(['usage', '--json', ...at], folders)).stdout) as {
    total: { turns: number };
  };
  assert.equal(json.total.turns, 1);
  assert.match((await run(['usage', '--days', '0', ...at], folders)).stderr, /whole number above 0/);

  const well = await run(['replay', String(answered.id), ...at], folders);
  assert.equal(well.code, 1);
  assert.match(well.stderr, /ended well: answered\.\nInsist \(--force\)/);
  assert.match((await run(['replay', '4711', ...at], folders)).stderr, /No question is on record.*\n.*log/);
  assert.match((await run(['replay', ...at], folders)).stderr, /either a message or a turn/);

  writeBot(stage.home, 'assistant', assistant);
  await eventually('the bot to have no budget', () => first.events('bots.loaded').length > 1);
  const told = await run(['replay', String(refused.id), ...at], folders);
  assert.match(
    told.stdout,
    /^Message \d+ of Ann in 1:assistant: failed \(budget_usd_per_day is used up\)\.\n/,
  );
  assert.match(told.stdout, /A new turn is next; its answer will be a new post/);
  const answers = await stage.answers(1, 3);
  assert.match(textOf(answers[1] ?? { html: '' }), /budget is used up/, 'what was there stays');
  assert.match(textOf(answers[2] ?? { html: '' }), /the first refused/);

  await eventually('nothing to be left', async () => (await first.health()).messages_without_outcome === 0);
  await first.stop();
  const offline = await run(['replay', String(other.id), '--bot', 'assistant'], folders);
  assert.match(offline.stdout, /A new turn is next when the service starts/, offline.stderr);
  const again = await run(['replay', String(other.id)], folders);
  assert.match(again.stderr, /It waits, is being answered/);
  const second = await stage.start();
  assert.match(textOf((await stage.answers(50, 2))[1] ?? { html: '' }), /the second refused/);
  await second.stop();
  assert.deepEqual([stage.answersIn(1).length, stage.answersIn(50).length], [3, 2], 'each once');
});
