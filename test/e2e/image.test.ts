import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { tagVariable } from '../../src/processes/census.ts';
import { environmentOf, listProcesses } from '../../src/processes/proc.ts';
import { startService } from '../support/service.ts';
import { setStage } from '../support/stage.ts';
import { tempFolder } from '../support/temp.ts';

/** What the Dockerfile does, done without an engine: its files, its script, its environment, its user, its command. */

const root = join(import.meta.dirname, '../..');
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ');
const line = (instruction: string) =>
  dockerfile.match(new RegExp(`^${instruction} (.*)$`, 'm'))?.[1] ?? assert.fail(`no ${instruction}`);

test('the image’s steps make a service that runs unprivileged under tini, with few packages and no compiler', async (t) => {
  const folder = tempFolder(t);
  const app = join(folder, 'app');
  copyContext(app);
  const node = dirname(
    execFileSync('readlink', ['-f', join(root, 'node_modules/.bin/node')], { encoding: 'utf8' }).trim(),
  );
  const PATH = `${node}:/usr/local/bin:/usr/bin:/bin`;
  assert.equal(line('RUN'), 'deploy/image/build.sh');
  execFileSync(join(app, 'deploy/image/build.sh'), { cwd: app, env: { PATH, HOME: folder, TMPDIR: folder } });
  for (const gone of ['typescript', '@biomejs/biome', 'node', '@copilotkit/aimock'])
    assert.ok(!existsSync(join(app, 'node_modules', gone)), `${gone} is no part of the image`);

  const stage = await setStage(t);
  const user = Number(dockerfile.match(/useradd --uid (\d+)/)?.[1]);
  for (const path of [app, stage.home.botsDir]) letEverybodyIn(path);
  mkdirSync(stage.home.dataDir);
  chownSync(stage.home.dataDir, user, user);
  const env = Object.fromEntries(
    line('ENV')
      .split(/\s+/)
      .map((pair) => pair.split('=') as [string, string]),
  );
  const command = JSON.parse(line('ENTRYPOINT')) as string[];
  const service = await startService(
    t,
    stage.home,
    {
      ...{
        ...env,
        PATH,
        TMPDIR: stage.home.dataDir,
        DATA_DIR: stage.home.dataDir,
        BOTS_DIR: stage.home.botsDir,
      },
      ...{
        NODE_COMPILE_CACHE: join(app, '.compile-cache'),
        HOST: '127.0.0.1',
        PORT: '0',
        TINI_SUBREAPER: '1',
      },
      ...{
        CAMPFIRE_URL: stage.campfire.url,
        ANTHROPIC_API_KEY: 'sk-ant-test',
        ANTHROPIC_BASE_URL: stage.model.url,
      },
    },
    unprivileged(user, app, command),
  );
  const bot = stage.campfire.campfire.bots.get(900);
  if (bot) bot.webhookUrl = `${service.url}/webhook/assistant`;
  stage.say(1, 'hello');
  await stage.answers(1, 1);
  const instance = readFileSync(join(stage.home.dataDir, 'instance'), 'utf8');
  const agents = listProcesses().filter(({ pid }) => environmentOf(pid, tagVariable)?.startsWith(instance));
  assert.ok(agents.length > 0);
  for (const { pid } of agents) assert.equal(statSync(`/proc/${pid}`).uid, user);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  assert.equal(
    ((await service.health()) as unknown as { version: string }).version,
    version,
    'the tag is what /health shows',
  );
  for (const file of ['Dockerfile', 'compose.yaml'])
    assert.match(
      readFileSync(join(root, file), 'utf8'),
      new RegExp(`campfire-ai-bot:${version.replaceAll('.', '\\.')}\\b`),
    );
  assert.equal(await service.stop(), 0, 'tini passes the signal on, and the exit code back');
});

test('the units are what systemd understands', (t) => {
  const folder = tempFolder(t);
  cpSync(join(root, 'deploy/systemd'), folder, { recursive: true });
  const unit = join(folder, 'campfire-ai-bot.service');
  execFileSync('sed', ['-i', `s|/opt/campfire-ai-bot/bin/start|${join(root, 'bin/start')}|`, unit]);
  const verdict = spawnSync(
    'systemd-analyze',
    ['verify', '--man=no', unit, join(folder, 'campfire-ai-bot.socket')],
    {
      encoding: 'utf8',
    },
  );
  assert.deepEqual([verdict.status, verdict.stderr.trim()], [0, '']);
  execFileSync('sed', ['-i', 's/^KillMode=.*/KillMood=mixed/', unit]);
  const refused = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
  assert.match(refused.stderr, /KillMood/, 'it reads the file');
});

/** Copies what .dockerignore lets through, and the packages of this checkout, so that nothing is fetched twice. */
function copyContext(target: string): void {
  const [everything, ...kept] = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((entry) => entry !== '' && !entry.startsWith('#'));
  assert.equal(everything, '*');
  for (const entry of kept)
    cpSync(join(root, entry.slice(1)), join(target, entry.slice(1)), { recursive: true });
  // Not by hard links: what npm does to the copy must not happen to this checkout.
  execFileSync('cp', ['-a', join(root, 'node_modules'), join(target, 'node_modules')]);
}

/** Test folders are private to whoever runs the tests; the image's user has to pass through them. */
function letEverybodyIn(path: string): void {
  const { mode } = statSync(path);
  if ((mode & 0o005) !== 0o005) chmodSync(path, mode | 0o055);
  if (path !== '/') letEverybodyIn(dirname(path));
}

/** As the image's user: another uid, no capability, and none to be had. */
function unprivileged(user: number, folder: string, command: readonly string[]): string[] {
  const drop = [
    '--reuid',
    String(user),
    '--regid',
    String(user),
    '--clear-groups',
    '--no-new-privs',
    '--bounding-set=-all',
  ];
  return ['setpriv', ...drop, 'env', `--chdir=${folder}`, ...command];
}
