import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tagVariable } from '../../src/processes/census.ts';
import { environmentOf, listProcesses } from '../../src/processes/proc.ts';
import { eventually } from '../support/eventually.ts';
import { startService } from '../support/service.ts';
import { setStage } from '../support/stage.ts';

const root = join(import.meta.dirname, '../..');
const npmStart = ['npm', '--silent', '--prefix', root, 'start'];

for (const target of ['node', 'npm', 'the whole group'] as const) {
  test(`npm start: SIGTERM to ${target} in the middle of a turn loses no answer and leaves no process`, async (t) => {
    const stage = await setStage(t);
    const service = await stage.start({ HOME: stage.home.dataDir, SHUTDOWN_GRACE_SECONDS: '20' }, npmStart);
    stage.say(1, 'tell me something for 2 seconds');
    await eventually('the turn to run', () => service.events('session.opened').length === 1);
    const server = readFileSync(join(stage.home.dataDir, 'service.pid'), 'utf8').trim();
    const npm = service.child.pid ?? Number.NaN;
    process.kill(target === 'node' ? Number(server) : target === 'npm' ? npm : -npm, 'SIGTERM');
    const stopped = await eventually(
      'the service to stop',
      () => service.events('service.stopped')[0],
      30_000,
    );
    assert.equal(stopped.exitCode, 0);
    assert.equal(stage.answersIn(1).length, 1, 'the running turn got its time');
    const instance = readFileSync(join(stage.home.dataDir, 'instance'), 'utf8');
    await eventually('no process of the service to be left', () =>
      listProcesses().every(({ pid }) => !environmentOf(pid, tagVariable)?.startsWith(instance)),
    );
  });
}

/** The old service's manual tests, with its own payloads: five flat webhooks from this machine. */
test('flat webhooks from loopback: answered, no agent past the idle time, none after a restart', async (t) => {
  const stage = await setStage(t, { rooms: 5 });
  const env = { SESSION_TTL_SECONDS: '2' };
  const service = await stage.start(env);
  for (const id of [1, 2, 3, 4, 5]) {
    const response = await fetch(`${service.url}/webhook/assistant`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        creator: { id: 1, name: 'Ann' },
        room: { id, name: 'HQ' },
        content: `hi ${id}`,
      }),
    });
    assert.deepEqual([response.status, response.headers.get('content-type')], [204, null]);
  }
  for (const id of [1, 2, 3, 4, 5]) await stage.answers(id, 1);
  await eventually('the sessions to be closed', async () => (await service.health()).sessions.live === 0);
  assert.equal(await service.stop(), 0);
  const again = await startService(t, stage.home, { CAMPFIRE_URL: stage.campfire.url, ...env });
  assert.deepEqual((await again.health()).sessions, { live: 0, busy: 0, idle: 0, spare: 0 });
  assert.equal((await again.health()).messages_without_outcome, 0);
  await again.stop();
});

test('every line of the log is JSON, also what the HTTP adapter says of an answer that breaks off', async (t) => {
  const stage = await setStage(t);
  const script = `
    import { Hono } from 'hono';
    import { readSettings } from ${JSON.stringify(join(root, 'src/config/settings.ts'))};
    import { runService } from ${JSON.stringify(join(root, 'src/server.ts'))};
    const pull = () => { throw new Error('the file is gone'); };
    const broken = new Hono().get('/broken', (c) => c.body(new ReadableStream({ pull })));
    await runService({ prepare: async () => ({ settings: readSettings(), extraRoutes: [broken] }) });`;
  const node = [process.execPath, '--no-warnings', '--input-type=module', '-e', script];
  const service = await stage.start({}, node);
  await assert.rejects(fetch(`${service.url}/broken`).then((response) => response.text()));
  await eventually('it to be told', () => service.log.find((line) => line.includes('the file is gone')));
  for (const line of service.log) assert.doesNotThrow(() => JSON.parse(line), line);
  assert.equal(service.events('part.failed').length, 1);
  assert.equal(await service.stop(), 0);
});

test('a wrong setting stops the start, names itself and says what is allowed', async (t) => {
  const stage = await setStage(t);
  await assert.rejects(stage.start({ PORT: 'eighty' }), /PORT is "eighty"; it must be/);
  await assert.rejects(stage.start({ CAMPFIRE_URL: '' }), /CAMPFIRE_URL is not set/);
});
