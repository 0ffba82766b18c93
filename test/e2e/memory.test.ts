import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type MemoryLoadOptions, type MemoryLoadResult, run } from '../../bench/memory-load.ts';

/** Real agents in real memory control groups without swap; the full size is in bench/memory-load.ts. */

const base: MemoryLoadOptions = {
  ...{ limitMb: 900, rooms: 8, heavy: { rooms: 2, megabytes: 500 }, neighbourMb: 0 },
  ...{ policy: true, limitMs: 100_000 },
};

async function load(t: TestContext, options: MemoryLoadOptions): Promise<MemoryLoadResult | null> {
  const result = await run(options);
  if (!result) t.skip('Only root may make a memory control group.');
  return result;
}

function assertServed({ log, ...result }: MemoryLoadResult): void {
  const { answers, wrongRooms, withoutOutcome, oomKills, serviceLives, deaths } = result;
  assert.deepEqual(
    { answers, wrongRooms, withoutOutcome, oomKills, serviceLives, deaths },
    {
      answers: result.messages,
      wrongRooms: [],
      withoutOutcome: 0,
      oomKills: 0,
      serviceLives: true,
      deaths: [],
    },
    log.filter((line) => /"level":"(warn|error)"/.test(line)).join('\n'),
  );
}

test('900 MB, two messages each in eight rooms at once, sessions of a bot that nobody has seen at work take 500 MB more: no OOM kill, all answered', async (t) => {
  const result = await load(t, base);
  if (!result) return;
  assertServed(result);
  assert.ok(result.peakUsedMb > 650, `a heavy session was there (${result.peakUsedMb} MB)`);
  assert.ok(result.evictions > 0, 'not all of them fit at once');
  const line = result.log.find((entry) => entry.includes('"session.evicted"')) ?? '';
  assert.match(line, /evicted \d+:\w+: idle \d+ s, [\d,]+ MB, to admit \d+:\w+ at [\d,]+ of 900 MB/);
});

const plain = { ...base, limitMb: 700, rooms: 12, heavy: null };

test('700 MB, two messages each in twelve rooms: no OOM kill, all answered', async (t) => {
  const result = await load(t, plain);
  if (result) assertServed(result);
});

test('the same load without the policy: the kernel kills agents, which is told from other deaths, and never the service', async (t) => {
  const result = await load(t, { ...plain, policy: false });
  if (!result) return;
  assert.ok(result.oomKills > 0, `at ${result.peakUsedMb} MB with ${result.mostSessions} sessions`);
  assert.deepEqual([result.serviceLives, [...new Set(result.deaths)]], [true, ['oom']]);
  assert.ok(
    result.log.some((line) => line.includes('"memory.oom_kill"')),
    'the log tells of it',
  );
});

test('1,900 MB of which a neighbour takes half: it is respected, all answered', async (t) => {
  const result = await load(t, { ...base, limitMb: 1900, rooms: 8, heavy: null, neighbourMb: 950 });
  if (!result) return;
  assertServed(result);
});
