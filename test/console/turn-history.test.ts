import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { History } from '../../src/console/history/history.ts';
import { phasesOf, reasonsOf, tookMs } from '../../src/console/views/why.ts';
import type { LifecycleEvent, SessionName, SessionPath } from '../../src/telemetry/events.ts';

const session: SessionName = '7:helper';
const secret = 'sk-secret';

function tell(...facts: [at: number, event: LifecycleEvent][]): History {
  const history = new History(() => [secret]);
  for (const [at, event] of facts) history.hear(event, at);
  return history;
}

const tokens = { input: 10, output: 5, cacheRead: 100, cacheWrite: 0 };
const started = (turn: string, path: SessionPath, waitedMs: number, attempt = 1): LifecycleEvent => ({
  ...{ type: 'turn.started', session, turn, messageIds: [Number(turn)], attempt, path, waitedMs },
});
const decided = (turn: string, outcome = 'answered', cause: string | null = null): LifecycleEvent => ({
  ...{ type: 'turn.decided', session, turn, outcome, path: 'hot', durationMs: 500, cause },
  ...{ costUsd: 0.02, tokens },
});
const sent = (turn: string): LifecycleEvent => ({
  ...{ type: 'delivery.sent', session, turn, ordinal: 0, campfireId: 1 },
});
const words = (history: History) => {
  const [turn] = history.turns.list();
  assert.ok(turn);
  return reasonsOf(turn).map((reason) => `${reason.words} ${reason.detail ?? ''}`.trim());
};

test('a turn’s time is told by phases, which follow each other without a gap', () => {
  const history = tell(
    [100, { type: 'turn.waiting', session, reason: 'memory', detail: '96 MB short' }],
    [1_000, { type: 'session.opening', session, path: 'resumed', detail: '420 MB to spare' }],
    [1_000, started('1', 'resumed', 1_000)],
    [1_400, { type: 'session.opened', session, path: 'resumed', pid: 5, openMs: 400 }],
    [3_400, { ...decided('1'), path: 'resumed' } as LifecycleEvent],
    [3_500, sent('1')],
  );
  const [turn] = history.turns.list();
  assert.ok(turn);
  assert.deepEqual(phasesOf(turn, 99_999), [
    { name: 'waiting', ms: 1_000 },
    { name: 'opening', ms: 400 },
    { name: 'working', ms: 2_000 },
    { name: 'posting', ms: 100 },
  ]);
  assert.equal(tookMs(turn, 99_999), 3_500);
  assert.deepEqual(words(history), [
    'Resumed: its session had been closed, and was started again with its memory.',
    'Waited for memory. 96 MB short',
    'A session was started for it. 420 MB to spare',
  ]);
});

test('why a session had to be started: what ended the one before, however much was reported of that', () => {
  const cases: [LifecycleEvent[], RegExp][] = [
    [
      [
        { type: 'session.closed', session, reason: 'idle', closeMs: 9, forced: null },
        { type: 'session.expired', session, idleSeconds: 300 },
      ],
      /closed: idle for 5 min\./,
    ],
    [
      [
        { type: 'session.evicted', session, reason: 'memory', detail: 'idle 48 s, to admit 2:clerk' },
        { type: 'session.closed', session, reason: 'evicted', closeMs: 9, forced: null },
      ],
      /closed to make room for another\. idle 48 s, to admit 2:clerk/,
    ],
    [
      [{ type: 'session.closed', session, reason: 'operator', closeMs: 9, forced: null }],
      /closed: by an operator\./,
    ],
  ];
  for (const [ends, expected] of cases) {
    const history = tell(
      ...ends.map((event, index): [number, LifecycleEvent] => [index, event]),
      [10, { type: 'session.opening', session, path: 'resumed', detail: 'x' }],
      [10, started('1', 'resumed', 5)],
    );
    assert.equal(words(history).filter((line) => line.startsWith('Before that')).length, 1);
    assert.match(words(history).join('\n'), expected);
    history.hear(decided('1'), 20);
    history.hear(started('2', 'hot', 1), 30);
    assert.doesNotMatch(
      words(history).join('\n'),
      /Before that/,
      'it was told with the turn that it made slow',
    );
  }
});

test('an agent that died, a Claude that was overloaded, a Campfire that took nothing: all on one record', () => {
  const history = tell(
    [0, started('1', 'hot', 5)],
    [10, { type: 'session.died', session, cause: 'exit code -9', death: 'oom' }],
    [11, { type: 'turn.retried', session, turn: '1', cause: 'exit code -9' }],
    [12, { type: 'session.opening', session, path: 'resumed', detail: 'd' }],
    [12, started('1', 'resumed', 20, 2)],
    [13, { type: 'turn.postponed', session, turn: '1', cause: '529', delayMs: 20_000 }],
    [30, decided('1')],
    [31, { type: 'delivery.retrying', session, turn: '1', problem: 'refused', retryMs: 1_000 }],
  );
  assert.equal(history.turns.list().length, 1);
  const said = words(history).join('\n');
  for (const expected of [/ended unasked \(oom\)/, /Cut off/, /try 2 of 3/, /overloaded: put off for 20 s/])
    assert.match(said, expected);
  assert.equal(said.match(/ended unasked/g)?.length, 1, 'and not twice');
  const [turn] = history.turns.list();
  assert.ok(turn);
  assert.equal(phasesOf(turn, 5_030).at(-1)?.name, 'posting', 'time goes on while Campfire takes nothing');
});

