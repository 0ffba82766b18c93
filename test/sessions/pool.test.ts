import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Lease } from '../../src/sessions/lease.ts';
import { bot, gigabyte, hooks, prompt, room, setPool, settle, turn } from './pool-stage.ts';

test('a first turn opens, the next one finds the session hot', async (t) => {
  const stage = setPool(t);
  await turn(stage, 1);
  const lease = await stage.pool.lease(room(1), bot(), 0);
  assert.deepEqual([lease.path, stage.agents.length], ['hot', 1]);
});

test('an idle session is closed when its time is over, and says so in the log', async (t) => {
  const stage = setPool(t);
  const agent = await turn(stage, 1);
  stage.clock.advance(59_000);
  await settle();
  assert.equal(agent.closed, false);
  stage.clock.advance(2_000);
  await settle();
  assert.equal(agent.closed, true);
  assert.deepEqual(stage.types().slice(-2), ['session.closed', 'session.expired']);
  assert.deepEqual(stage.pool.snapshot(), []);
});

test('a close that fails is tried again, and nobody takes the place before it worked', async (t) => {
  const stage = setPool(t);
  const agent = await turn(stage, 1);
  agent.failClose = true;
  await stage.pool.close('1:helper', 'operator');
  assert.ok(stage.types().includes('session.close_failed'));
  const next = stage.pool.lease(room(1), bot(), 0);
  await settle();
  assert.equal(stage.agents.length, 1, 'no successor beside the predecessor');
  stage.clock.advance(1_000);
  await settle();
  await next;
  assert.deepEqual([agent.closed, stage.agents.length], [true, 2]);
});

test('an edited bot gets another process at its next turn, with the same memory', async (t) => {
  const stage = setPool(t);
  const first = await turn(stage, 1, 'r1');
  const { slot, memory } = first.spec;
  mkdirSync(join(slot.config, 'projects', 'p'), { recursive: true });
  writeFileSync(join(slot.config, 'projects', 'p', `${memory.id}.jsonl`), '{}');
  const second = await turn(stage, 1, 'r2');
  assert.equal(first.closed, true);
  assert.deepEqual(second.spec.memory, { kind: 'resume', id: memory.id });
  assert.equal(second.spec.slot.id, slot.id);
});

test('a session that another machine has overtaken is closed, and the next one has what it said', async (t) => {
  const stage = setPool(t);
  const first = await turn(stage, 1);
  const fetched: boolean[] = [];
  const { conversations } = stage;
  const recall = await conversations.recall(room(1));
  conversations.recall = async () => ({
    ...recall,
    ...{ elsewhere: true, missing: ['files'], memory: { kind: 'resume', id: first.spec.memory.id } },
    fetch: async () => void fetched.push(first.closed),
  });
  const second = await turn(stage, 1);
  assert.deepEqual([fetched, stage.agents.length], [[true], 2], 'fetched when nobody lives in the slot');
  assert.deepEqual([second.spec.memory.kind, second.spec.slot.id], ['resume', first.spec.slot.id]);
  assert.match(second.prompts[0]?.text ?? '', /^\[.*files .* not in your working folder\.\]\nt$/);
});

test('an overtaken session that does not end lets nobody in', async (t) => {
  const stage = setPool(t);
  const first = await turn(stage, 1);
  first.failClose = true;
  const { conversations } = stage;
  const recall = await conversations.recall(room(1));
  conversations.recall = async () => ({ ...recall, elsewhere: true });
  await assert.rejects(stage.pool.lease(room(1), bot(), 0), /did not end/);
  assert.equal(stage.agents.length, 1);
});

test('turns on record without a transcript start afresh, and the log says so', async (t) => {
  const stage = setPool(t);
  const first = await turn(stage, 1);
  await stage.pool.close('1:helper', 'operator');
  const second = await turn(stage, 1);
  assert.ok(stage.types().includes('session.stale'));
  assert.equal(second.spec.memory.kind, 'new');
  assert.notEqual(second.spec.memory.id, first.spec.memory.id);
});

test('a transcript that cannot be loaded is given up and the prompt runs in a fresh session', async (t) => {
  const stage = setPool(t);
  const lease = await stage.pool.lease(room(1), bot(), 0);
  const result = lease.run(prompt, hooks);
  await settle();
  stage.agents[0]?.finish({ kind: 'no-memory', cause: 'No conversation found' });
  await settle();
  assert.equal(stage.agents[0]?.closed, true);
  stage.agents[1]?.finish({ kind: 'answered', text: 'again', spent: null });
  assert.deepEqual(await result, { kind: 'answered', text: 'again', spent: null });
  assert.deepEqual(stage.agents[1]?.prompts, [prompt]);
});

