import type { LifecycleEvent, SessionName, SessionPath, TokenCounts } from '../../telemetry/events.ts';

/** One lifecycle fact with the time at which it was heard, epoch ms. */
export interface Fact {
  at: number;
  event: LifecycleEvent;
}

/** A turn as far as it has come, or a message that was refused one. */
export interface TurnRecord {
  /** Unique among records; also that of the row that shows it. */
  key: string;
  /** The mailbox's number of the turn; null for a refused message. */
  turn: string | null;
  /** Where it ran; absent while there is one machine. */
  machine?: string;
  session: SessionName;
  messageIds: (number | null)[];
  /** Epoch ms, as the four below: of the oldest message. */
  arrivedAt: number;
  startedAt: number | null;
  /** When the session that was started for it worked; null when none was, or not yet. */
  openedAt: number | null;
  decidedAt: number | null;
  /** When the first message of the outcome was in the room. */
  sentAt: number | null;
  attempt: number;
  path: SessionPath | null;
  /** Null while it runs; `refused` when too much was coming. */
  outcome: string | null;
  /** For the operator. */
  cause: string | null;
  costUsd: number | null;
  tokens: TokenCounts | null;
  /** How often each tool was used. */
  tools: Map<string, number>;
  lastTool: string | null;
  /** What happened on the way, oldest first: why it was slow, cold or refused. */
  facts: Fact[];
}

type Ended = Extract<LifecycleEvent, { type: 'turn.decided' }>;
type Begun = Extract<LifecycleEvent, { type: 'turn.started' }>;

const turnsMax = 500;
/** A turn that is tried for hours keeps its beginning and what came last. */
const factsMax = 16;
const toolsMax = 30;
/** Conversations whose last end, or whose waiting, is remembered. */
const conversationsMax = 500;

/** What ends a session, or keeps a conversation from having one. */
const endings: ReadonlySet<string> = new Set([
  ...['session.expired', 'session.evicted', 'session.recycled', 'session.died', 'session.closed'],
]);
/** What belongs to the turn that a conversation waits for or runs. */
const ofSession: ReadonlySet<string> = new Set([
  ...['turn.waiting', 'turn.gave_up_waiting', 'session.opening', 'session.opened', 'session.stale'],
  ...['session.died', 'session.stopped_for_memory', 'spare.refused', 'message.waiting'],
]);
const ofTurn: ReadonlySet<string> = new Set([
  ...[
    'turn.retried',
    'turn.postponed',
    'turn.recovered',
    'turn.files',
    'download.shared',
    'download.refused',
  ],
  ...['delivery.retrying', 'delivery.gave_up', 'delivery.in_doubt', 'delivery.refused'],
]);

/**
 * The turns of the last hours, put together from lifecycle facts.
 *
 * Invariants:
 * 1. A fact with a turn belongs to that turn; one with a session alone to the session's running turn, or else to the
 *    one that it will have next.
 * 2. Everything kept has a bound: turns, facts of a turn, conversations.
 */
export class TurnHistory {
  /** Oldest first. */
  readonly #turns: TurnRecord[] = [];
  readonly #byTurn = new Map<string, TurnRecord>();
  readonly #running = new Map<SessionName, TurnRecord>();
  /** What the next turn of a conversation inherits. */
  readonly #ahead = new Map<SessionName, Fact[]>();
  readonly #lastEnd = new Map<SessionName, Fact>();
  #refused = 0;

  /** Newest first. */
  list(): TurnRecord[] {
    return this.#turns.toReversed();
  }

  runningIn(session: SessionName): TurnRecord | null {
    return this.#running.get(session) ?? null;
  }

