import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { pathToFileURL } from 'node:url';

/** What the page makes of lifecycle facts, those that it has never heard of included. */

interface Fact extends Record<string, unknown> {
  type: string;
  at: number;
}
interface Row {
  type: string;
  text: string;
  detail: string;
  ms: number | null;
  tone: string;
  times: number;
}
interface Turn {
  session: string;
  messageIds: number[];
  state: string;
  path: string | null;
  outcome: string | null;
  tookMs: number | null;
  rows: Row[];
}
interface Trace {
  add(fact: Fact): Turn | null;
  turns(): Turn[];
  turnOf(messageId: number): Turn | undefined;
  lives(): Map<string, { turns: number; isLive: boolean; events: { type: string; text: string }[] }>;
  news(): { text: string; detail: string }[];
}
interface Span {
  name: string;
  part: number;
  ms: number;
}

const script = (name: string) =>
  pathToFileURL(join(import.meta.dirname, '../../src/playground/chat/script', name)).href;
let createTrace: () => Trace;
let spansOf: (turn: Turn, now: number) => Span[];
let describe: (fact: Fact) => Omit<Row, 'type' | 'times'>;

before(async () => {
  ({ createTrace, spansOf } = (await import(script('trace.js'))) as {
    createTrace: typeof createTrace;
    spansOf: typeof spansOf;
  });
  ({ describe } = (await import(script('words.js'))) as { describe: typeof describe });
});

const session = '1:assistant';

/** A turn's usual way, beginning at 1000 ms. */
function wayOf(messageId: number, turn: string, path = 'opened', from = 1000): Fact[] {
  return [
    { type: 'message.accepted', session, messageId, ackMs: 2, at: from },
    { type: 'session.opening', session, path, detail: '900 MB to spare', at: from + 50 },
    {
      type: 'turn.started',
      session,
      turn,
      messageIds: [messageId],
      attempt: 1,
      path,
      waitedMs: 50,
      at: from + 100,
    },
    { type: 'session.opened', session, path, pid: 7, openMs: 400, at: from + 500 },
    { type: 'turn.step', session, turn, tool: 'mcp__campfire__save_file', at: from + 600 },
    {
      type: 'turn.decided',
      session,
      turn,
      outcome: 'answered',
      path,
      durationMs: 800,
      costUsd: 0,
      cause: null,
      at: from + 900,
    },
    { type: 'delivery.sent', session, turn, ordinal: 0, campfireId: 12, at: from + 1000 },
  ];
}

test('a message’s way becomes one turn, in order, with its times', () => {
  const trace = createTrace();
  for (const fact of wayOf(5, 't1')) trace.add(fact);
  const [turn, ...others] = trace.turns();
  assert.ok(turn);
  assert.equal(others.length, 0);
  assert.deepEqual(
    [turn.state, turn.outcome, turn.path, turn.tookMs],
    ['posted', 'answered', 'opened', 1000],
  );
  assert.deepEqual(
    turn.rows.map(({ text }) => text),
    [
      'Accepted: it is on disk',
      'Starts claude',
      'A new session opens',
      'claude is up',
      'save_file',
      'Answered',
      'Posted to Campfire',
    ],
  );
  const spans = spansOf(turn, 9_999);
  assert.deepEqual(
    spans.map(({ name, ms }) => [name, ms]),
    [
      ['waiting', 100],
      ['opening', 400],
      ['working', 400],
      ['posting', 100],
    ],
  );
  assert.ok(Math.abs(spans.reduce((sum, { part }) => sum + part, 0) - 1) < 0.001);
});

test('a turn that is not over shows what it is at', () => {
  const phases = wayOf(5, 't1').map((_, count) => {
    const trace = createTrace();
    for (const fact of wayOf(5, 't1').slice(0, count + 1)) trace.add(fact);
    const [turn] = trace.turns();
    assert.ok(turn);
    return spansOf(turn, 5_000).at(-1)?.name;
  });
  assert.deepEqual(phases, ['waiting', 'waiting', 'opening', 'working', 'working', 'working', 'posting']);
});

test('a fact that nobody has described is told by its name and fields, in its turn', () => {
  const trace = createTrace();
  for (const fact of wayOf(5, 't1').slice(0, 4)) trace.add(fact);
  trace.add({
    type: 'progress.shown_to_room',
    session,
    turn: 't1',
    editNumber: 3,
    tookMs: 12,
    note: null,
    at: 2000,
  });
  const row = trace.turns()[0]?.rows.at(-1);
  assert.deepEqual([row?.text, row?.detail, row?.ms], ['Progress: shown to room', 'edit number 3', 12]);
  trace.add({ type: 'control.heard', session, word: 'stop', messageId: 5, at: 2100 });
  assert.equal(trace.turns()[0]?.rows.at(-1)?.text, 'Control: heard');
  trace.add({ type: 'disk.nearly_full', freeMb: 60, at: 2200 });
  assert.deepEqual(trace.news()[0]?.detail, 'free mb 60');
  assert.equal(trace.news()[0]?.text, 'Disk: nearly full');
});

