import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Cancel, Clock } from '../lib/clock.ts';

/**
 * Gives back what this process itself does not need any more. V8 collects when it allocates; a service that has started,
 * or has answered and is quiet since, allocates nothing and so keeps its garbage: measured, 9 MB after a start.
 */

/** Quiet for this long, and nobody is likely to wait for the pause. */
const quietMs = 10_000;
const lookPeriodMs = 5_000;
/** A start leaves the most, and has not been spoken to yet. */
const afterStartMs = 1_000;
/** The pause is some 50 ms for 30 MB and grows with the heap; beyond this, memory is not what is short. */
const heapMaxBytes = 192 * 1024 ** 2;

export interface HeapTrim {
  /** Something has happened. */
  touch(): void;
  stop(): void;
}

/** Trims once after the start, and once after each time in which something happened. */
export function createHeapTrim(clock: Clock, trim: () => void = collectGarbage): HeapTrim {
  let touchedMs: number | null = null;
  const cancels: Cancel[] = [
    clock.after(afterStartMs, trim),
    clock.every(lookPeriodMs, () => {
      if (touchedMs === null || clock.monotonicMs() - touchedMs < quietMs) return;
      touchedMs = null;
      trim();
    }),
  ];
  return {
    touch() {
      touchedMs = clock.monotonicMs();
    },
    stop() {
      for (const cancel of cancels) cancel();
    },
  };
}

/** A full, compacting collection, the pages given back; nothing when the heap is too large for a short pause. */
export function collectGarbage(): void {
  if (getHeapStatistics().used_heap_size > heapMaxBytes) return;
  setFlagsFromString('--expose-gc');
  // A context made after the flag was set has it; kept, it would cost more than making it anew.
  const collect = runInNewContext('gc') as (options: object) => void;
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
