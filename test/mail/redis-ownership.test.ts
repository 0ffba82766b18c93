import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { systemClock as clock } from '../../src/lib/clock.ts';
import type { Hold, Ownership } from '../../src/mail/ownership.ts';
import { createRedisOwnership } from '../../src/mail/redis-ownership.ts';
import { RedisAwayError, type RedisStore } from '../../src/store/redis.ts';
import { eventually } from '../support/eventually.ts';
import { redisServer, redisStore } from '../support/redis.ts';

const here = { botId: 'helper', roomId: 1 };
const there = { botId: 'helper', roomId: 2 };
const leaseMs = 400;
const slowMs = 100;

type Owning = Ownership & { troubles: string[] };

/** Machines of their own names, each with a connection. */
async function machinesOn(t: TestContext, url: string, ...names: string[]): Promise<Owning[]> {
  return Promise.all(names.map(async (machine) => owning(t, await redisStore(t, url), machine)));
}

function owning(t: TestContext, store: RedisStore, machine: string): Owning {
  const troubles: string[] = [];
  const onTrouble = (problem: string) => troubles.push(problem);
  const ownership = createRedisOwnership({ store, machine, clock, leaseMs, onTrouble });
  t.after(() => ownership.stop());
  return Object.assign(ownership, { troubles });
}

describe('ownership of conversations over Redis', () => {
  test('one machine at a time has a conversation, and each new owner a higher fence', async (t) => {
    const { url } = await redisServer(t);
    const [one, two] = (await machinesOn(t, url, 'one', 'two')) as [Owning, Owning];
    const hold = (await one.hold(here)) as Hold;
    assert.equal(one.fenceOf(here), 1);
    assert.ok(one.certainForMs(here) > leaseMs / 2 && one.certainForMs(here) <= leaseMs);
    assert.equal(await two.hold(here), null);
    assert.equal(two.fenceOf(here), null);
    assert.equal(two.certainForMs(here), 0);
    assert.ok(await two.hold(there), 'other conversations are free');
    const shared = (await one.hold(here)) as Hold;
    await hold[Symbol.asyncDispose]();
    await hold[Symbol.asyncDispose]();
    assert.equal(await two.hold(here), null, 'somebody there holds it still');
    await shared[Symbol.asyncDispose]();
    assert.equal(one.fenceOf(here), null);
    assert.ok(await two.hold(here));
    assert.equal(two.fenceOf(here), 2);
  });

  test('what is held stays held, far beyond one lease', async (t) => {
    const { url } = await redisServer(t);
    const [one, two] = (await machinesOn(t, url, 'one', 'two')) as [Owning, Owning];
    const hold = (await one.hold(here)) as Hold;
    const untilMs = clock.monotonicMs() + 4 * leaseMs;
    await eventually('four leases have gone by', async () => {
      assert.equal(await two.hold(here), null);
      assert.ok(one.certainForMs(here) > 0);
      return clock.monotonicMs() > untilMs;
    });
    assert.equal(hold.lost.aborted, false);
    assert.equal(one.fenceOf(here), 1);
  });

  test('asked for at the same time, everybody on a machine shares one right', async (t) => {
    const { url } = await redisServer(t);
    const [one] = (await machinesOn(t, url, 'one')) as [Owning];
    const holds = await Promise.all([one.hold(here), one.hold(here), one.hold(here)]);
    assert.equal(one.fenceOf(here), 1);
    for (const hold of holds) await (hold as Hold)[Symbol.asyncDispose]();
    assert.equal(one.fenceOf(here), null);
  });

  test('a new life of a machine takes over from the last one at once, with a higher fence', async (t) => {
    const { url } = await redisServer(t);
    const [before, after] = (await machinesOn(t, url, 'same', 'same')) as [Owning, Owning];
    const hold = (await before.hold(here)) as Hold;
    assert.ok(await after.hold(here));
    assert.equal(after.fenceOf(here), 2);
    await eventually('the one before hears of it', () => hold.lost.aborted);
  });

  test('a machine that stops lets go of everything', async (t) => {
    const { url } = await redisServer(t);
    const [one, two] = (await machinesOn(t, url, 'one', 'two')) as [Owning, Owning];
    await one.hold(here);
    // In the very moment in which it stops.
    void one.hold(there);
    await one.stop();
    assert.ok((await two.hold(here)) && (await two.hold(there)));
    assert.equal(await one.hold(here), null);
  });
});

