import { describe } from './words.js';

/**
 * Facts become turns, the lives of sessions, and news of the service. Pure: no page, no time of its own.
 *
 * Invariants:
 * 1. A fact with a turn belongs to that turn; one with a session alone to the session's running turn, or else to the one
 *    that has waited longest, and to the session's life; one with neither is news.
 * 2. A message has one turn. Messages that are answered together share it.
 * 3. Facts of unknown types are kept like all others.
 */

/** Told with every call, for counting alone. */
const counted = new Set(['campfire.called', 'claude.called']);
const turnsMax = 40;
const lifeMax = 6;
const newsMax = 12;
const rowsMax = 60;

export function createTrace() {
  let turns = [];
  let news = [];
  const lives = new Map();

  const ofMessage = (session, messageId) =>
    turns.find((turn) => turn.session === session && turn.messageIds.includes(messageId));
  const ofTurn = (session, id) => turns.find((turn) => turn.session === session && turn.turn === id);
  const isOpen = (turn, session) => turn.session === session && turn.outcome === null;
  /** The one that runs, or else the one that has waited longest. */
  const open = (session) =>
    turns.find((turn) => isOpen(turn, session) && turn.turn) ??
    turns.findLast((turn) => isOpen(turn, session));

  const begin = (session, messageId, at) => {
    const turn = {
      key: `${session} ${messageId} ${at}`,
      ...{ session, turn: null, messageIds: [messageId], state: 'accepted', path: null, outcome: null },
      ...{ tookMs: null, startedAt: at, rows: [], marks: { accepted: at } },
    };
    turns = [turn, ...turns].slice(0, turnsMax);
    return turn;
  };

  /** The turn that a fact belongs to; begun here when its beginning was not seen. */
  const placeOf = (fact) => {
    const { type, session, turn: id, messageId, messageIds, at } = fact;
    if (!session) return null;
    if (type === 'message.accepted') return ofMessage(session, messageId) ?? begin(session, messageId, at);
    if (messageIds) {
      const [turn = begin(session, messageIds[0], at), ...others] = messageIds
        .map((each) => ofMessage(session, each))
        .filter(Boolean);
      turns = turns.filter((each) => !others.includes(each) || each === turn);
      turn.messageIds = [...messageIds];
      turn.turn = id ?? turn.turn;
      return turn;
    }
    if (messageId !== undefined && messageId !== null) return ofMessage(session, messageId) ?? null;
    if (id !== undefined) return ofTurn(session, id) ?? null;
    return open(session) ?? null;
  };

  return {
    add(fact) {
      if (counted.has(fact.type)) return null;
      const turn = placeOf(fact);
      if (turn) advance(turn, fact);
      if (fact.type.startsWith('session.')) liveOn(lives, fact);
      else if (!turn && !fact.session)
        news = [{ fact, ...describe(fact), at: fact.at }, ...news].slice(0, newsMax);
      if (fact.type === 'turn.decided') lifeOf(lives, fact.session).turns += 1;
      return turn;
    },
    /** Newest first. */
    turns: () => turns,
    turnOf: (messageId) => turns.find((turn) => turn.messageIds.includes(messageId)),
    /** What has happened to each session: `{ turns, isLive, events: newest first }`, by name. */
    lives: () => lives,
    news: () => news,
  };
}

function advance(turn, fact) {
  const { type, at } = fact;
  const { text, detail, ms, tone } = describe(fact);
  const last = turn.rows.at(-1);
  if (last && last.type === type && last.text === text && last.detail === detail) {
    Object.assign(last, { times: last.times + 1, at, ms });
  } else if (turn.rows.length < rowsMax) {
    turn.rows.push({ type, text, detail, ms, tone, at, times: 1 });
  }
  turn.endedAt = at;
  if (type === 'turn.waiting' && turn.state === 'accepted') turn.state = 'waiting';
  if (type === 'turn.started') {
    Object.assign(turn, { state: 'running', path: fact.path });
    turn.marks.started ??= at;
  }
  if (type === 'session.opened') turn.marks.opened = at;
  if (type === 'turn.decided') {
    Object.assign(turn, { state: 'decided', outcome: fact.outcome, path: fact.path ?? turn.path });
    turn.marks.decided = at;
    turn.tookMs = at - turn.startedAt;
  }
  if (type === 'delivery.sent' && turn.outcome !== null) {
    turn.state = 'posted';
    turn.marks.posted ??= at;
    turn.tookMs = turn.marks.posted - turn.startedAt;
  }
}

function lifeOf(lives, session) {
  const life = lives.get(session) ?? { turns: 0, isLive: false, since: null, events: [] };
  lives.set(session, life);
  return life;
}

function liveOn(lives, fact) {
  const life = lifeOf(lives, fact.session);
  life.events = [{ ...describe(fact), type: fact.type, path: fact.path, at: fact.at }, ...life.events].slice(
    0,
    lifeMax,
  );
  if (fact.type === 'session.opened') Object.assign(life, { isLive: true, since: fact.at });
  if (fact.type === 'session.closed') Object.assign(life, { isLive: false, since: fact.at });
}

/**
 * How a turn's time was spent, for a bar: parts of 1 with their names, in order. What took less than a hundredth is
 * left out.
 */
export function spansOf({ marks, startedAt, endedAt, state, path }, now) {
  const end = state === 'posted' || state === 'decided' ? Math.max(endedAt, startedAt) : now;
  const whole = Math.max(1, end - startedAt);
  const points = [
    ['waiting', marks.started],
    [
      'opening',
      marks.opened !== undefined && marks.opened >= (marks.started ?? 0) ? marks.opened : undefined,
    ],
    ['working', marks.decided],
    ['posting', marks.posted],
  ];
  const spans = [];
  let from = startedAt;
  for (const [name, at] of points) {
    if (at === undefined || at < from) continue;
    spans.push({ name, part: (at - from) / whole, ms: at - from });
    from = at;
  }
  if (end > from) {
    const name = phaseOf(marks, path);
    spans.push({ name, part: (end - from) / whole, ms: end - from });
  }
  return spans.filter(({ part }) => part > 0.01);
}

/** What a turn is at: the last mark tells. */
function phaseOf(marks, path) {
  if (marks.decided) return 'posting';
  if (!marks.started) return 'waiting';
  return marks.opened || path === 'hot' || path === 'claimed' ? 'working' : 'opening';
}
