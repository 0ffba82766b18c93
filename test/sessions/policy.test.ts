import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Ask,
  decideAdmission,
  describeAdmission,
  freshCostBytes,
  type House,
  type SessionReading,
  type SpareReading,
  startBackoffMs,
} from '../../src/sessions/policy.ts';

const megabyte = 1024 * 1024;
const nowMs = 100_000;
const session =
  (state: SessionReading['state']) =>
  (name: string, rest: { mb?: number; idleSinceMs?: number; startedMs?: number } = {}): SessionReading => ({
    ...{ name, botId: name.split(':')[1] ?? '', state, turns: 1, peakBytes: 250 * megabyte },
    ...{ memoryBytes: (rest.mb ?? 150) * megabyte },
    ...{ startedMs: rest.startedMs ?? 0, idleSinceMs: rest.idleSinceMs ?? 0 },
  });
const idle = session('idle');
const busy = session('busy');
const closing = session('closing');
const starting = session('starting');
const spare = (id: string, state: SpareReading['state'] = 'parked', startedMs = 0): SpareReading => ({
  ...{ id, botId: 'a', state, memoryBytes: 100 * megabyte, peakBytes: 250 * megabyte, startedMs },
  outdated: false,
});

interface Given {
  availableMb: number;
  sessions?: SessionReading[];
  spares?: SpareReading[];
  maxSessions?: number;
  cores?: number;
  claim?: string;
  peakMb?: number;
}

function decide({
  availableMb,
  sessions = [],
  spares = [],
  maxSessions,
  cores = 2,
  claim,
  peakMb = 250,
}: Given) {
  const limitBytes = 1900 * megabyte;
  const availableBytes = availableMb * megabyte;
  const ask: Ask = { name: '7:a', botId: 'a', peakBytes: peakMb * megabyte, spare: claim ?? null };
  const house: House = {
    ...{ sessions, spares, maxSessions: maxSessions ?? null, cores, nowMs },
    memory: {
      ...{ source: 'cgroup-v1', limitBytes, usedBytes: limitBytes - availableBytes, availableBytes },
      ...{ oomKills: 0, stallPercent: null },
    },
  };
  return decideAdmission(ask, house);
}

/** The reserve of this house: 4 % of 1,900 MB. */
const reserveMb = 76;

const table: Array<[title: string, given: Given, kind: string, which?: string]> = [
  ['plenty of memory: open', { availableMb: 1500, sessions: [busy('1:a')] }, 'open'],
  ['the first one needs only what a fresh session costs', { availableMb: 130 + reserveMb }, 'open'],
  ['not even that: wait', { availableMb: 130 + reserveMb - 1 }, 'wait', 'memory'],
  [
    'its own peak and the growth of those who live just fit',
    { availableMb: 250 + 100 + reserveMb, sessions: [busy('1:a')] },
    'open',
  ],
  [
    'one MB less: wait',
    { availableMb: 250 + 100 + reserveMb - 1, sessions: [busy('1:a')] },
    'wait',
    'memory',
  ],
  [
    'a bot with a higher peak needs more',
    { availableMb: 250 + 100 + reserveMb, sessions: [busy('1:a')], peakMb: 251 },
    'wait',
    'memory',
  ],
  [
    'who has grown beyond the expectation needs no more',
    { availableMb: 250 + reserveMb, sessions: [busy('1:b', { mb: 600 })] },
    'open',
  ],
  [
    'while one of the bot is above what its turns grew to, the next one needs as much',
    { availableMb: 599 + reserveMb, sessions: [busy('1:a', { mb: 600 })] },
    'wait',
    'memory',
  ],
  [
    'one that is closing is on record, and tells nothing more',
    { availableMb: 250 + reserveMb, sessions: [closing('1:a', { mb: 600 })] },
    'open',
  ],
  ['who is closing does not grow', { availableMb: 250 + reserveMb, sessions: [closing('1:a')] }, 'open'],
  [
    'short, somebody idle: the least recently used makes room',
    { availableMb: 300, sessions: [idle('1:a', { idleSinceMs: 50 }), idle('2:a', { idleSinceMs: 10 })] },
    'evict',
    '2:a',
  ],
  ['short, all busy: wait', { availableMb: 300, sessions: [busy('1:a'), busy('2:a')] }, 'wait', 'memory'],
  [
    'short, who is leaving brings enough: wait for it',
    { availableMb: 300, sessions: [closing('1:a'), idle('2:a')] },
    'wait',
    'closing',
  ],
  [
    'short, who is leaving brings too little: another one has to go',
    { availableMb: 300, sessions: [closing('1:a', { mb: 10 }), idle('2:a')] },
    'evict',
    '2:a',
  ],
  [
    'short, a spare goes before the least recently used',
    { availableMb: 300, sessions: [idle('1:a')], spares: [spare('s')] },
    'end-spare',
    's',
  ],
  [
    'as many as allowed, one idle: it makes room',
    { availableMb: 1500, sessions: [idle('1:a')], maxSessions: 1 },
    'evict',
    '1:a',
  ],
  [
    'as many as allowed, all busy: wait',
    { availableMb: 1500, sessions: [busy('1:a')], maxSessions: 1 },
    'wait',
    'max-sessions',
  ],
  [
    'a spare takes a place',
    { availableMb: 1500, sessions: [busy('1:a')], spares: [spare('s')], maxSessions: 2 },
    'end-spare',
    's',
  ],
  [
    'one start per core',
    { availableMb: 1500, sessions: [starting('1:a', { startedMs: nowMs })], cores: 1 },
    'wait',
    'starts',
  ],
  [
    'a start that waits for something else than the processor holds nobody back',
    { availableMb: 1500, sessions: [starting('1:a', { startedMs: nowMs - 5_000 })], cores: 1 },
    'open',
  ],
  [
    'a spare that has just begun still grows: it goes first',
    {
      availableMb: 250 + 149 + reserveMb,
      sessions: [busy('1:b', { mb: 250 })],
      spares: [spare('s', 'parked', nowMs)],
    },
    'end-spare',
    's',
  ],
  [
    'one that was parked long ago does not',
    { availableMb: 250 + reserveMb, sessions: [busy('1:b', { mb: 250 })], spares: [spare('s')] },
    'open',
  ],
  ['a spare of the bot is claimed', { availableMb: 1500, spares: [spare('s')], claim: 's' }, 'claim', 's'],
  [
    'a claim needs only what the spare will grow by',
    { availableMb: 150 + 100 + reserveMb, sessions: [busy('1:a')], spares: [spare('s')], claim: 's' },
    'claim',
    's',
  ],
  [
    'a claim waits for no start',
    {
      availableMb: 1500,
      sessions: [starting('1:a', { startedMs: nowMs })],
      cores: 1,
      spares: [spare('s')],
      claim: 's',
    },
    'claim',
    's',
  ],
  [
    'a claim that does not fit: other spares go first',
    { availableMb: 200, sessions: [busy('1:a')], spares: [spare('s'), spare('o')], claim: 's' },
    'end-spare',
    'o',
  ],
];

