import type { Cancel, Clock } from '../../src/lib/clock.ts';

/**
 * Simulated time: days pass in seconds. What is due waits in a heap, and before time moves on, every promise that an
 * event settled has run what waited for it.
 */
export interface SimulationClock extends Clock {
  /** Lets everything happen that is due up to this time, in ms since the beginning. */
  runUntil(atMs: number): Promise<void>;
  /** A clock of the same time whose timers go off only while `isAlive`. */
  whileAlive(isAlive: () => boolean): Clock;
}

interface Timer {
  atMs: number;
  /** Timers of one moment go off in the order in which they were set. */
  order: number;
  run: (() => void) | null;
}

/** `startMs`: epoch ms at the beginning. */
export function createSimulationClock(startMs: number): SimulationClock {
  const heap = createHeap();
  let nowMs = 0;
  let order = 0;
  const after = (delayMs: number, run: () => void): Cancel => {
    const timer: Timer = { atMs: nowMs + Math.max(0, Math.round(delayMs)), order: order++, run };
    heap.push(timer);
    return () => {
      timer.run = null;
    };
  };
  const clockWith = (set: typeof after): Clock => ({
    now: () => startMs + nowMs,
    monotonicMs: () => nowMs,
    after: set,
    every(periodMs, run) {
      let cancel: Cancel = () => {};
      const again = () => {
        cancel = set(periodMs, () => {
          again();
          run();
        });
      };
      again();
      return () => cancel();
    },
    sleep: (delayMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const cancel = set(delayMs, resolve);
        signal?.addEventListener('abort', () => {
          cancel();
          resolve();
        });
      }),
    timeout(delayMs) {
      const controller = new AbortController();
      set(delayMs, () => controller.abort(new DOMException('The operation timed out', 'TimeoutError')));
      return controller.signal;
    },
  });
  return {
    ...clockWith(after),
    whileAlive: (isAlive) => clockWith((delayMs, run) => after(delayMs, () => isAlive() && run())),
    async runUntil(atMs) {
      for (;;) {
        const next = heap.peek();
        if (next === undefined || next.atMs > atMs) break;
        nowMs = next.atMs;
        while (heap.peek()?.atMs === nowMs) heap.pop()?.run?.();
        await promisesToRun();
      }
      nowMs = atMs;
    },
  };
}

function promisesToRun(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function createHeap() {
  const timers: Timer[] = [];
  const isBefore = (a: Timer, b: Timer) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  const swap = (a: number, b: number) => {
    const [first, second] = [timers[a], timers[b]];
    if (first && second) [timers[a], timers[b]] = [second, first];
  };
  const rises = (place: number, above: number) => {
    const [timer, upper] = [timers[place], timers[above]];
    return timer !== undefined && upper !== undefined && isBefore(timer, upper);
  };
  const sink = (from: number) => {
    for (let place = from; ; ) {
      const left = 2 * place + 1;
      const child = rises(left + 1, left) ? left + 1 : left;
      if (!rises(child, place)) return;
      swap(child, place);
      place = child;
    }
  };
  return {
    peek: () => timers[0],
    push(timer: Timer) {
      timers.push(timer);
      for (let place = timers.length - 1; place > 0; ) {
        const above = (place - 1) >> 1;
        if (!rises(place, above)) return;
        swap(place, above);
        place = above;
      }
    },
    pop() {
      swap(0, timers.length - 1);
      const first = timers.pop();
      sink(0);
      return first;
    },
  };
}
