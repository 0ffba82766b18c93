import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createSimulationClock } from '../../bench/simulate/clock.ts';
import { asBuilt } from '../../bench/simulate/cluster.ts';
import { machineOfSize } from '../../bench/simulate/machine.ts';
import { type Course, type Result, simulate } from '../../bench/simulate/simulate.ts';
import { busiest, createTrace, type TraceMessage } from '../../bench/simulate/trace.ts';

const hourMs = 3_600_000;
const megabyte = 1024 * 1024;

function company(users: number, seed = 1) {
  const trace = createTrace({ seed, users, rooms: Math.ceil(users / 5), hours: 24 });
  return { trace, peak: busiest(trace, hourMs) };
}

function machines(count: number, memoryGb: number, placement = asBuilt) {
  return { seed: 1, machines: count, size: machineOfSize(memoryGb), placement };
}

/** Every message ended once, and no conversation had two turns at a time or out of order. */
function assertKept({ endings, messages }: Result): void {
  assert.equal(endings.length, messages);
  assert.equal(new Set(endings.map(({ message }) => message.id)).size, messages);
  const rooms = Map.groupBy(endings, ({ message }) => message.roomId);
  for (const ended of rooms.values()) {
    const ids = ended.map(({ message }) => message.id);
    assert.deepEqual(
      ids,
      ids.toSorted((a, b) => a - b),
    );
    for (const [index, { beganMs, endedMs }] of ended.entries()) {
      const before = ended[index - 1];
      // Messages of one burst are one turn.
      if (before && beganMs !== null && before.endedMs !== endedMs) assert.ok(beganMs >= before.endedMs);
    }
  }
}

test('simulated time: in order of their times, then of their setting; what is cancelled never', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ delayMs: fc.nat(20), isCancelled: fc.boolean() }), { maxLength: 40 }),
      async (timers) => {
        const clock = createSimulationClock(0);
        const ran: number[] = [];
        for (const [index, { delayMs, isCancelled }] of timers.entries()) {
          const cancel = clock.after(delayMs, () => ran.push(index));
          if (isCancelled) cancel();
        }
        await clock.runUntil(20);
        const expected = timers
          .map((timer, index) => ({ ...timer, index }))
          .filter(({ isCancelled }) => !isCancelled)
          .sort((a, b) => a.delayMs - b.delayMs || a.index - b.index);
        assert.deepEqual(
          ran,
          expected.map(({ index }) => index),
        );
      },
    ),
  );
});

test('simulated time waits for what a promise sets off before it goes on', async () => {
  const clock = createSimulationClock(0);
  const seen: number[] = [];
  const twice = async () => {
    await clock.sleep(5);
    await Promise.resolve();
    await clock.sleep(5);
    seen.push(clock.monotonicMs());
  };
  void twice();
  clock.after(11, () => seen.push(11));
  await clock.runUntil(20);
  assert.deepEqual(seen, [10, 11]);
});

test('a seed makes one trace, with a few rooms that get much and a quiet night', () => {
  const { trace } = company(2_000);
  assert.deepEqual(trace, company(2_000).trace);
  assert.notDeepEqual(trace, company(2_000, 2).trace);
  const perRoom = [...Map.groupBy(trace, ({ roomId }) => roomId).values()].map(({ length }) => length);
  const upper = perRoom.sort((a, b) => b - a).slice(0, 40);
  const share = upper.reduce((sum, each) => sum + each, 0) / trace.length;
  assert.ok(share > 0.25, `a tenth of the rooms has only ${share} of all messages`);
  const at = (hour: number) => trace.filter(({ atMs }) => Math.floor(atMs / hourMs) === hour).length;
  assert.ok(at(14) > 5 * at(5));
});

test('the same seed gives the same result', async () => {
  const { trace, peak } = company(600);
  const result = await simulate(trace, machines(3, 2), peak);
  assert.deepEqual(await simulate(trace, machines(3, 2), peak), result);
  assert.ok(result.paths.hot > 0 && result.paths.resumed > 0 && result.paths.opened > 0);
});

describe('every message ends once, in order, one turn at a time, and memory is enough', () => {
  for (const [count, users, mayRefuse] of [
    [1, 300, false],
    [1, 3_000, true],
  ] as const) {
    test(`${users} people on ${count} × 2 GB`, async () => {
      const { trace, peak } = company(users);
      const result = await simulate(trace, machines(count, 2), peak);
      assertKept(result);
      assert.equal(result.failed, 0);
      if (!mayRefuse) assert.equal(result.refused, 0);
      assert.deepEqual([result.oomKills, result.memoryUsed.max <= 1], [0, true]);
    });
  }

  test('agents that take what nobody expects are ended by the kernel, and the simulation says so', async () => {
    const { trace, peak } = company(300);
    const greedy = trace.map((message): TraceMessage => ({ ...message, toolBytes: 900 * megabyte }));
    const result = await simulate(greedy, machines(1, 2), peak);
    assertKept(result);
    assert.ok(result.oomKills > 0);
  });
});

test('where a conversation was before it is cheaper than anywhere', async () => {
  const { trace, peak } = company(600);
  const [home, anywhere] = await Promise.all(
    [true, false].map((affinity) => simulate(trace, machines(3, 8, { ...asBuilt, affinity }), peak)),
  );
  assert.ok(home && anywhere);
  assert.ok(home.paths.hot > 1.5 * anywhere.paths.hot, `${home.paths.hot} beside ${anywhere.paths.hot}`);
  assert.ok(home.moves < anywhere.moves / 10);
});

test('what a dead machine had is served by the others, a turn that it was cut off in included', async () => {
  const { trace, peak } = company(1_500);
  const alive = await simulate(trace, machines(3, 8), peak);
  const cutOff = alive.endings.find(
    ({ machine, beganMs, endedMs }) =>
      machine === 0 && beganMs !== null && beganMs > hourMs / 3 && endedMs - beganMs > 10_000,
  );
  assert.ok(cutOff);
  const diedMs = cutOff.endedMs - 5_000;
  const course: Course = { ...peak, deaths: [{ machine: 0, atMs: peak.fromMs + diedMs }] };
  const result = await simulate(trace, machines(3, 8), course);
  assertKept(result);
  assert.equal(result.served, result.messages);
  const isOfFirst = ({ machine }: { machine: number | null }) => machine === 0;
  const ofFirst = result.endings.filter(isOfFirst);
  assert.ok(ofFirst.length > 50 && ofFirst.every(({ endedMs }) => endedMs <= diedMs));
  const again = result.endings.find(({ message }) => message.id === cutOff.message.id);
  assert.deepEqual([again?.kind, again?.attempts, again && isOfFirst(again)], ['served', 2, false]);
  // The right of the dead one expires first, and before that nobody may go on.
  assert.ok(again?.beganMs && again.beganMs > diedMs + 10_000 && again.beganMs < diedMs + 15_000);
});

test('with far too many people nobody waits as long as where late mail is left in the queue', async () => {
  const { trace, peak } = company(10_000);
  const course = { fromMs: peak.fromMs, toMs: peak.fromMs + hourMs / 4 };
  const [left, built] = await Promise.all(
    [false, true].map((late) => simulate(trace, machines(3, 2, { ...asBuilt, late }), course)),
  );
  assert.ok(left && built);
  assertKept(left);
  assertKept(built);
  assert.ok(built.sessionWait.p95 < 0.75 * left.sessionWait.p95);
});
