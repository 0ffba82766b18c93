import type { Clock } from '../lib/clock.ts';
import type { Emit, SessionName } from '../telemetry/events.ts';
import type { SessionBot } from './parts.ts';
import { roomPatienceMs } from './policy.ts';
import type { Conversation, Recall } from './resume.ts';

/**
 * Who waits for a session, in the order in which they are served.
 *
 * Invariants:
 * 1. Whoever began to wait first is first. A conversation's wait begins when its oldest message arrived, but not before
 *    its last turn ended: with fifty messages waiting in one conversation, another one's single message is the next.
 * 2. A waiter leaves once: granted or turned away.
 */

/** A conversation that rested this long competes with messages that are all younger than its last turn. */
const rememberMs = 600_000;

export interface Waiter<L> {
  readonly name: SessionName;
  readonly conversation: Conversation;
  readonly bot: SessionBot;
  readonly recall: Recall;
  /** Epoch ms at which its wait began. */
  readonly sinceMs: number;
  /** Monotonic ms at which it asked. */
  readonly askedMs: number;
  readonly granted: PromiseWithResolvers<L>;
  /** What it was last told, so that each reason is reported once. */
  toldReason: string | null;
}

/** Who asks, and with which memory. */
export interface Asking extends Pick<Waiter<unknown>, 'name' | 'conversation' | 'bot' | 'recall'> {
  /** Epoch ms of the conversation's oldest message. */
  arrivedAt: number;
}

/** A conversation that waits for a session. */
export interface WaitingSnapshot {
  id: SessionName;
  /** Epoch ms. */
  sinceMs: number;
  reason: string;
}

export class Waiters<L> {
  readonly #clock: Clock;
  readonly #emit: Emit;
  readonly #servedAt = new Map<SessionName, number>();
  #line: Waiter<L>[] = [];

  constructor({ clock, emit }: { clock: Clock; emit: Emit }) {
    this.#clock = clock;
    this.#emit = emit;
  }

  join({ name, arrivedAt, ...who }: Asking): Waiter<L> {
    const sinceMs = Math.max(arrivedAt, this.#servedAt.get(name) ?? 0);
    const granted = Promise.withResolvers<L>();
    const waiter: Waiter<L> = {
      ...{ name, ...who, sinceMs, granted },
      ...{ askedMs: this.#clock.monotonicMs(), toldReason: null },
    };
    const place = this.#line.findIndex((other) => other.sinceMs > sinceMs);
    this.#line.splice(place === -1 ? this.#line.length : place, 0, waiter);
    return waiter;
  }

  /** A copy, first come first. */
  inOrder(): Waiter<L>[] {
    return [...this.#line];
  }

  /** `shortOf`: what those who stand behind others wait for. */
  snapshot(shortOf: string | null): WaitingSnapshot[] {
    return this.#line.map(({ name, sinceMs, toldReason }) => ({
      ...{ id: name, sinceMs },
      reason: toldReason === null || toldReason === 'queue' ? (shortOf ?? 'queue') : toldReason,
    }));
  }

  grant(waiter: Waiter<L>, lease: L): void {
    this.#leave(waiter);
    waiter.granted.resolve(lease);
  }

  /** Says why it waits, unless that was the last thing it heard. */
  tell(waiter: Waiter<L>, reason: string, detail: string): void {
    if (waiter.toldReason === reason) return;
    waiter.toldReason = reason;
    this.#emit({ type: 'turn.waiting', session: waiter.name, reason, detail });
  }

  /** A turn of this conversation has ended. */
  served(name: SessionName): void {
    this.#servedAt.set(name, this.#clock.now());
  }

  /** Nothing when it does not wait any more. */
  turnAway(waiter: Waiter<L>, error: Error): void {
    if (!this.#line.includes(waiter)) return;
    this.#leave(waiter);
    waiter.granted.reject(error);
  }

  /** Turns away who has waited for too long, and forgets what decides nothing any more. */
  tidy(tooLong: () => Error): void {
    const now = this.#clock.now();
    for (const [name, at] of this.#servedAt) if (now - at > rememberMs) this.#servedAt.delete(name);
    for (const waiter of this.inOrder()) {
      const waitedMs = this.#clock.monotonicMs() - waiter.askedMs;
      if (waitedMs < roomPatienceMs) continue;
      const reason = waiter.toldReason ?? 'queue';
      this.#emit({ type: 'turn.gave_up_waiting', session: waiter.name, reason, waitedMs });
      this.turnAway(waiter, tooLong());
    }
  }

  #leave(waiter: Waiter<L>): void {
    this.#line = this.#line.filter((other) => other !== waiter);
  }
}
