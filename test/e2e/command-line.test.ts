import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openBots } from '../../src/config/bots.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { adminToken } from '../support/service.ts';
import { setStage } from '../support/stage.ts';
import { tempFolder } from '../support/temp.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');

/** The command line as a process of its own. */
function run(words: string[], env: Record<string, string> = {}, input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', main, ...words], {
    ...{ encoding: 'utf8', input, timeout: 30_000 },
    env: { PATH: process.env.PATH, ...env },
  });
  return { status, stdout, stderr };
}

test('sessions and monitor: what a running service holds, and a session closed by name', async (t) => {
  const stage = await setStage(t);
  const service = await stage.start();
  stage.say(1, 'hello');
  await stage.answers(1, 1);
  await eventually('the session to be idle', async () => (await service.health()).sessions.idle === 1);
  const env = { ADMIN_TOKEN: adminToken };
  const at = ['--url', service.url];

  const listed = run(['sessions', 'list', ...at], env);
  assert.match(
    listed.stdout,
    /^session +state +turns +idle +memory +pid\n1:assistant +idle +1 +\d+ s +\d+ MB +\d+\n$/,
  );
  const [session] = JSON.parse(run(['sessions', 'list', '--json', ...at], env).stdout) as Array<{
    id: string;
  }>;
  assert.equal(session?.id, '1:assistant');
  const seen = run(['monitor', '--once', ...at], env);
  assert.match(
    seen.stdout,
    /^campfire-ai-bot \S+ at \S+: ok, containment \w+\nmemory +\[#*\.*\] \d+ % .*\nsessions +1 live/,
  );

  assert.match(run(['sessions', 'close', '1:assistant', ...at], env).stdout, /is closed/);
  assert.equal((await service.sessions()).length, 0);
  assert.match(run(['sessions', 'list', ...at], env).stdout, /^No live session/);
  const gone = run(['sessions', 'close', '1:assistant', ...at], env);
  assert.equal(gone.status, 1);
  assert.match(gone.stderr, /There is no session 1:assistant/);

  assert.match(run(['monitor', '--once', ...at]).stderr, /asks for its ADMIN_TOKEN/);
  assert.match(
    run(['monitor', '--once', ...at], { ADMIN_TOKEN: 'wrong' }).stderr,
    /refuses this ADMIN_TOKEN/,
  );
  assert.equal(run(['monitor', '--once', '--url', 'http://127.0.0.1:9'], env).status, 1);
});

test('doctor: PUBLIC_URL is tried through the running service, and a wrong one is told with its remedy', async (t) => {
  const stage = await setStage(t);
  const port = String(await freePort());
  const publicUrl = `http://127.0.0.1:${port}`;
  const folders = {
    DATA_DIR: stage.home.dataDir,
    BOTS_DIR: stage.home.botsDir,
    // Nobody there: the one of this process cannot answer while the command runs.
    CAMPFIRE_URL: 'http://127.0.0.1:9',
  };
  const look = (env: Record<string, string>) => {
    const { checks } = JSON.parse(run(['doctor', '--json'], { ...folders, ...env }).stdout) as {
      checks: Array<{ name: string; verdict: string; detail: string; remedy: string | null }>;
    };
    return checks.find(({ name }) => name === 'public url');
  };
  assert.match(look({ PUBLIC_URL: publicUrl })?.detail ?? '', /only while the service runs/);
  await stage.start({ PORT: port, PUBLIC_URL: publicUrl });
  assert.deepEqual([look({ PUBLIC_URL: publicUrl })?.verdict, look({})?.verdict], ['ok', 'warn']);
  assert.match(look({ PUBLIC_URL: 'http://127.0.0.1:9' })?.detail ?? '', /cannot be reached from here/);
});

test('bots new: asks, writes a file that the service takes, and tells the five steps', (t) => {
  const dir = tempFolder(t);
  const env = { BOTS_DIR: dir, PUBLIC_URL: 'https://bots.example.com' };
  const answers = ['Harbour Pilot', '', 'Knows the tides.', '', '', '7-AbCdEf123456', ''].join('\n');
  const made = run(['bots', 'new'], env, answers);
  assert.equal(made.status, 0, made.stderr);
  assert.match(made.stdout, /https:\/\/bots\.example\.com\/webhook\/harbour_pilot\n/);
  const [bot] = openBots({ dir, variable: () => undefined }).all();
  assert.deepEqual([bot?.id, bot?.name, bot?.key], ['harbour_pilot', 'Harbour Pilot', '7-AbCdEf123456']);
  assert.equal(statSync(join(dir, 'harbour_pilot.json')).mode & 0o777, 0o600, 'it holds a key');
  assert.ok(!made.stdout.includes('7-AbCdEf123456'));

  const before = readFileSync(join(dir, 'harbour_pilot.json'), 'utf8');
  assert.match(run(['bots', 'new'], env, answers).stderr, /exists already/);
  assert.equal(readFileSync(join(dir, 'harbour_pilot.json'), 'utf8'), before);
  assert.match(run(['bots', 'new'], env, 'X\n../up\n\n\n\n\n').stderr, /bot_id is not allowed/);
  assert.match(run(['bots', 'new'], env, 'Y\n').stderr, /input ended/);
  assert.deepEqual(readdirSync(dir), ['harbour_pilot.json'], 'nothing was written by those that failed');
});