test('tones of unknown facts follow their names', () => {
  const tone = (type: string) => describe({ type, at: 0 }).tone;
  assert.deepEqual(['backup.failed', 'spare.waiting', 'spare.claimed', 'slot.measured'].map(tone), [
    'bad',
    'wait',
    'good',
    '',
  ]);
  assert.equal(
    describe({ type: 'turn.started', path: 'claimed', attempt: 1, at: 0 }).text,
    'A spare process is claimed',
  );
  assert.equal(
    describe({ type: 'turn.started', path: 'teleported', attempt: 1, at: 0 }).text,
    'Session: teleported',
  );
});

test('the same fact again and again is one row with a count', () => {
  const trace = createTrace();
  for (const fact of wayOf(5, 't1').slice(0, 3)) trace.add(fact);
  for (let n = 0; n < 50; n++) trace.add({ type: 'progress.edited', session, turn: 't1', at: 2000 + n });
  const row = trace.turns()[0]?.rows.at(-1);
  assert.deepEqual([row?.text, row?.times], ['Progress: edited', 50]);
});

test('messages that are answered together share one turn', () => {
  const trace = createTrace();
  trace.add({ type: 'message.accepted', session, messageId: 5, ackMs: 1, at: 1 });
  trace.add({ type: 'message.accepted', session, messageId: 6, ackMs: 1, at: 2 });
  trace.add({
    type: 'turn.started',
    session,
    turn: 't1',
    messageIds: [5, 6],
    attempt: 1,
    path: 'hot',
    waitedMs: 0,
    at: 3,
  });
  assert.equal(trace.turns().length, 1);
  assert.equal(trace.turnOf(5), trace.turnOf(6));
  assert.equal(trace.turnOf(5)?.state, 'running');
});

test('a second message waits while the first runs, and each row goes to its own', () => {
  const trace = createTrace();
  for (const fact of wayOf(5, 't1').slice(0, 4)) trace.add(fact);
  trace.add({ type: 'message.accepted', session, messageId: 6, ackMs: 1, at: 1600 });
  trace.add({ type: 'turn.step', session, turn: 't1', tool: 'Read', at: 1700 });
  assert.equal(trace.turnOf(6)?.state, 'accepted');
  assert.equal(trace.turnOf(5)?.rows.at(-1)?.text, 'Read');
});

test('a message that has to wait says why', () => {
  const trace = createTrace();
  trace.add({ type: 'message.accepted', session, messageId: 6, ackMs: 1, at: 1600 });
  trace.add({ type: 'turn.waiting', session, reason: 'memory', detail: '12 MB to spare', at: 1601 });
  const turn = trace.turnOf(6);
  assert.deepEqual([turn?.state, turn?.rows.at(-1)?.text], ['waiting', 'Waits: memory']);
});

test('a crash: the turn goes on in a second attempt', () => {
  const trace = createTrace();
  for (const fact of wayOf(5, 't1').slice(0, 4)) trace.add(fact);
  trace.add({ type: 'session.died', session, cause: 'SIGKILL', at: 1700 });
  trace.add({ type: 'turn.retried', session, turn: 't1', cause: 'SIGKILL', at: 1701 });
  trace.add({ type: 'session.closed', session, reason: 'died', closeMs: 9, forced: null, at: 1702 });
  trace.add({
    type: 'turn.started',
    session,
    turn: 't1',
    messageIds: [5],
    attempt: 2,
    path: 'resumed',
    waitedMs: 900,
    at: 1800,
  });
  const turn = trace.turnOf(5);
  assert.equal(trace.turns().length, 1);
  assert.deepEqual([turn?.state, turn?.path], ['running', 'resumed']);
  assert.equal(turn?.rows.at(-1)?.detail, 'try 2');
});

test('a session’s life: it opens, sleeps and comes back, and its turns are counted', () => {
  const trace = createTrace();
  for (const fact of wayOf(5, 't1')) trace.add(fact);
  assert.equal(trace.lives().get(session)?.isLive, true);
  trace.add({ type: 'session.closed', session, reason: 'idle', closeMs: 9, forced: null, at: 40_000 });
  trace.add({ type: 'session.expired', session, idleSeconds: 30, at: 40_001 });
  const life = trace.lives().get(session);
  assert.deepEqual([life?.isLive, life?.turns], [false, 1]);
  assert.equal(
    trace.turnOf(5)?.rows.at(-1)?.text,
    'Posted to Campfire',
    'what comes later is not the turn’s',
  );
  for (const fact of wayOf(6, 't2', 'resumed', 50_000)) trace.add(fact);
  assert.deepEqual([life?.isLive, life?.turns], [true, 2]);
});

test('what is kept stays bounded', () => {
  const trace = createTrace();
  for (let id = 1; id <= 100; id++)
    trace.add({ type: 'message.accepted', session, messageId: id, ackMs: 1, at: id });
  for (let n = 0; n < 100; n++) trace.add({ type: 'bots.loaded', bots: [`b${n}`], at: n });
  for (let n = 0; n < 500; n++) trace.add({ type: `odd.fact_${n}`, session, messageId: 100, at: n });
  assert.deepEqual([trace.turns().length, trace.news().length], [40, 12]);
  assert.equal(trace.turnOf(100)?.rows.length, 60);
});
