import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../src/lib/clock.ts';
import { tagVariable } from '../../src/processes/census.ts';
import { environmentOf, listProcesses } from '../../src/processes/proc.ts';
import { createPeaks, peakMigrations } from '../../src/sessions/peaks.ts';
import { createPool, type Pool } from '../../src/sessions/pool.ts';
import { conversationMigrations, createConversations } from '../../src/sessions/resume.ts';
import { createSlots } from '../../src/sessions/slots.ts';
import { openStore } from '../../src/store/sqlite.ts';
import { childAgents } from '../support/child-agent.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { eventually } from '../support/eventually.ts';
import { signal } from '../support/signal.ts';
import { supervision } from '../support/supervision.ts';
import { tempFolder } from '../support/temp.ts';

/**
 * Random schedules of messages, crashes, closes, expiry, reaping and a drain over the real pool, supervisor, ledger and
 * reaper, with real children that leave orphans. The model knows only what may never happen.
 */

const maxSessions = 2;
const rooms = 3;
const idleTtlMs = 60_000;

interface Real {
  pool: Pool;
  clock: TestClock;
  supervised: ReturnType<typeof supervision>;
  turns: Array<Promise<void>>;
  /** The room's turn that was asked for last: a conversation asks for one at a time. */
  byRoom: Map<number, Promise<void>>;
}

type Command = fc.AsyncCommand<object, Real>;

/** What must hold after every step, whatever is under way. */
function check({ pool, supervised: { ledger, instance } }: Real): void {
  const live = pool.snapshot();
  const names = live.map(({ id }) => id);
  assert.equal(new Set(names).size, names.length, 'two sessions of one conversation');
  assert.ok(live.length <= maxSessions, 'a slot is held by nobody');
  const entries = ledger.entries();
  assert.equal(new Set(entries.map(({ slot }) => slot)).size, entries.length, 'two trees in one slot');
  const entered = new Set(entries.map(({ tag }) => tag));
  for (const tag of runningTags(instance))
    assert.ok(entered.has(tag), 'a process runs that is not in the ledger');
}

/** Tags of all processes of this instance, read without the census. */
function runningTags(instance: string): Set<string> {
  const tags = listProcesses().map(({ pid }) => environmentOf(pid, tagVariable) ?? '');
  return new Set(tags.filter((tag) => tag.startsWith(`${instance}.`)));
}

const step = (name: string, act: (real: Real) => void | Promise<void>): Command => ({
  check: () => true,
  async run(_, real) {
    await act(real);
    check(real);
  },
  toString: () => name,
});

const say = (room: number, text: string) =>
  step(`say(${room}, ${text})`, (real) => {
    const before = real.byRoom.get(room) ?? Promise.resolve();
    const turn = before.then(() => runTurn(real.pool, room, text));
    real.byRoom.set(room, turn);
    real.turns.push(turn);
  });

async function runTurn(pool: Pool, roomId: number, text: string): Promise<void> {
  const bot = {
    id: 'helper',
    revision: 'r1',
    profile: { systemPrompt: '', model: null, tools: [], mcpServers: {}, maxTurns: null },
  };
  try {
    await using lease = await pool.lease({ botId: 'helper', roomId }, bot, 0);
    await lease.run(
      { uuid: 'u', text },
      { onStep() {}, useTool: async () => ({ text: '', isError: false }) },
    );
  } catch (error) {
    assert.equal((error as Error).name, 'PoolDrainingError');
  }
}

const crash = (which: number) =>
  step(`crash(${which})`, async ({ pool }) => {
    const pids = pool.snapshot().flatMap(({ pid }) => pid ?? []);
    const pid = pids[which % Math.max(1, pids.length)];
    if (pid !== undefined) signal(pid, 'SIGKILL');
  });

const close = (room: number) =>
  step(`close(${room})`, async ({ pool }) => {
    await pool.close(`${room}:helper`, 'operator');
  });

const wait = (ms: number) =>
  step(`wait(${ms})`, async ({ clock }) => {
    await systemClock.sleep(ms);
    clock.advance(1000);
  });

const expire = step('expire', ({ clock }) => clock.advance(idleTtlMs + 1000));

const reap = step('reap', async ({ supervised: { reaper, supervisor } }) => {
  assert.deepEqual(
    (await reaper.reapUnowned((tag) => supervisor.owns(tag))).killed,
    [],
    'an owned process was reaped',
  );
});

const drain = step('drain', async ({ pool }) => {
  await pool.drain();
});

test('any schedule: one session per conversation, no leaked slot, and the ledger is what runs', {
  timeout: 110_000,
}, async () => {
  const room = fc.integer({ min: 1, max: rooms });
  const commands = [
    fc.tuple(room, fc.constantFrom('quick', 'slow')).map(([each, text]) => say(each, text)),
    fc.tuple(room, fc.constantFrom('quick', 'slow')).map(([each, text]) => say(each, text)),
    fc.nat(maxSessions).map(crash),
    room.map(close),
    fc.constantFrom(20, 150).map(wait),
    fc.constantFrom(expire, reap),
    fc.constant(drain),
  ];
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 14 }), async (schedule) => {
      const undos: Array<() => unknown> = [];
      const real = setReal({ after: (undo) => void undos.unshift(undo) });
      try {
        await fc.asyncModelRun(() => ({ model: {}, real }), schedule);
        await endOf(real);
      } finally {
        for (const undo of undos) await undo();
      }
    }),
    { numRuns: 12, endOnFailure: true },
  );
});

/** A drain ends everything: nothing runs, nothing is in the ledger, every turn has come back. */
async function endOf({ pool, clock, turns, supervised: { ledger, instance } }: Real): Promise<void> {
  await eventually('the drain', async () => {
    const over = pool.drain().then(() => true);
    clock.advance(1000);
    return Promise.race([over, systemClock.sleep(200).then(() => false)]);
  });
  await Promise.all(turns);
  assert.deepEqual([pool.snapshot(), ledger.entries(), [...runningTags(instance)]], [[], [], []]);
}

function setReal(t: { after(undo: () => unknown): void }): Real {
  const supervised = supervision(t, 'group');
  const clock = testClock();
  const slots = createSlots(tempFolder(t));
  const store = openStore(':memory:', [...conversationMigrations, ...peakMigrations]);
  const gigabyte = 1024 ** 3;
  const memory = {
    source: 'host' as const,
    limitBytes: 8 * gigabyte,
    usedBytes: 0,
    availableBytes: 8 * gigabyte,
    ...{ oomKills: null, stallPercent: null },
  };
  const pool = createPool(
    {
      ...{ idleTtlMs, maxSessions, cores: 2, readMemory: () => memory, revisionOf: () => 'r1', spares: 0 },
      ...{ highPercent: 80, sessionMaxBytes: gigabyte, measureTrees: () => new Map() },
    },
    {
      ...{ openAgent: childAgents(supervised.supervisor), slots, clock, emit: () => {} },
      conversations: createConversations(store, slots, clock),
      peaks: createPeaks(store, gigabyte),
    },
  );
  return { pool, clock, supervised, turns: [], byRoom: new Map() };
}
