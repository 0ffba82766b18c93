import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionReading, SpareReading } from '../../src/sessions/policy.ts';
import { decideSweep, describeSweep, type RecentBot, type SweepReading } from '../../src/sessions/sweep.ts';

const megabyte = 1024 * 1024;
const hourMs = 3_600_000;
const nowMs = 10 * hourMs;

const session = (
  name: string,
  state: SessionReading['state'],
  rest: Partial<SessionReading> = {},
): SessionReading => ({
  ...{
    name,
    botId: 'a',
    state,
    memoryBytes: 150 * megabyte,
    peakBytes: 250 * megabyte,
    turns: 1,
    startedMs: nowMs - hourMs,
  },
  ...{ idleSinceMs: nowMs - 10_000, ...rest },
});
const spare = (id: string, rest: Partial<SpareReading> = {}): SpareReading => ({
  ...{ id, botId: 'a', state: 'parked', memoryBytes: 100 * megabyte, startedMs: nowMs - 10_000 },
  ...{ peakBytes: 250 * megabyte, outdated: false, ...rest },
});
const bot = (botId: string, lastTurnMs = nowMs - 5_000, rest: Partial<RecentBot> = {}): RecentBot => ({
  ...{ botId, lastTurnMs, peakBytes: 250 * megabyte, changed: false, notBeforeMs: 0, ...rest },
});

/** What a sweep does at `percent` of 2,000 MB, in the words of `kind name` or `kind spare`. */
function sweep(percent: number, rest: Partial<SweepReading> = {}) {
  const limitBytes = 2000 * megabyte;
  const availableBytes = limitBytes * (1 - percent / 100);
  const reading: SweepReading = {
    ...{
      sessions: [],
      spares: [],
      maxSessions: null,
      cores: 2,
      nowMs,
      level: 'normal',
      recentBots: [],
      waiting: 0,
    },
    memory: {
      ...{ source: 'host', limitBytes, usedBytes: limitBytes - availableBytes, availableBytes },
      ...{ oomKills: null, stallPercent: null },
    },
    limits: { idleTtlMs: 300_000, highPercent: 80, sessionMaxBytes: 700 * megabyte, spares: 0 },
    ...rest,
  };
  const { actions, ...found } = decideSweep(reading);
  const words = actions.map((action) => {
    const reason = 'reason' in action ? ` (${action.reason})` : '';
    return `${action.kind} ${'name' in action ? action.name : 'spare' in action ? action.spare : action.botId}${reason}`;
  });
  return { ...found, words, lines: actions.map((action) => describeSweep(action, reading.memory)) };
}

const limits = (spares: number) => ({
  idleTtlMs: 300_000,
  highPercent: 80,
  sessionMaxBytes: 700 * megabyte,
  spares,
});

test('the level has an edge on the way up, another on the way down, and is said once', () => {
  const path = [79, 80, 79, 75, 74, 80, 94, 95, 94, 100, 60];
  let level: SweepReading['level'] = 'normal';
  const seen = path.map((percent) => {
    const found = sweep(percent, { level });
    level = found.level;
    return `${percent} ${found.level}${found.warn ? '!' : ''}`;
  });
  assert.deepEqual(seen, [
    ...['79 normal', '80 high!', '79 high', '75 high', '74 normal', '80 high!', '94 high', '95 critical!'],
    ...['94 high', '100 critical!', '60 normal'],
  ]);
});

test('high: every spare ends, then idle sessions, least recently used first, until what leaves brings it to 75 %', () => {
  const sessions = [
    session('1:a', 'idle', { idleSinceMs: nowMs - 1_000 }),
    session('2:a', 'busy'),
    session('3:a', 'idle', { idleSinceMs: nowMs - 9_000 }),
    session('4:a', 'idle', { idleSinceMs: nowMs - 5_000 }),
  ];
  // 85 % of 2,000 MB is 200 MB above 75 %.
  assert.deepEqual(sweep(85, { sessions }).words, ['trim 3:a', 'trim 4:a']);
  assert.deepEqual(sweep(85, { sessions, spares: [spare('s')] }).words, ['end-spare s (high)', 'trim 3:a']);
  const [first, ...others] = sessions;
  assert.ok(first);
  const leaving = { ...first, name: '9:a', state: 'closing' as const, memoryBytes: 210 * megabyte };
  assert.deepEqual(sweep(85, { sessions: [first, ...others, leaving] }).words, [], 'who is leaving counts');
  assert.deepEqual(
    sweep(99, { sessions: [session('2:a', 'busy')] }).words,
    [],
    'busy ones are never evicted',
  );
  assert.deepEqual(sweep(79, { sessions }).words, []);
  assert.deepEqual(
    sweep(79, { sessions, level: 'high' }).words,
    ['trim 3:a'],
    'between the edges it goes on when it was high',
  );
  assert.equal(
    sweep(85, { sessions: [session('3:a', 'idle')] }).lines[0],
    'evicted 3:a: idle 10 s, 150 MB, memory is high at 1,700 of 2,000 MB (85 %)',
  );
});

