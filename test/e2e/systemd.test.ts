import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { signal } from '../support/signal.ts';
import { type Stage, setStage } from '../support/stage.ts';
import { tempFolder } from '../support/temp.ts';

const root = join(import.meta.dirname, '../..');

/** The service under a stand-in for systemd, which holds its socket and hears what it tells. */
async function startUnit(t: TestContext, stage: Stage) {
  const script = join(root, 'test/fixtures/socket-unit.pl');
  const service = [process.execPath, '--no-warnings', join(root, 'src/server.ts')];
  const unit = spawn('perl', [script, tempFolder(t), ...service], {
    env: {
      ...{ PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, DATA_DIR: stage.home.dataDir },
      ...{ BOTS_DIR: stage.home.botsDir, CAMPFIRE_URL: stage.campfire.url, ANTHROPIC_API_KEY: 'sk-ant-test' },
      // Nobody may listen there: the socket that was passed in is used instead.
      ...{ ANTHROPIC_BASE_URL: stage.model.url, HOST: '203.0.113.1', PORT: '1' },
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => unit.stdin.end());
  let said = '';
  unit.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const all = (word: string) =>
    [...said.matchAll(new RegExp(`^${word} (.*)$`, 'gm'))].map(([, rest]) => rest);
  const port = await eventually('the socket to be open', () => all('port')[0]);
  const bot = stage.campfire.campfire.bots.get(900);
  if (bot) bot.webhookUrl = `http://127.0.0.1:${port}/webhook/assistant`;
  return {
    told: (state: string) => all('told').filter((line) => line === state).length,
    pid: () => Number(all('pid').at(-1)),
    ends: () => all('ended'),
    startAgain: () => unit.stdin.write('\n'),
  };
}

test('under systemd: told when it is ready, alive and stopping; its socket keeps what arrives between two lives', async (t) => {
  const stage = await setStage(t);
  const unit = await startUnit(t, stage);
  await eventually('READY=1', () => unit.told('READY=1') === 1, 20_000);
  await eventually('signs of life', () => unit.told('WATCHDOG=1') >= 2);
  stage.say(1, 'hello');
  await stage.answers(1, 1);

  signal(unit.pid(), 'SIGTERM');
  await eventually('the end of the first life', () => unit.ends()[0] === '0', 30_000);
  assert.equal(unit.told('STOPPING=1'), 1);

  stage.say(1, 'is anybody there?');
  unit.startAgain();
  const [, second] = await stage.answers(1, 2);
  assert.match(second?.html ?? '', /is anybody there/);
  assert.doesNotMatch(JSON.stringify(stage.campfire.campfire.messagesIn(1)), /Failed to respond/);
  signal(unit.pid(), 'SIGTERM');
  await eventually('the end of the second life', () => unit.ends()[1] === '0', 30_000);
});