test('what never became a turn stands there with its reason', () => {
  const refused = tell([
    5,
    { type: 'message.refused', session, messageId: 9, reason: 'author-here', count: 11, limit: 10 },
  ]);
  assert.deepEqual(words(refused), ['Refused: 11 messages where 10 are allowed (author-here).']);
  const gaveUp = tell(
    [0, { type: 'turn.waiting', session, reason: 'max-sessions', detail: 'd' }],
    [600_000, { type: 'turn.gave_up_waiting', session, reason: 'max-sessions', waitedMs: 600_000 }],
    [600_001, { ...decided('4', 'failed', 'no session to be had'), path: null } as LifecycleEvent],
  );
  assert.match(words(gaveUp).join('\n'), /Got no session within 10 min \(max-sessions\)/);
  assert.equal(gaveUp.turns.list()[0]?.arrivedAt, 0, 'it waited from its first fact on');
});

test('what a session costs and does is known while it lives', () => {
  const history = tell(
    [0, { type: 'session.opened', session, path: 'opened', pid: 1, openMs: 2 }],
    [1, started('1', 'hot', 1)],
    [2, { type: 'turn.step', session, turn: '1', tool: 'Read' }],
    [3, { type: 'turn.step', session, turn: '1', tool: 'constructor' }],
  );
  assert.equal(history.turns.runningIn(session)?.lastTool, 'constructor');
  assert.deepEqual(
    [...(history.turns.runningIn(session)?.tools ?? [])],
    [
      ['Read', 1],
      ['constructor', 1],
    ],
  );
  for (let attempt = 0; attempt < 2; attempt++)
    history.hear({ type: 'turn.spent', session, turn: '1', bot: 'helper', costUsd: 0.01, tokens }, 4);
  history.hear(decided('1'), 4);
  assert.equal(history.turns.runningIn(session), null);
  const [turn] = history.turns.list();
  assert.deepEqual(turn?.tokens, { input: 20, output: 10, cacheRead: 200, cacheWrite: 0 });
  assert.equal(turn?.costUsd, 0.02);
  assert.equal(history.life(session)?.costUsd, 0.02);
  history.hear({ type: 'session.closed', session, reason: 'idle', closeMs: 1, forced: null }, 5);
  assert.equal(history.life(session), null);
});

test('nothing that is kept holds a secret', () => {
  const history = tell(
    [0, { type: 'part.failed', part: 'x', problem: `POST with ${secret} and 12-AbCdEf123456` }],
    [1, started('1', 'hot', 1)],
    [2, decided('1', 'failed', `the answer was ${secret}`)],
    [3, { type: 'service.degraded', code: 'c', problem: secret, remedy: secret }],
  );
  const all = JSON.stringify([history.events(), history.turns.list(), history.shortfalls()]);
  assert.doesNotMatch(all, /sk-secret|AbCdEf123456/);
  assert.match(all, /\[redacted\]/);
});

test('however much happens, in whatever order, what is kept has a bound', () => {
  const name = fc.integer({ min: 0, max: 3_000 }).map((room): SessionName => `${room}:helper`);
  const event = fc
    .tuple(name, fc.integer({ min: 1, max: 4_000 }), fc.constantFrom(0, 1, 2, 3, 4, 5, 6))
    .map(([who, turn, kind]): LifecycleEvent => {
      const id = { session: who, turn: String(turn) };
      const kinds: LifecycleEvent[] = [
        { ...(started(id.turn, 'hot', 4) as object), session: who } as LifecycleEvent,
        { ...(decided(id.turn) as object), session: who } as LifecycleEvent,
        { type: 'turn.step', ...id, tool: `tool ${turn}` },
        { type: 'turn.waiting', session: who, reason: 'memory', detail: 'd' },
        { type: 'session.closed', session: who, reason: 'idle', closeMs: 1, forced: null },
        { type: 'turn.retried', ...id, cause: 'c' },
        { type: 'message.refused', session: who, messageId: turn, reason: 'r', count: 1, limit: 1 },
      ];
      return kinds[kind] as LifecycleEvent;
    });
  fc.assert(
    fc.property(fc.array(event, { minLength: 1_000, maxLength: 3_000, size: 'max' }), (events) => {
      const history = new History(() => []);
      for (const [at, each] of events.entries()) history.hear(each, at);
      const turns = history.turns.list();
      assert.ok(turns.length <= 500 && history.events().length <= 500);
      assert.equal(new Set(turns.map(({ key }) => key)).size, turns.length, 'keys are unique');
      for (const turn of turns) {
        assert.ok(turn.facts.length <= 16 && turn.tools.size <= 30);
        assert.ok(phasesOf(turn, events.length).every(({ ms }) => ms > 0));
      }
    }),
    { numRuns: 15 },
  );
});
