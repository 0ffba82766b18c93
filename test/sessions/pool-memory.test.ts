import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import type { Lease } from '../../src/sessions/lease.ts';
import type { FakeAgent } from '../support/fake-agent.ts';
import { bot, gigabyte, hooks, megabyte, pass, prompt, room, setPool, settle, turn } from './pool-stage.ts';

const short = 10 * megabyte;

test('one conversation with a flood cannot starve others: it goes behind who waited during its turn', async (t) => {
  const stage = setPool(t, { maxSessions: 1 });
  const order: number[] = [];
  const ask = (roomId: number, arrivedAt: number) =>
    stage.pool.lease(room(roomId), bot(), arrivedAt).then(async (lease) => {
      order.push(roomId);
      const result = lease.run(prompt, hooks);
      await settle();
      stage.clock.advance(10);
      stage.live().at(-1)?.finish();
      await result;
      await lease[Symbol.asyncDispose]();
    });
  // Fifty messages in room 1, all older than the single ones of rooms 2 and 3; a runner asks again after each turn.
  const start = stage.clock.now();
  const flood = (async () => {
    for (let message = 0; message < 50; message++) await ask(1, start);
  })();
  const others = [ask(2, start + 2), ask(3, start + 1)];
  await flood;
  await Promise.all(others);
  assert.deepEqual(order.slice(0, 4), [1, 3, 2, 1]);
  assert.equal(order.length, 52);
});

test('who waits is seen with since when and why, and a conversation held up by its own predecessor blocks nobody', async (t) => {
  const stage = setPool(t);
  const first = await turn(stage, 1);
  first.failClose = true;
  await stage.pool.close('1:helper', 'operator');
  first.failClose = true;
  const since = stage.clock.now();
  void stage.pool.lease(room(1), bot(), since - 5_000).catch(() => {});
  const other = await stage.pool.lease(room(2), bot(), since);
  assert.equal(other.path, 'opened');
  assert.deepEqual(stage.pool.waiting(), [{ id: '1:helper', sinceMs: since, reason: 'closing' }]);
});

test('waiting for memory ends after ten minutes', async (t) => {
  const stage = setPool(t);
  stage.memory.availableBytes = short;
  let problem = '';
  void stage.pool.lease(room(1), bot(), stage.clock.now()).catch(({ name }) => {
    problem = name;
  });
  await pass(stage, 599);
  assert.equal(problem, '');
  await pass(stage, 2);
  assert.equal(problem, 'NoRoomError');
  assert.deepEqual(
    stage.of('turn.waiting').map((event) => 'reason' in event && event.reason),
    ['memory'],
    'said once',
  );
  assert.equal(stage.of('turn.gave_up_waiting').length, 1);
  stage.memory.availableBytes = 8 * gigabyte;
  assert.equal((await turn(stage, 1)).prompts.length, 1, 'and the next message is served again');
});

test('a spare is claimed by a first turn with its slot and memory, and only by a first turn', async (t) => {
  const stage = setPool(t, { spares: 1 });
  await turn(stage, 1);
  await pass(stage, 1);
  const spare = stage.agents[1] as FakeAgent;
  assert.deepEqual([stage.pool.spares(), stage.pool.snapshot().length], [1, 1]);
  const early = await stage.pool.lease(room(2), bot(), 0);
  assert.equal(early.path, 'opened', 'nobody waits for a spare that still comes up');
  spare.comeUp();
  await settle();
  const lease = await stage.pool.lease(room(3), bot(), 0);
  assert.equal(lease.path, 'claimed');
  void lease.run(prompt, hooks);
  await settle();
  assert.deepEqual(spare.prompts, [prompt]);
  spare.finish();
  await settle();
  await lease[Symbol.asyncDispose]();
  assert.equal(stage.pool.spares(), 0);
  await stage.pool.close('3:helper', 'operator');
  const again = await stage.pool.lease(room(3), bot(), 0);
  assert.equal(again.path, 'opened', 'it has a slot now');
  assert.equal(stage.agents.at(-1)?.spec.slot.id, spare.spec.slot.id);
});