describe('ownership when something fails', () => {
  test('a stopped process is uncertain when it wakes, and hears that it has lost', async (t) => {
    const { url } = await redisServer(t);
    const [other] = (await machinesOn(t, url, 'other')) as [Owning];
    const holder = startHolder(t, url, 'sleeper');
    await eventually('it holds', () => holder.said().includes('fence 1'));
    assert.equal(await other.hold(here), null);
    holder.signal('SIGSTOP');
    await eventually('the other takes it', () => other.hold(here));
    assert.equal(other.fenceOf(here), 2);
    holder.signal('SIGCONT');
    await eventually('it hears', () => holder.said().includes('lost'));
    assert.equal(holder.said().includes('certain'), false, `never certain again: ${String(holder.said())}`);
    assert.ok(other.certainForMs(here) > 0);
  });

  test('a stopped process goes on with the same fence when nobody else came', async (t) => {
    const { url } = await redisServer(t);
    const store = await redisStore(t, url);
    const holder = startHolder(t, url, 'sleeper');
    await eventually('it holds', () => holder.said().includes('fence 1'));
    holder.signal('SIGSTOP');
    const own = store.key('own', here.botId, here.roomId);
    await eventually('its lease is over', async () => (await store.call('EXISTS', own)) === 0);
    holder.signal('SIGCONT');
    await eventually('it holds again', async () => (await store.call('HGET', own, 'fence')) === '1');
    assert.equal(holder.said().includes('lost'), false, String(holder.said()));
  });

  test('Redis restarts: nobody loses anything', async (t) => {
    const server = await redisServer(t);
    const [one, two] = (await machinesOn(t, server.url, 'one', 'two')) as [Owning, Owning];
    const hold = (await one.hold(here)) as Hold;
    await server.kill();
    await eventually('it is not certain any more', () => one.certainForMs(here) === 0);
    assert.equal(one.fenceOf(here), 1, 'not lost');
    assert.equal(hold.lost.aborted, false);
    assert.ok(one.troubles.length > 0);
    await assert.rejects(one.hold(here), RedisAwayError);
    await server.start();
    await eventually('it is certain again', () => one.certainForMs(here) > 0);
    assert.equal(one.fenceOf(here), 1);
    assert.equal(await two.hold(here), null);
  });

  test('cut off from Redis while another takes it: lost when it can ask again', async (t) => {
    const { url } = await redisServer(t);
    const [two] = (await machinesOn(t, url, 'two')) as [Owning];
    const cut = partition(await redisStore(t, url));
    const one = owning(t, cut.store, 'one');
    const hold = (await one.hold(here)) as Hold;
    cut.isCut = true;
    const taken = await eventually('the other takes it', () => two.hold(here));
    assert.equal(one.certainForMs(here), 0);
    assert.equal(hold.lost.aborted, false, 'it cannot know');
    await taken[Symbol.asyncDispose]();
    cut.isCut = false;
    await eventually('it knows, though nobody has it any more', () => hold.lost.aborted);
    assert.equal(one.fenceOf(here), null);
  });

  test('an answer that comes late gives no certainty that is over by then', async (t) => {
    const { url } = await redisServer(t);
    const [two] = (await machinesOn(t, url, 'two')) as [Owning];
    const cut = partition(await redisStore(t, url));
    const one = owning(t, cut.store, 'one');
    await one.hold(here);
    const late = Promise.withResolvers<void>();
    cut.late = late.promise;
    await eventually('a renewal waits for its answer', () => cut.waiting > 0);
    cut.isCut = true;
    await eventually('the other takes it', () => two.hold(here));
    cut.isCut = false;
    late.resolve();
    await eventually('the answer is there', () => cut.waiting === 0);
    assert.equal(one.certainForMs(here), 0);
  });

  test('never two who are certain, whatever fails in whatever order', async (t) => {
    const { url } = await redisServer(t);
    const base = await redisStore(t, url);
    let run = 0;
    const move = fc.record({
      machine: fc.integer({ min: 0, max: 2 }),
      what: fc.constantFrom('hold', 'hold', 'release', 'cut', 'mend', 'slow', 'wait', 'die'),
      ms: fc.integer({ min: 0, max: 120 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 6, maxLength: 14 }), async (moves) => {
        run++;
        await schedule(moves, { botId: 'helper', roomId: 100 + run }, base);
      }),
      { numRuns: 8 },
    );
  });
});