test('as many as allowed: the least recently used idle one makes room, a busy one never', async (t) => {
  const stage = setPool(t, { maxSessions: 2 });
  const old = await turn(stage, 1);
  stage.clock.advance(10);
  const recent = await turn(stage, 2);
  const third = await stage.pool.lease(room(3), bot(), 0);
  assert.deepEqual([old.closed, recent.closed], [true, false]);
  void third.run(prompt, hooks);
  await settle();
  const fourth = stage.pool.lease(room(4), bot(), 0);
  await settle();
  await fourth;
  assert.equal(recent.closed, true);
  let granted = false;
  void stage.pool.lease(room(5), bot(), 0).then(() => {
    granted = true;
  });
  await settle();
  assert.equal(granted, false);
  assert.deepEqual(stage.events.at(-1), {
    ...{ type: 'turn.waiting', session: '5:helper', reason: 'max-sessions' },
    detail: (stage.events.at(-1) as { detail: string }).detail,
  });
});

test('without memory nobody starts; as soon as there is some, the first who asked does', async (t) => {
  const stage = setPool(t);
  stage.memory.availableBytes = 10_000_000;
  const order: number[] = [];
  for (const roomId of [1, 2]) void stage.pool.lease(room(roomId), bot(), 0).then(() => order.push(roomId));
  await settle();
  assert.deepEqual(order, []);
  stage.memory.availableBytes = 8 * gigabyte;
  stage.clock.advance(1_000);
  await settle();
  assert.deepEqual(order, [1, 2]);
});

test('an agent that dies while idle is removed at once', async (t) => {
  const stage = setPool(t);
  const agent = await turn(stage, 1);
  agent.die();
  await settle();
  assert.deepEqual([stage.pool.snapshot(), agent.closed], [[], true]);
});

test('an agent that dies in a turn is reaped before its conversation goes on', async (t) => {
  const stage = setPool(t);
  const lease = await stage.pool.lease(room(1), bot(), 0);
  const result = lease.run(prompt, hooks);
  await settle();
  stage.agents[0]?.die();
  assert.equal((await result).kind, 'died');
  await lease[Symbol.asyncDispose]();
  assert.equal(stage.agents[0]?.closed, true);
  assert.equal((await turn(stage, 1)) === stage.agents[1], true);
});

test('a drain turns away who waits, closes all, and says so last', async (t) => {
  const stage = setPool(t, { maxSessions: 1 });
  const lease = await stage.pool.lease(room(1), bot(), 0);
  const running = lease.run(prompt, hooks);
  await settle();
  const waiting = assert.rejects(stage.pool.lease(room(2), bot(), 0), { name: 'PoolDrainingError' });
  assert.equal(await stage.pool.drain(), 1);
  await waiting;
  assert.equal((await running).kind, 'interrupted');
  await assert.rejects(stage.pool.lease(room(1), bot(), 0), { name: 'PoolDrainingError' });
  assert.deepEqual(stage.types().at(-1), 'sessions.all_closed');
});

test('any schedule: one session per conversation, none above the limit, and nothing left after the drain', async () => {
  const action = fc.oneof(
    fc.record({
      do: fc.constantFrom('lease' as const, 'finish' as const, 'die' as const),
      room: fc.integer({ min: 1, max: 4 }),
    }),
    fc.record({
      do: fc.constantFrom('close' as const, 'fail-close' as const),
      room: fc.integer({ min: 1, max: 4 }),
    }),
    fc.record({ do: fc.constant('pass' as const), room: fc.constantFrom(100, 1_000, 61_000) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 50 }), async (actions) => {
      const cleanUps: Array<() => unknown> = [];
      const stage = setPool({ after: (run) => void cleanUps.push(run as () => unknown) }, { maxSessions: 2 });
      const held = new Map<number, Lease | 'asked'>();
      const live = () => stage.agents.filter(({ closed }) => !closed);
      const check = () => {
        const slots = live().map(({ spec }) => spec.slot.id);
        assert.equal(new Set(slots).size, slots.length, 'two live agents in one slot');
        assert.ok(live().length <= 2, 'more agents than allowed');
      };
      for (const { do: what, room: which } of actions) {
        if (what === 'lease' && !held.has(which)) {
          held.set(which, 'asked');
          void stage.pool.lease(room(which), bot(), 0).then(
            (lease) => {
              held.set(which, lease);
              void lease.run(prompt, hooks).then(async () => {
                await lease[Symbol.asyncDispose]();
                held.delete(which);
              });
            },
            () => held.delete(which),
          );
        } else if (what === 'pass') stage.clock.advance(which);
        else if (what === 'close') void stage.pool.close(`${which}:helper`, 'operator');
        else {
          const agent = live()[which % Math.max(1, live().length)];
          if (what === 'finish') agent?.finish();
          if (what === 'die') agent?.die();
          if (what === 'fail-close' && agent) agent.failClose = true;
        }
        await settle();
        check();
      }
      for (const agent of stage.agents) agent.failClose = false;
      await stage.pool.drain();
      assert.deepEqual(live(), []);
      for (const cleanUp of cleanUps) cleanUp();
    }),
    { numRuns: 100 },
  );
});