test('a claimed spare that was already dead: the prompt runs in a fresh process of the same turn', async (t) => {
  const stage = setPool(t, { spares: 1 });
  await turn(stage, 1);
  await pass(stage, 1);
  const spare = stage.agents[1] as FakeAgent;
  spare.comeUp();
  await settle();
  const lease = await stage.pool.lease(room(2), bot(), 0);
  const result = lease.run(prompt, hooks);
  await settle();
  spare.began = false;
  spare.die();
  await settle();
  const fresh = stage.agents[2] as FakeAgent;
  assert.deepEqual([spare.closed, fresh.prompts], [true, [prompt]]);
  fresh.comeUp();
  await settle();
  assert.equal(stage.pool.snapshot().find(({ id }) => id === '2:helper')?.state, 'busy');
  fresh.finish();
  assert.equal((await result).kind, 'answered');
  assert.deepEqual([stage.of('spare.refused').length, stage.of('session.died').length], [1, 0]);
});

test('spares end when memory is high, with their folders, and before any idle session', async (t) => {
  const stage = setPool(t, { spares: 2 });
  const session = await turn(stage, 1);
  await pass(stage, 1);
  stage.agents[1]?.comeUp();
  await settle();
  await pass(stage, 1);
  const [, first, second] = stage.agents;
  assert.equal(stage.pool.spares(), 2);
  stage.memory.availableBytes = 1.6 * gigabyte;
  stage.memory.usedBytes = 6.4 * gigabyte;
  await pass(stage, 1);
  assert.deepEqual([first?.closed, second?.closed, stage.pool.spares()], [true, true, 0]);
  assert.equal(existsSync(first?.spec.slot.root ?? ''), false);
  await pass(stage, 1);
  assert.equal(session.closed, true, 'then idle ones');
  assert.deepEqual(
    stage.of('memory.level').map((event) => 'level' in event && event.level),
    ['high'],
  );
  assert.equal(stage.pool.memory().level, 'high');
});

test('a spare of a bot at rest ends before its last session does', async (t) => {
  const stage = setPool(t, { spares: 1, idleTtlMs: 5_000 });
  const session = await turn(stage, 1);
  await pass(stage, 1);
  const spare = stage.agents[1] as FakeAgent;
  spare.comeUp();
  const close = spare.close.bind(spare);
  const slow = Promise.withResolvers<void>();
  spare.close = () => slow.promise.then(close);
  await pass(stage, 6);
  assert.deepEqual([stage.of('spare.ended').length, session.closed], [1, false]);
  slow.resolve();
  await pass(stage, 1);
  assert.deepEqual([spare.closed, session.closed, stage.agents.length], [true, true, 2]);
});

test('a session that has grown is recycled after its turn, one that exceeds the most is stopped in it', async (t) => {
  const stage = setPool(t, { sessionMaxBytes: 400 * megabyte });
  const lease = await stage.pool.lease(room(1), bot(), 0);
  const result = lease.run(prompt, hooks);
  await settle();
  const [agent] = stage.agents as [FakeAgent];
  agent.comeUp();
  stage.trees.set(agent.spec.slot.id, 390 * megabyte);
  await pass(stage, 4);
  assert.deepEqual(stage.of('session.stopped_for_memory'), []);
  stage.trees.set(agent.spec.slot.id, 410 * megabyte);
  await pass(stage, 4);
  assert.equal((await result).kind, 'too-large');
  await lease[Symbol.asyncDispose]();
  await settle();
  assert.deepEqual([agent.closed, stage.of('session.recycled').length], [true, 1]);
});

test('what turns were seen with decides about the next one, not more than the last 64 of them', async (t) => {
  const stage = setPool(t);
  const helper = bot();
  assert.equal(stage.peaks.expectedBytes(helper), 250 * megabyte);
  for (let seen = 1; seen <= 64; seen++) stage.peaks.observe(helper, seen * megabyte);
  assert.equal(stage.peaks.expectedBytes(helper), 61 * megabyte, 'the p95 of 1 to 64');
  for (let seen = 0; seen < 64; seen++) stage.peaks.observe(helper, 90 * megabyte);
  assert.equal(stage.peaks.expectedBytes(helper), 90 * megabyte);
  const leases: Lease[] = [];
  stage.memory.limitBytes = gigabyte;
  stage.memory.availableBytes = 90 * megabyte * 2 + 64 * megabyte;
  for (const roomId of [1, 2]) leases.push(await stage.pool.lease(room(roomId), bot(), 0));
  assert.equal(leases.length, 2, 'two light ones where one of the start value would have waited');
});