interface Move {
  machine: number;
  what: string;
  ms: number;
}

/** Three machines do all of it while a watcher looks for two that are certain. */
async function schedule(moves: Move[], conversation: typeof here, base: RedisStore): Promise<void> {
  const machines = [0, 1, 2].map((number) => {
    const cut = partition(base);
    return {
      name: `m${number}`,
      life: 0,
      cut,
      ownership: newLife(cut.store, `m${number}`),
      holds: [] as Hold[],
    };
  });
  const fences: number[] = [];
  const dead: Ownership[] = [];
  const check = () => {
    const certain = machines.filter(({ ownership }) => ownership.certainForMs(conversation) > 0);
    assert.ok(certain.length < 2, `two are certain: ${certain.map(({ name }) => name)}`);
  };
  for (const { machine, what, ms } of moves) {
    const one = machines[machine] as (typeof machines)[number];
    const { ownership, holds, cut } = one;
    if (what === 'hold') {
      const before = ownership.fenceOf(conversation);
      const hold = await ownership.hold(conversation).catch(() => null);
      const fence = ownership.fenceOf(conversation);
      if (hold) holds.push(hold);
      if (hold && fence !== null && before === null) {
        assert.ok(fence > Math.max(0, ...fences), `${fence} after ${fences}`);
        fences.push(fence);
      }
    } else if (what === 'release') await holds.pop()?.[Symbol.asyncDispose]();
    else if (what === 'cut') cut.isCut = true;
    else if (what === 'mend') cut.isCut = cut.isSlow = false;
    else if (what === 'slow') cut.isSlow = true;
    else if (what === 'die') {
      // Its process is gone: nothing of it may write any more, and it lets go of nothing.
      cut.isCut = true;
      dead.push(ownership);
      one.cut = partition(base);
      one.ownership = newLife(one.cut.store, one.name);
      one.holds = [];
    }
    const untilMs = clock.monotonicMs() + ms;
    do {
      check();
      await clock.sleep(3);
    } while (clock.monotonicMs() < untilMs);
  }
  await Promise.all([...dead, ...machines.map(({ ownership }) => ownership)].map((each) => each.stop()));
}

function newLife(store: RedisStore, machine: string): Ownership {
  return createRedisOwnership({ store, machine, clock, leaseMs: 150, onTrouble: () => {} });
}

/** A connection that a test can cut, or of which answers come late. */
function partition(store: RedisStore) {
  const cut = {
    isCut: false,
    isSlow: false,
    /** Answers that were asked for wait for this. */
    late: null as Promise<void> | null,
    waiting: 0,
    store: {
      ...store,
      async run<T>(...given: Parameters<RedisStore['run']>): Promise<T> {
        if (cut.isCut) throw new RedisAwayError('cut off');
        const answer = await store.run<T>(...given);
        if (cut.isSlow) await clock.sleep(slowMs);
        if (cut.late !== null) {
          cut.waiting++;
          await cut.late;
          cut.waiting--;
        }
        // What was done may have gone unheard.
        if (cut.isCut) throw new RedisAwayError('cut off');
        return answer;
      },
    },
  };
  return cut;
}

function startHolder(t: TestContext, url: string, machine: string) {
  const file = join(import.meta.dirname, '../fixtures/children/conversation-holder.ts');
  const values = [url, machine, String(leaseMs), here.botId, String(here.roomId)];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file, ...values], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (data) => {
    said += String(data);
  });
  return { said: () => said.split('\n'), signal: (name: NodeJS.Signals) => child.kill(name) };
}
