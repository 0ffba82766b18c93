import type { Clock } from '../../src/lib/clock.ts';

/** A clock that a test moves. Timers run during `advance`, in the order of their times. */
export interface TestClock extends Clock {
  advance(ms: number): void;
}

export function testClock(startMs = Date.UTC(2026, 0, 5, 9)): TestClock {
  let nowMs = startMs;
  let timers: Array<{ at: number; run: () => void }> = [];
  const add = (at: number, run: () => void) => {
    const timer = { at, run };
    timers.push(timer);
    return () => {
      timers = timers.filter((other) => other !== timer);
    };
  };
  const clock: TestClock = {
    now: () => nowMs,
    monotonicMs: () => nowMs - startMs,
    after: (delayMs, run) => add(nowMs + delayMs, run),
    every(periodMs, run) {
      let cancel = () => {};
      const again = () => {
        cancel = add(nowMs + periodMs, () => {
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
        const cancel = add(nowMs + delayMs, resolve);
        signal?.addEventListener('abort', () => {
          cancel();
          resolve();
        });
      }),
    timeout(delayMs) {
      const controller = new AbortController();
      add(nowMs + delayMs, () =>
        controller.abort(new DOMException('The operation timed out', 'TimeoutError')),
      );
      return controller.signal;
    },
    advance(ms) {
      const endMs = nowMs + ms;
      for (;;) {
        const next = timers.filter(({ at }) => at <= endMs).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        timers = timers.filter((timer) => timer !== next);
        nowMs = Math.max(nowMs, next.at);
        next.run();
      }
      nowMs = endMs;
    },
  };
  return clock;
}
