import type { Cancel, Clock } from '../lib/clock.ts';
import type { Campfire } from './campfire.ts';

const tickMs = 20;

export interface StormOptions {
  roomId: number;
  /** They take turns as authors. */
  personIds: readonly number[];
  perSecond: number;
  seconds: number;
  /** The message's HTML; `{n}` becomes its number, counted from 1. */
  html: string;
}

/** Many people writing at once. One storm at a time: a new one ends the old one. */
export class Storm {
  readonly #clock: Clock;
  readonly #campfire: Campfire;
  #cancel: Cancel = () => {};

  constructor(clock: Clock, campfire: Campfire) {
    this.#clock = clock;
    this.#campfire = campfire;
  }

  /** Starts posting and returns how many messages there will be. */
  start({ roomId, personIds, perSecond, seconds, html }: StormOptions): number {
    this.stop();
    const total = Math.round(perSecond * seconds);
    const from = this.#clock.monotonicMs();
    let posted = 0;
    // Counted from the start rather than per tick: a late timer is made up for, so the rate holds.
    this.#cancel = this.#clock.every(tickMs, () => {
      const due = Math.min(total, Math.floor(((this.#clock.monotonicMs() - from) / 1000) * perSecond));
      while (posted < due) {
        const personId = personIds[posted % personIds.length];
        posted += 1;
        if (personId !== undefined) {
          this.#campfire.post(personId, roomId, { html: html.replaceAll('{n}', String(posted)) });
        }
      }
      if (posted === total) this.stop();
    });
    return total;
  }

  stop(): void {
    this.#cancel();
  }
}
