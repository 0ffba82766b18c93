import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Message } from '../../src/playground/records.ts';
import { eventually } from '../support/eventually.ts';
import { type MachineStage, setMachines } from '../support/machines.ts';
import { adminGet, adminToken, type Service, writeBot } from '../support/service.ts';
import { botKey } from '../support/stage.ts';

/** What an operator sees of two machines on one Redis, whichever is asked: console, API, budgets, replay. */

type Session = { id: string; state: string; machine: string; pid: number };

const textOf = ({ html }: Message) => (html ?? '').replace(/<[^>]+>/g, ' ').trim();
const authorization = `Bearer ${adminToken}`;
const assistant = {
  ...{ bot_id: 'assistant', bot_key: botKey, name: 'Assistant', model: 'claude-haiku-4-5' },
  system_prompt: 'You are the assistant of the tests.',
};

async function consoleOf({ url }: Service): Promise<string> {
  return (await fetch(`${url}/console`, { headers: { authorization } })).text();
}

/** A machine is missed when it was silent for some seconds. */
const shows = (machine: Service, ...patterns: RegExp[]) =>
  eventually(
    `the console to show ${patterns.join()}`,
    async () => {
      const page = await consoleOf(machine);
      return patterns.every((pattern) => pattern.test(page)) && page;
    },
    30_000,
  );

/** The command line as a process of its own, while the servers of this process answer. */
function run(words: string[], env: Record<string, string>): Promise<{ stdout: string; stderr: string }> {
  const main = join(import.meta.dirname, '../../src/cli/main.ts');
  const options = { env: { PATH: process.env.PATH, ADMIN_TOKEN: adminToken, ...env } };
  return new Promise((resolve) => {
    execFile(process.execPath, ['--no-warnings', main, ...words], options, (_error, stdout, stderr) =>
      resolve({ stdout, stderr }),
    );
  });
}

describe('two machines on one Redis, one of them for webhooks only', () => {
  const undo: Array<() => unknown> = [];
  const budget = { budget_usd_per_day: 0.000001 };
  let stage: MachineStage;
  let one: Service;
  let two: Service;
  const refused: Message[] = [];

  before(async () => {
    stage = await setMachines({ after: (step) => undo.unshift(step) }, { bot: budget });
    const env = { CONSOLE_SHOW_TEXT: '1', TIME_ZONE: 'UTC' };
    [one, two] = await Promise.all([
      stage.machine('one', env),
      stage.machine('two', { ...env, ROLE: 'web' }),
    ]);
    stage.route(two);
  });
  after(async () => {
    for (const step of undo) await step();
  });

  test('either console shows both machines, and closes sessions of both', async () => {
    stage.say(50, 'remember the harbour code is heron');
    await stage.answers(50, 1);
    await shows(two, /All is well.*2 machines are there/, /<b>HQ<\/b><span>assistant/);
    const session = await eventually('the other machine’s session to be idle', async () => {
      const [found] = (await adminGet(two, '/api/sessions')) as Session[];
      return found?.id === '50:assistant' && found.state === 'idle' && found;
    });
    const page = await shows(two, new RegExp(`data-key="50:assistant ${session.machine}"`));
    assert.match(page, new RegExp(`<td class="num wide">${session.pid}</td>`));
    assert.match(page, new RegExp(`data-key="t\\d+ ${session.machine}" class="turn"`));
    assert.match(page, /<blockquote>.*harbour code/, 'what came here stands with the turn that ran there');
    assert.match(page, /data-key="machine [^"]+".*begins no turns.*web/s);
    assert.match(await shows(one, /harbour code/), /<b>HQ<\/b>/);
    assert.equal(await two.closeSession('50:assistant'), 200);
    assert.deepEqual(await one.sessions(), []);
  });

  test('budgets are one, and usage is the same everywhere', async () => {
    for (const person of [2, 3]) {
      refused.push(stage.say(50, `refused to ${person}`, person));
      const answers = await stage.answers(50, person);
      assert.match(textOf(answers[person - 1] as Message), /budget is used up/);
    }
    const [usage, same] = await Promise.all([one, two].map((machine) => adminGet(machine, '/api/usage')));
    assert.deepEqual(usage, same);
    assert.equal((usage as { total: { turns: number } }).total.turns, 1);
  });

  test('any machine replays', async () => {
    writeBot(stage.home, 'assistant', assistant);
    await eventually('the bot to have no budget', () => one.events('bots.loaded').length > 1);
    const path = `/api/messages/${refused[0]?.id}/replay`;
    const replayed = await fetch(`${two.url}${path}`, { method: 'POST', headers: { authorization } });
    assert.equal(replayed.status, 200, await replayed.text());
    const answers = await stage.answers(50, 4);
    assert.match(textOf(answers[3] as Message), /refused to 2/);
  });

  test('one that is killed is missed, without a machine the command line replays', async () => {
    one.child.kill('SIGKILL');
    const without = await shows(two, /1 of 2 machines are there: nothing is heard of/);
    assert.match(without, /missing for <time/);
    assert.equal(await two.stop(), 0);
    const words = ['replay', String(refused[1]?.id)];
    const folders = { DATA_DIR: stage.dataDir('none'), BOTS_DIR: stage.home.botsDir };
    const offline = await run(words, { ...folders, REDIS_URL: stage.redis.url });
    assert.match(offline.stdout, /A new turn is next when the service starts/, offline.stderr);
    const nowhere = await run(words, { ...folders, REDIS_URL: 'redis://127.0.0.1:1/0' });
    assert.match(nowhere.stderr, /The Redis of REDIS_URL .* cannot be reached/);
    const other = await stage.machine('other');
    const answers = await stage.answers(50, 5);
    assert.match(textOf(answers[4] as Message), /refused to 3/);
    await other.stop();
  });
});