const aged: Array<[title: string, session: SessionReading, word: string | null]> = [
  ['idle, just before its time', session('1:a', 'idle', { idleSinceMs: nowMs - 299_999 }), null],
  ['idle, at its time', session('1:a', 'idle', { idleSinceMs: nowMs - 300_000 }), 'expire 1:a'],
  ['busy, however long', session('1:a', 'busy', { idleSinceMs: 0 }), null],
  ['idle at half of the most', session('1:a', 'idle', { memoryBytes: 350 * megabyte }), null],
  [
    'idle above half of the most',
    session('1:a', 'idle', { memoryBytes: 351 * megabyte }),
    'recycle 1:a (memory)',
  ],
  ['idle after 199 turns', session('1:a', 'idle', { turns: 199 }), null],
  ['idle after 200 turns', session('1:a', 'idle', { turns: 200 }), 'recycle 1:a (turns)'],
  ['idle before 6 hours', session('1:a', 'idle', { startedMs: nowMs - 6 * hourMs + 1 }), null],
  ['idle after 6 hours', session('1:a', 'idle', { startedMs: nowMs - 6 * hourMs }), 'recycle 1:a (age)'],
  [
    'busy above half, old and long used',
    session('1:a', 'busy', { memoryBytes: 700 * megabyte, turns: 999, startedMs: 0 }),
    null,
  ],
  ['busy above the most', session('1:a', 'busy', { memoryBytes: 701 * megabyte }), 'stop 1:a'],
  ['starting', session('1:a', 'starting', { memoryBytes: 701 * megabyte }), null],
  ['closing', session('1:a', 'closing', { memoryBytes: 701 * megabyte, idleSinceMs: 0 }), null],
];
for (const [title, given, word] of aged) {
  test(`sweep: ${title}`, () => assert.deepEqual(sweep(50, { sessions: [given] }).words, word ? [word] : []));
}

const spares: Array<[title: string, percent: number, given: Partial<SweepReading>, words: string[]]> = [
  [
    'started for the bot used last',
    50,
    { limits: limits(1), recentBots: [bot('b'), bot('a')] },
    ['start-spare b'],
  ],
  [
    'not beyond the wanted number',
    50,
    { limits: limits(1), recentBots: [bot('a')], spares: [spare('s')] },
    [],
  ],
  [
    'the next one for a bot that has none',
    50,
    { limits: limits(2), recentBots: [bot('a'), bot('b')], spares: [spare('s')] },
    ['start-spare b'],
  ],
  [
    'all for the only bot',
    50,
    { limits: limits(2), recentBots: [bot('a')], spares: [spare('s')] },
    ['start-spare a'],
  ],
  [
    'none while one comes up',
    50,
    {
      limits: limits(2),
      recentBots: [bot('a')],
      spares: [spare('s', { state: 'starting', startedMs: nowMs })],
    },
    [],
  ],
  ['none while people wait', 50, { limits: limits(1), recentBots: [bot('a')], waiting: 1 }, []],
  [
    'none while a session starts',
    50,
    {
      limits: limits(1),
      recentBots: [bot('a')],
      sessions: [session('1:a', 'starting', { startedMs: nowMs })],
    },
    [],
  ],
  ['none that would make memory high', 69, { limits: limits(1), recentBots: [bot('a')] }, []],
  [
    'none that would not fit beside the growth of others',
    60,
    {
      limits: limits(1),
      recentBots: [bot('a')],
      sessions: [1, 2, 3, 4, 5, 6].map((room) => session(`${room}:b`, 'busy')),
    },
    [],
  ],
  [
    'none beyond MAX_SESSIONS',
    50,
    { limits: limits(1), recentBots: [bot('a')], maxSessions: 1, sessions: [session('1:a', 'idle')] },
    [],
  ],
  [
    'none for a bot that rests after failed starts',
    50,
    { limits: limits(1), recentBots: [bot('a', nowMs, { notBeforeMs: nowMs + 1 })] },
    [],
  ],
  [
    'none for a bot without a turn in SESSION_TTL_SECONDS',
    50,
    { limits: limits(1), recentBots: [bot('a', nowMs - 300_000)] },
    [],
  ],
  [
    'ended then',
    50,
    { limits: limits(1), recentBots: [bot('a', nowMs - 300_000)], spares: [spare('s')] },
    ['end-spare s (unused)'],
  ],
  ['ended with the bot', 50, { limits: limits(1), spares: [spare('s')] }, ['end-spare s (unused)']],
  [
    'ended when the bot’s file changed',
    50,
    {
      limits: limits(1),
      recentBots: [bot('a', nowMs, { changed: true })],
      spares: [spare('s', { outdated: true })],
    },
    ['end-spare s (bot-changed)'],
  ],
];
for (const [title, percent, given, words] of spares) {
  test(`spares: ${title}`, () => assert.deepEqual(sweep(percent, given).words, words));
}