for (const [title, given, kind, which] of table) {
  test(`admission: ${title}`, () => {
    const decision = decide(given);
    assert.equal(decision.kind, kind);
    if (which === undefined) return;
    const named = { ...decision } as { victim?: string; spare?: string; reason?: string };
    assert.equal(named.victim ?? named.spare ?? named.reason, which);
  });
}

test('admission: the line that people read has all the numbers', () => {
  const decision = decide({
    availableMb: 238,
    sessions: [idle('12:a', { mb: 131, idleSinceMs: nowMs - 41_000 })],
  });
  assert.equal(
    describeAdmission(decision),
    'evicted 12:a: idle 41 s, 131 MB, to admit 7:a at 1,662 of 1,900 MB',
  );
  assert.match(describeAdmission(decide({ availableMb: 100 })), /^106 MB short at 1,800 of 1,900 MB$/);
});

test('admission: whatever lives, a busy one is never ended, nothing opens beyond a limit, and the reserve is kept', () => {
  const anySession = fc.record({
    name: fc.integer({ min: 1, max: 99 }).map((room) => `${room}:a`),
    state: fc.constantFrom('starting', 'idle', 'busy', 'closing') as fc.Arbitrary<SessionReading['state']>,
    mb: fc.integer({ min: 0, max: 700 }),
    idleSinceMs: fc.integer({ min: 0, max: nowMs }),
  });
  const given = fc.record({
    sessions: fc.uniqueArray(anySession, { selector: ({ name }) => name, maxLength: 12 }),
    spares: fc.uniqueArray(fc.constantFrom('s', 't', 'u'), { maxLength: 3 }),
    states: fc.array(fc.constantFrom('starting', 'parked', 'closing'), {
      minLength: 3,
      maxLength: 3,
    }) as fc.Arbitrary<SpareReading['state'][]>,
    availableMb: fc.integer({ min: 0, max: 1900 }),
    maxSessions: fc.option(fc.integer({ min: 1, max: 10 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(given, ({ sessions: raw, spares: ids, states, availableMb, maxSessions }) => {
      const sessions = raw.map(({ name, state, ...rest }) => session(state)(name, rest));
      const spares = ids.map((id, index) => spare(id, states[index]));
      const claim = spares.find(({ state }) => state === 'parked')?.id;
      const decision = decide({
        availableMb,
        sessions,
        spares,
        ...(maxSessions && { maxSessions }),
        ...(claim && { claim }),
      });
      if (decision.kind === 'evict') {
        assert.equal(sessions.find(({ name }) => name === decision.victim)?.state, 'idle');
        assert.ok(!spares.some(({ id, state }) => id !== claim && state !== 'closing'), 'spares first');
      }
      if (decision.kind === 'end-spare') assert.notEqual(decision.spare, claim);
      if (decision.kind !== 'open' && decision.kind !== 'claim') return;
      const growthMb = sessions.reduce(
        (sum, { state, memoryBytes }) =>
          sum + (state === 'closing' ? 0 : Math.max(0, 250 - memoryBytes / megabyte)),
        0,
      );
      const alone = sessions.length === 0 && spares.length - (claim ? 1 : 0) === 0;
      const needMb = (alone ? freshCostBytes / megabyte : 250) - (claim ? 100 : 0);
      assert.ok(availableMb - growthMb - needMb >= reserveMb, 'room for all and the reserve');
      assert.ok(maxSessions === undefined || sessions.length + spares.length - (claim ? 1 : 0) < maxSessions);
    }),
    { numRuns: 500 },
  );
});

test('a start that failed is tried again at once, then after 1, 5, 30 and 120 s', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 50].map((failures) => startBackoffMs(failures) / 1000),
    [0, 1, 5, 30, 120, 120, 120],
  );
});