test('the most that a turn held counts, also when the process that held it has ended', async (t) => {
  const stage = setPool(t);
  const lease = await stage.pool.lease(room(1), bot(), 0);
  const result = lease.run(prompt, hooks);
  await settle();
  const [agent] = stage.agents as [FakeAgent];
  agent.comeUp();
  stage.trees.set(agent.spec.slot.id, 600 * megabyte);
  await pass(stage, 2);
  stage.trees.set(agent.spec.slot.id, 120 * megabyte);
  await pass(stage, 2);
  agent.finish();
  await result;
  await lease[Symbol.asyncDispose]();
  assert.deepEqual(stage.peaks.known(), { helper: 601 * megabyte });
});

test('no turn of a new bot ends unseen, however short: three of them, and its sessions work side by side', async (t) => {
  const stage = setPool(t);
  const withShell = bot('r1', 'shell');
  withShell.profile.tools = ['Bash'];
  stage.memory.availableBytes = gigabyte;
  const lease = (roomId: number) => stage.pool.lease({ botId: 'shell', roomId }, withShell, roomId);
  const ends: Lease[] = [];
  for (let roomId = 1; roomId <= 5; roomId++) void lease(roomId).then((granted) => ends.push(granted));
  for (let turns = 1; turns <= 3; turns++) {
    await settle();
    assert.equal(ends.length, turns, 'one after the other');
    const ended = ends.at(-1)?.run(prompt, hooks);
    await settle();
    const agent = stage.agents.at(-1) as FakeAgent;
    agent.comeUp();
    agent.finish();
    await ended;
    await ends.at(-1)?.[Symbol.asyncDispose]();
  }
  await settle();
  assert.deepEqual([stage.peaks.known(), ends.length], [{ shell: 101 * megabyte }, 5]);
});

test('a start that fails makes its bot rest, and only its bot', async (t) => {
  const stage = setPool(t);
  const fail = async () => {
    const lease = await stage.pool.lease(room(1), bot(), 0);
    const result = lease.run(prompt, hooks);
    await settle();
    stage.live().at(-1)?.die('could not start', 'start');
    await result;
    await lease[Symbol.asyncDispose]();
    await settle();
  };
  await fail();
  await fail();
  assert.deepEqual(
    stage.of('session.start_failed').map((event) => 'restMs' in event && [event.failures, event.restMs]),
    [
      [1, 0],
      [2, 1_000],
    ],
  );
  let granted = false;
  void stage.pool.lease(room(1), bot(), 0).then(() => {
    granted = true;
  });
  await settle();
  assert.equal(granted, false);
  assert.equal(stage.pool.waiting()[0]?.reason, 'backoff');
  const other = await stage.pool.lease({ botId: 'other', roomId: 1 }, bot('r1', 'other'), stage.clock.now());
  assert.equal(other.path, 'opened');
  await pass(stage, 2);
  assert.equal(granted, true);
  stage.live().at(-1)?.comeUp();
});

test('looking at memory takes less than 1 % of the time, however much a look costs', async (t) => {
  const looks: number[] = [];
  const stage = setPool(t, {
    measureTrees: () => {
      looks.push(stage.clock.monotonicMs());
      stage.clock.advance(60);
      return new Map();
    },
  });
  const lease = await stage.pool.lease(room(1), bot(), 0);
  void lease.run(prompt, hooks);
  await settle();
  await pass(stage, 60);
  assert.ok(looks.length >= 5);
  for (const [index, at] of looks.slice(1).entries()) assert.ok(at - (looks[index] ?? 0) >= 6_000);
});

test('many trees are looked into a few at a time, each as often as the others', async (t) => {
  const looks: string[][] = [];
  const stage = setPool(t, {
    measureTrees: (tags) => {
      looks.push([...tags]);
      return new Map();
    },
  });
  for (let id = 1; id <= 7; id++) void (await stage.pool.lease(room(id), bot(), 0)).run(prompt, hooks);
  await settle();
  await pass(stage, 10);
  assert.ok(looks.every((tags) => tags.length <= 3));
  const times = Map.groupBy(looks.flat(), (tag) => tag);
  const counts = [...times.values()].map((same) => same.length);
  assert.equal(times.size, 7);
  assert.ok(Math.min(...counts) >= 5 && Math.max(...counts) - Math.min(...counts) <= 1, `${counts}`);
});
