import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import type { Service } from '../support/service.ts';
import { fillUp, smallDisk } from '../support/small-disk.ts';
import { setStage } from '../support/stage.ts';

const cli = [process.execPath, '--no-warnings', join(import.meta.dirname, '../../src/cli/main.ts')];

const readiness = async ({ url }: Service) => {
  const response = await fetch(`${url}/ready`);
  return { status: response.status, ...((await response.json()) as { problem?: string }) };
};

test('a full disk: nothing new is accepted, what was accepted is decided, and room lets everything go on', async (t) => {
  const disk = smallDisk(t, 160);
  if (disk === null) return t.skip('this process may not mount a disk of its own');
  const stage = await setStage(t, { rooms: 3 });
  const service = await stage.start({ DATA_DIR: disk, SESSION_TTL_SECONDS: '120' });
  stage.say(1, 'hello');
  await stage.answers(1, 1);
  stage.say(1, 'tell me something for 3 seconds');
  await eventually('the turn to run', async () => (await service.health()).queue.running === 1);
  const freeUp = fillUp(disk);
  await eventually(
    'the service to be full',
    async () => (await readiness(service)).problem === 'storage_full',
  );
  assert.equal((await readiness(service)).status, 503);
  assert.match(JSON.stringify(service.events('storage.trouble')), /Make room/);

  const { id } = stage.say(1, 'nobody can keep this');
  const refused = await eventually('the webhook to be answered', () =>
    stage.campfire.webhooks.records().find(({ messageId, status }) => messageId === id && status !== null),
  );
  assert.deepEqual([refused.status, refused.contentType, refused.effect?.kind], [503, null, 'ignored']);
  await stage.answers(1, 2);
  await eventually(
    'no message without outcome',
    async () => (await service.health()).messages_without_outcome === 0,
  );

  freeUp();
  await eventually('the service to be ready', async () => (await readiness(service)).status === 200, 20_000);
  assert.equal(service.events('storage.recovered').length, 1);
  stage.say(3, 'hello again');
  await stage.answers(3, 1);
  const [, , refusedOne] = await stage.answers(1, 3);
  assert.match(refusedOne?.html ?? '', /\(I was away\)/, 'what was refused is read afterwards');
  assert.deepEqual(service.events('storage.trouble').length, 1, 'one line, however often it is looked at');
  assert.equal(await service.stop(), 0);
});

test('started on a full disk, after a kill and after a stop in order, the service refuses; room lets it answer everything', async (t) => {
  const disk = smallDisk(t, 160);
  if (disk === null) return t.skip('this process may not mount a disk of its own');
  const stage = await setStage(t);
  const env = { DATA_DIR: disk, SESSION_TTL_SECONDS: '120' };
  const first = await stage.start(env);
  stage.say(1, 'tell me something for 3 seconds');
  await eventually('the turn to run', async () => (await first.health()).queue.running === 1);
  await first.stop('SIGKILL');

  const freeUp = fillUp(disk);
  const second = await stage.start(env);
  assert.equal((await readiness(second)).problem, 'storage_full');
  assert.equal(await second.stop(), 0);
  // What the stop gave back is taken as well.
  const freeUpRest = fillUp(disk, 'filler-2');
  const third = await stage.start(env);
  assert.equal((await readiness(third)).problem, 'storage_full');
  const { containment } = first.events('service.started')[0] ?? {};
  assert.equal((await third.health()).containment, containment, 'no weaker layer for want of room');
  stage.say(1, 'nobody can keep this');
  await eventually('it to be refused', () => third.events('webhook.refused')[0]);

  freeUp();
  freeUpRest();
  await eventually('the service to be ready', async () => (await readiness(third)).status === 200, 20_000);
  const [, refused] = await stage.answers(1, 2);
  assert.match(refused?.html ?? '', /\(I was away\)/);
  assert.equal(await third.stop(), 0);
});

test('a damaged database: the service refuses to start, and a backup made while it ran puts it right', async (t) => {
  const stage = await setStage(t);
  const env = { ...process.env, DATA_DIR: stage.home.dataDir };
  const run = (...args: string[]) =>
    spawnSync(cli[0] ?? '', [...cli.slice(1), ...args], { env, encoding: 'utf8' });
  const service = await stage.start();
  stage.say(1, 'remember the colour is teal');
  await stage.answers(1, 1);
  const file = join(stage.home.dataDir, '../teal.backup');
  assert.deepEqual(
    [run('backup', file).status, run('backup', file).status],
    [0, 1],
    'and overwrites nothing',
  );
  const held = run('restore', file);
  assert.match(held.stderr, /in use by another service/);
  await service.stop();

  const path = join(stage.home.dataDir, 'service.db');
  const handle = openSync(path, 'r+');
  for (let page = 1; page < 30; page++) writeSync(handle, Buffer.alloc(4096, 'x'), 0, 4096, page * 4096);
  closeSync(handle);
  await assert.rejects(stage.start(), /campfire-ai-bot restore FILE.*is damaged/s);
  const restored = run('restore', file);
  assert.match(
    restored.stdout,
    /What was there before is kept as .*service\.db\.before-restore-/,
    restored.stderr,
  );
  const again = await stage.start();
  stage.say(1, 'what did I tell you?');
  assert.match((await stage.answers(1, 2))[1]?.html ?? '', /teal/);
  await again.stop();
});

test('a conversation whose folder is too large gets a sentence instead of a turn, until there is room again', async (t) => {
  const stage = await setStage(t);
  const service = await stage.start({ WORKSPACE_MAX_MB: '4' });
  stage.say(1, 'hello');
  await stage.answers(1, 1);
  const slots = join(stage.home.dataDir, 'sessions');
  const [slot = ''] = readdirSync(slots);
  const large = join(slots, slot, 'work/large');
  writeFileSync(large, Buffer.alloc(5 << 20, 'x'));
  stage.say(1, 'hello');
  await stage.answers(1, 2);
  await eventually('the folder to be measured', async () => {
    const before = stage.answersIn(1).length;
    stage.say(1, 'hello');
    const [last] = (await stage.answers(1, before + 1)).slice(-1);
    return /more than 4 MB/.test(last?.html ?? '');
  });
  const refused = stage.answersIn(1).length;
  rmSync(large);
  stage.say(1, 'hello');
  const [answer] = (await stage.answers(1, refused + 1)).slice(-1);
  assert.doesNotMatch(answer?.html ?? '', /more than 4 MB/);
  await service.stop();
});
