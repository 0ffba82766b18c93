import type { Clock } from '../lib/clock.ts';
import { storeTrouble } from './trouble.ts';

/** A Redis that restarts, changes its master or is cut off for a moment is back within seconds. */
const patienceMs = 120_000;
const firstPauseMs = 100;
const longestPauseMs = 2_000;

/** Gives what waits between tries, a little longer each time; false once it is no use any more. */
export function patience(clock: Clock): () => Promise<boolean> {
  const startedMs = clock.monotonicMs();
  let pauseMs = firstPauseMs;
  return async () => {
    if (clock.monotonicMs() - startedMs + pauseMs > patienceMs) return false;
    await clock.sleep(pauseMs);
    pauseMs = Math.min(longestPauseMs, pauseMs * 2);
    return true;
  };
}

/** Tries a step again while the store is away. Whatever it did before it failed, doing it again does no harm. */
export async function patiently<T>(clock: Clock, step: () => Promise<T>): Promise<T> {
  const waitLonger = patience(clock);
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (storeTrouble(error) !== 'away' || !(await waitLonger())) throw error;
    }
  }
}
