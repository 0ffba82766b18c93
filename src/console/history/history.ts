import type { LifecycleEvent, SessionName } from '../../telemetry/events.ts';
import { redact } from '../../telemetry/log.ts';
import { SampleRing } from './samples.ts';
import { type Fact, TurnHistory } from './turns.ts';

/**
 * What the console remembers, in memory and for some hours: it is a window, not a record. Fed by lifecycle facts and
 * samples alone; knows neither HTTP nor the parts that it hears of.
 */

/** When memory was made or lost; drawn into the chart of memory. */
export interface Mark {
  /** Epoch ms. */
  at: number;
  kind: 'evicted' | 'recycled' | 'killed';
}

/** A live session beyond what the pool knows of it. */
export interface SessionLife {
  costUsd: number;
}

/** Something that was less than it could be when the service started; stays until the next start. */
export interface Shortfall {
  problem: string;
  remedy: string;
}

/** Numbered, so that a reader can tell which ones it has. */
export interface NumberedFact extends Fact {
  n: number;
}

const eventsMax = 500;
const marksMax = 300;
const shortfallsMax = 50;

/** What is counted by /metrics alone. */
const counted: ReadonlySet<string> = new Set(['campfire.called', 'claude.called', 'message.accepted']);

/** What stands with its turn, or is much; as rows of their own they would bury the rest. */
const notListed: ReadonlySet<string> = new Set([
  ...['turn.step', 'turn.started', 'turn.spent', 'turn.decided', 'turn.files'],
  ...['delivery.sent', 'download.served', 'session.opening'],
]);

export class History {
  readonly samples = new SampleRing();
  readonly turns = new TurnHistory();
  readonly #secrets: () => Iterable<string>;
  readonly #events: NumberedFact[] = [];
  readonly #marks: Mark[] = [];
  readonly #lives = new Map<SessionName, SessionLife>();
  readonly #shortfalls = new Map<string, Shortfall>();
  #heard = 0;

  /** `secrets`: strings that are removed from whatever is kept. */
  constructor(secrets: () => Iterable<string>) {
    this.#secrets = secrets;
  }

  hear(told: LifecycleEvent, at: number): void {
    if (counted.has(told.type)) return;
    const event = JSON.parse(redact(JSON.stringify(told), this.#secrets())) as LifecycleEvent;
    this.turns.hear({ at, event });
    this.#live(event);
    this.#mark(event, at);
    if (event.type === 'service.degraded') {
      const { code, problem, remedy } = event;
      if (this.#shortfalls.size < shortfallsMax)
        this.#shortfalls.set(`${code} ${problem}`, { problem, remedy });
    }
    if (!notListed.has(event.type)) keep(this.#events, { n: ++this.#heard, at, event }, eventsMax);
  }

  /** Newest first. */
  events(): NumberedFact[] {
    return this.#events.toReversed();
  }

  /** Oldest first. */
  marks(): readonly Mark[] {
    return this.#marks;
  }

  shortfalls(): Shortfall[] {
    return [...this.#shortfalls.values()];
  }

  life(session: SessionName): SessionLife | null {
    return this.#lives.get(session) ?? null;
  }

  #live(event: LifecycleEvent): void {
    if (event.type === 'session.closed') this.#lives.delete(event.session);
    if (event.type === 'session.opened' && !this.#lives.has(event.session))
      this.#lives.set(event.session, { costUsd: 0 });
    if (event.type !== 'turn.spent') return;
    const life = this.#lives.get(event.session);
    if (life) life.costUsd += event.costUsd;
  }

  #mark(event: LifecycleEvent, at: number): void {
    if (event.type === 'session.evicted') keep(this.#marks, { at, kind: 'evicted' }, marksMax);
    if (event.type === 'session.recycled' || event.type === 'session.stopped_for_memory')
      keep(this.#marks, { at, kind: 'recycled' }, marksMax);
    if (event.type === 'session.died' && event.death === 'oom')
      keep(this.#marks, { at, kind: 'killed' }, marksMax);
  }
}

function keep<T>(list: T[], item: T, max: number): void {
  list.push(item);
  if (list.length > max) list.splice(0, list.length - max);
}