  hear(fact: Fact): void {
    const { event } = fact;
    if (event.type === 'turn.started') this.#begin(event, fact.at);
    else if (event.type === 'turn.decided') this.#decide(event, fact.at);
    else if (event.type === 'turn.step') this.#step(event.session, event.tool);
    else if (event.type === 'turn.spent') this.#spend(event);
    else if (event.type === 'message.refused') this.#refuse(event, fact);
    else if (event.type === 'delivery.sent') {
      const turn = this.#byTurn.get(event.turn);
      if (turn?.decidedAt) turn.sentAt ??= fact.at;
    } else if (ofTurn.has(event.type) && 'turn' in event) note(this.#byTurn.get(event.turn), fact);
    else if (ofSession.has(event.type) && 'session' in event) this.#noteInSession(event.session, fact);
    if (endings.has(event.type) && 'session' in event) this.#end(event.session, fact);
  }

  #noteInSession(session: SessionName, fact: Fact): void {
    const running = this.#running.get(session);
    if (fact.event.type === 'session.opened') {
      if (running) running.openedAt ??= fact.at;
      return;
    }
    const facts = running?.facts ?? this.#ahead.get(session) ?? [];
    const before = this.#lastEnd.get(session);
    if (fact.event.type === 'session.opening' && before) {
      if (!facts.includes(before)) push(facts, before);
      this.#lastEnd.delete(session);
    }
    push(facts, fact);
    if (!running) remember(this.#ahead, session, facts);
  }

  #begin({ turn, session, messageIds, attempt, path, waitedMs }: Begun, at: number): void {
    const known = this.#byTurn.get(turn);
    const record = known ?? this.#add({ ...blank(`t${turn}`, session), turn, arrivedAt: at - waitedMs });
    Object.assign(record, { messageIds, attempt, path, startedAt: record.startedAt ?? at });
    for (const fact of this.#ahead.get(session) ?? []) push(record.facts, fact);
    this.#ahead.delete(session);
    this.#running.set(session, record);
  }

  #decide({ turn, session, outcome, path, durationMs, cause }: Ended, at: number): void {
    const known = this.#byTurn.get(turn);
    const arrivedAt = at - durationMs;
    const record = known ?? this.#add({ ...blank(`t${turn}`, session), turn, arrivedAt });
    for (const fact of this.#ahead.get(session) ?? []) push(record.facts, fact);
    if (!known && record.facts[0]) record.arrivedAt = Math.min(arrivedAt, record.facts[0].at);
    this.#ahead.delete(session);
    Object.assign(record, { outcome, cause, decidedAt: at, path: path ?? record.path });
    if (this.#running.get(session) === record) this.#running.delete(session);
  }

  #step(session: SessionName, tool: string): void {
    const record = this.#running.get(session);
    if (!record) return;
    record.lastTool = tool;
    if (record.tools.has(tool) || record.tools.size < toolsMax)
      record.tools.set(tool, (record.tools.get(tool) ?? 0) + 1);
  }

  /** Attempts add up; the outcome tells of the last one alone. */
  #spend({ turn, costUsd, tokens }: Extract<LifecycleEvent, { type: 'turn.spent' }>): void {
    const record = this.#byTurn.get(turn);
    if (!record) return;
    const before = record.tokens ?? { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
    record.costUsd = (record.costUsd ?? 0) + costUsd;
    record.tokens = {
      ...{ input: before.input + tokens.input, output: before.output + tokens.output },
      ...{
        cacheRead: before.cacheRead + tokens.cacheRead,
        cacheWrite: before.cacheWrite + tokens.cacheWrite,
      },
    };
  }

  #refuse(event: Extract<LifecycleEvent, { type: 'message.refused' }>, fact: Fact): void {
    const record = this.#add({ ...blank(`r${++this.#refused}`, event.session), arrivedAt: fact.at });
    Object.assign(record, { outcome: 'refused', decidedAt: fact.at, messageIds: [event.messageId] });
    push(record.facts, fact);
  }

  /** What is evicted, say, is closed, too: that is no reason of its own. */
  #end(session: SessionName, fact: Fact): void {
    if (fact.event.type === 'session.closed' && this.#lastEnd.has(session)) return;
    remember(this.#lastEnd, session, fact);
  }

  #add(record: TurnRecord): TurnRecord {
    this.#turns.push(record);
    if (record.turn !== null) this.#byTurn.set(record.turn, record);
    if (this.#turns.length > turnsMax) {
      const [oldest] = this.#turns.splice(0, 1);
      if (oldest?.turn) this.#byTurn.delete(oldest.turn);
      if (oldest && this.#running.get(oldest.session) === oldest) this.#running.delete(oldest.session);
    }
    return record;
  }
}

function blank(key: string, session: SessionName): TurnRecord {
  return {
    ...{ key, turn: null, session, messageIds: [], arrivedAt: 0, startedAt: null, openedAt: null },
    ...{ decidedAt: null, sentAt: null, attempt: 1, path: null, outcome: null, cause: null },
    ...{ costUsd: null, tokens: null, tools: new Map(), lastTool: null, facts: [] },
  };
}

function note(record: TurnRecord | undefined, fact: Fact): void {
  if (record) push(record.facts, fact);
}

function push(facts: Fact[], fact: Fact): void {
  facts.push(fact);
  if (facts.length > factsMax) facts.splice(factsMax / 2, 1);
}

/** The ones heard of last stay. */
function remember<V>(map: Map<SessionName, V>, session: SessionName, value: V): void {
  map.delete(session);
  map.set(session, value);
  if (map.size <= conversationsMax) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    break;
  }
}
