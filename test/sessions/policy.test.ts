import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type AdmissionReading,
  decideAdmission,
  expectedPeakBytes,
  expiredSessions,
  freshCostBytes,
  type SessionReading,
} from '../../src/sessions/policy.ts';

const megabyte = 1024 * 1024;
const idle = (name: string, idleSinceMs: number, memoryMb = 150): SessionReading => ({
  ...{ name, state: 'idle', idleSinceMs, memoryBytes: memoryMb * megabyte },
});
const busy = (name: string): SessionReading => ({
  name,
  state: 'busy',
  idleSinceMs: 0,
  memoryBytes: 150 * megabyte,
});

function reading(
  sessions: SessionReading[],
  availableMb: number,
  rest: Partial<AdmissionReading> = {},
): AdmissionReading {
  const memory = { availableBytes: availableMb * megabyte, limitBytes: 1900 * megabyte };
  return { sessions, memory, maxSessions: null, cores: 2, ...rest };
}

const table: Array<[title: string, reading: AdmissionReading, kind: string, detail?: string]> = [
  ['plenty of memory: open', reading([busy('1:a')], 1500), 'open'],
  [
    'the first one needs only what a fresh session costs',
    reading([], freshCostBytes / megabyte + 80),
    'open',
  ],
  ['not even that: wait', reading([], 100), 'wait', 'memory'],
  [
    'short, somebody idle: the least recently used makes room',
    reading([idle('1:a', 50), idle('2:a', 10)], 300),
    'evict',
    '2:a',
  ],
  ['short, all busy: wait', reading([busy('1:a'), busy('2:a')], 300), 'wait', 'memory'],
  [
    'short, one is closing already: wait for it',
    reading([{ ...busy('1:a'), state: 'closing' }, idle('2:a', 1)], 300),
    'wait',
    'closing',
  ],
  [
    'as many as allowed, one idle: it makes room',
    reading([idle('1:a', 1)], 1500, { maxSessions: 1 }),
    'evict',
    '1:a',
  ],
  [
    'as many as allowed, all busy: wait',
    reading([busy('1:a')], 1500, { maxSessions: 1 }),
    'wait',
    'max-sessions',
  ],
  [
    'one start per core',
    reading([{ ...busy('1:a'), state: 'starting' }], 1500, { cores: 1 }),
    'wait',
    'starts',
  ],
  [
    'room for growth is kept',
    reading([idle('1:a', 1, 10)], expectedPeakBytes / megabyte + 150),
    'evict',
    '1:a',
  ],
];

for (const [title, given, kind, detail] of table) {
  test(`admission: ${title}`, () => {
    const decision = decideAdmission(given);
    assert.equal(decision.kind, kind);
    if (detail)
      assert.equal('victim' in decision ? decision.victim : 'reason' in decision && decision.reason, detail);
  });
}

test('admission: a busy session is never evicted, and nothing opens beyond a limit', () => {
  const session = fc.record({
    name: fc.integer({ min: 1, max: 99 }).map((room) => `${room}:a`),
    state: fc.constantFrom('starting', 'idle', 'busy', 'closing') as fc.Arbitrary<SessionReading['state']>,
    memoryBytes: fc.integer({ min: 0, max: 700 * megabyte }),
    idleSinceMs: fc.integer({ min: 0, max: 1_000_000 }),
  });
  const given = fc.record({
    sessions: fc.uniqueArray(session, { selector: ({ name }) => name, maxLength: 12 }),
    availableMb: fc.integer({ min: 0, max: 4000 }),
    maxSessions: fc.option(fc.integer({ min: 1, max: 10 })),
  });
  fc.assert(
    fc.property(given, ({ sessions, availableMb, maxSessions }) => {
      const decision = decideAdmission(reading(sessions, availableMb, { maxSessions }));
      if (decision.kind === 'evict') {
        assert.equal(sessions.find(({ name }) => name === decision.victim)?.state, 'idle');
      }
      if (decision.kind === 'open') {
        assert.ok(decision.spareBytes >= 0);
        assert.ok(maxSessions === null || sessions.length < maxSessions);
      }
    }),
  );
});

test('expiry: only idle ones, exactly at their time', () => {
  const sessions = [idle('1:a', 0), idle('2:a', 1), busy('3:a')];
  assert.deepEqual(expiredSessions(sessions, 300, 300), ['1:a']);
  assert.deepEqual(expiredSessions(sessions, 300, 299), []);
});
