import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tagVariable } from '../../src/processes/census.ts';
import { environmentOf, listProcesses } from '../../src/processes/proc.ts';
import { eventually } from '../support/eventually.ts';
import { type ServiceHome, serviceHome, startService, writeBot } from '../support/service.ts';
import { signal } from '../support/signal.ts';
import { apiKey, botKey, setStage } from '../support/stage.ts';

/** Pids that carry the mark of this data folder, found without the service's help. */
function agentProcesses(home: ServiceHome): number[] {
  const instance = readFileSync(join(home.dataDir, 'instance'), 'utf8');
  return listProcesses()
    .filter(({ pid }) => environmentOf(pid, tagVariable)?.startsWith(`${instance}.`))
    .map(({ pid }) => pid);
}

const textOf = (html: string | null) =>
  (html ?? '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

test('a mention is answered, the next one by the same process, and after the idle time memory is still there', async (t) => {
  const stage = await setStage(t);
  const service = await stage.start({ SESSION_TTL_SECONDS: '2' });
  stage.say(50, 'remember the harbour code is heron');
  await stage.answers(50, 1);
  const [session] = await service.sessions();
  assert.equal(session?.id, '50:assistant');
  stage.say(50, 'hello again');
  await stage.answers(50, 2);
  assert.deepEqual(
    (await service.sessions()).map(({ pid, turns }) => ({ pid, turns })),
    [{ pid: session?.pid, turns: 2 }],
  );
  assert.equal((await service.health()).sessions.live, 1);
  await eventually('the idle session to be closed', async () => (await service.health()).sessions.live === 0);
  assert.deepEqual(agentProcesses(stage.home), []);
  stage.say(50, 'what did I tell you?');
  const [, , third] = await stage.answers(50, 3);
  assert.match(textOf(third?.html ?? ''), /heron/);
  assert.equal(await service.stop(), 0);
  assert.deepEqual(agentProcesses(stage.home), []);
  for (const line of ['Closed agent client for session', 'Removed expired session', 'All sessions closed']) {
    assert.ok(
      service.log.some((entry) => entry.includes(line)),
      line,
    );
  }
});

test('memory survives a restart, and an edited prompt counts from the next turn', async (t) => {
  const stage = await setStage(t);
  const first = await stage.start();
  stage.say(1, 'remember the colour is teal');
  await stage.answers(1, 1);
  await first.stop();
  const second = await stage.start();
  stage.say(1, 'what did I tell you?');
  assert.match(textOf((await stage.answers(1, 2))[1]?.html ?? ''), /teal/);
  writeBot(stage.home, 'assistant', {
    ...{ bot_id: 'assistant', bot_key: botKey, name: 'Assistant', model: 'claude-haiku-4-5' },
    system_prompt: 'You are a pirate by now.',
  });
  stage.say(1, 'who are you?');
  assert.match(textOf((await stage.answers(1, 3))[2]?.html ?? ''), /You are a pirate by now/);
  stage.say(1, 'what did I tell you?');
  assert.match(textOf((await stage.answers(1, 4))[3]?.html ?? ''), /teal/, 'and the memory is the same');
  await second.stop();
});

test('eight rooms at once: each is answered with its own memory', async (t) => {
  const rooms = Array.from({ length: 8 }, (_, index) => index + 1);
  const stage = await setStage(t, { rooms: rooms.length });
  const service = await stage.start();
  for (const room of rooms) stage.say(room, `remember my number is ${room * 37}`);
  await Promise.all(rooms.map((room) => stage.answers(room, 1, 60_000)));
  for (const room of rooms) stage.say(room, 'what did I tell you?');
  const answers = await Promise.all(rooms.map((room) => stage.answers(room, 2, 60_000)));
  for (const [index, room] of rooms.entries()) {
    const text = textOf(answers[index]?.[1]?.html ?? '');
    const known = rooms.filter((other) => new RegExp(`\\b${other * 37}\\b`).test(text));
    assert.deepEqual(known, [room]);
  }
  assert.equal((await service.health()).messages_without_outcome, 0);
  assert.equal(await service.stop(), 0);
  assert.deepEqual(agentProcesses(stage.home), []);
});

for (const [signal, how] of [
  ['SIGTERM', 'a drain'],
  ['SIGKILL', 'a kill'],
] as const) {
  test(`${how} in the middle of a turn loses no answer`, async (t) => {
    const stage = await setStage(t, { face: 'v1.4.9' });
    const first = await stage.start({ SHUTDOWN_GRACE_SECONDS: '11' });
    stage.say(1, 'tell me something for 30 seconds');
    await eventually('the turn to run', () => first.events('session.opened').length === 1);
    const end = await first.stop(signal);
    assert.equal(end, signal === 'SIGKILL' ? 'SIGKILL' : 0);
    await eventually('the agent to be gone', () => agentProcesses(stage.home).length === 0, 2_000);
    assert.equal(stage.answersIn(1).length, 0);
    stage.model.skipPacing();
    const second = await stage.start();
    await stage.answers(1, 1);
    await eventually('an outcome', async () => (await second.health()).messages_without_outcome === 0);
    assert.equal(await second.stop(), 0);
    assert.equal(stage.answersIn(1).length, 1, 'one answer, not two');
  });
}

test('Campfire away: the answer waits on disk and holds no session', async (t) => {
  const stage = await setStage(t);
  const service = await stage.start({ SESSION_TTL_SECONDS: '1' });
  stage.campfire.faults.set({ ...stage.campfire.faults.current, badGateway: true });
  stage.say(1, 'hello');
  await eventually('the delivery to be tried', () => service.events('delivery.retrying').length > 0);
  await eventually('no session', async () => (await service.health()).sessions.live === 0);
  stage.campfire.faults.set({ ...stage.campfire.faults.current, badGateway: false });
  await stage.answers(1, 1);
  await service.stop();
});

test('an agent killed in the middle of a turn: the turn goes on and is answered once', async (t) => {
  const stage = await setStage(t);
  const service = await stage.start();
  stage.say(1, 'tell me something for 20 seconds');
  const opened = await eventually('the turn to run', () => service.events('session.opened')[0]);
  stage.model.skipPacing();
  signal(Number(opened.pid), 'SIGKILL');
  await stage.answers(1, 1);
  assert.equal(service.events('turn.retried').length, 1);
  await service.stop();
  assert.equal(stage.answersIn(1).length, 1);
});

test('a transcript that is gone: a fresh session, and the log says so', async (t) => {
  const stage = await setStage(t);
  const service = await stage.start({ SESSION_TTL_SECONDS: '1' });
  stage.say(1, 'hello');
  await stage.answers(1, 1);
  await eventually('the session to close', async () => (await service.health()).sessions.live === 0);
  const slots = join(stage.home.dataDir, 'sessions');
  const { rmSync } = await import('node:fs');
  for (const slot of readdirSync(slots)) rmSync(join(slots, slot, 'config/projects'), { recursive: true });
  stage.say(1, 'hello again');
  await stage.answers(1, 2);
  assert.equal(service.events('session.stale').length, 1);
  await service.stop();
});

test('no key is in the log, in an answer of the service, in a room or on a command line', async (t) => {
  const stage = await setStage(t);
  const service = await stage.start({ LOG_LEVEL: 'debug' });
  stage.say(1, 'hello');
  await stage.answers(1, 1);
  const pid = (await service.sessions())[0]?.pid;
  const seen = [
    ...service.log,
    JSON.stringify(await service.health()),
    JSON.stringify(await service.sessions()),
    ...stage.answersIn(1).map(({ html }) => html ?? ''),
    ...agentProcesses(stage.home).map((each) => readFileSync(`/proc/${each}/cmdline`, 'utf8')),
  ].join('\n');
  assert.ok(pid && seen.includes(`${pid}`), 'the search looked at the right things');
  for (const secret of [apiKey, botKey, botKey.split('-')[1] ?? ''])
    assert.equal(seen.includes(secret), false);
  await service.stop();
});

test('a second service on the same port refuses to start, and the first one goes on', async (t) => {
  const stage = await setStage(t);
  const service = await stage.start();
  const { port: PORT } = new URL(service.url);
  const other = serviceHome(t, {});
  const env = { CAMPFIRE_URL: stage.campfire.url, PORT };
  await assert.rejects(startService(t, other, env), /Cannot listen on 127\.0\.0\.1:\d+.*EADDRINUSE/);
  for (let count = 0; count < 20; count++) assert.equal((await service.health()).status, 'ok');
  await service.stop();
});

test('a second service on the same data folder refuses to start and names the holder', async (t) => {
  const stage = await setStage(t);
  const service = await stage.start();
  await assert.rejects(stage.start(), new RegExp(`in use by another service \\(pid ${service.child.pid}\\)`));
  await service.stop();
});
