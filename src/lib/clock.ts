/**
 * The only place that reads the time or starts a timer. Everything else takes a `Clock`, so that a test can
 * drive time and a reader can see where the product waits.
 */

/** Stops a timer. Calling it twice, or after it fired, does nothing. */
export type Cancel = () => void;

export interface Clock {
  /** Wall time in milliseconds since 1970, for what people and other machines read. May jump. */
  now(): number;
  /** Milliseconds that never go backwards, for measuring durations. */
  monotonicMs(): number;
  /** Calls `run` once after `delayMs`. Does not keep the process alive. */
  after(delayMs: number, run: () => void): Cancel;
  /** Calls `run` every `periodMs` until cancelled. Does not keep the process alive. */
  every(periodMs: number, run: () => void): Cancel;
  /** Resolves after `delayMs`, or at once when `signal` aborts. Never rejects. Keeps the process alive. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Aborts with a TimeoutError after `delayMs`; for calls that take a signal, such as fetch. */
  timeout(delayMs: number): AbortSignal;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
  every(periodMs, run) {
    const timer = setInterval(run, periodMs);
    timer.unref();
    return () => clearInterval(timer);
  },
  sleep(delayMs, signal) {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, delayMs);
      signal?.addEventListener('abort', finish, { once: true });
    });
  },
  timeout: (delayMs) => AbortSignal.timeout(delayMs),
};

/**
 * Resolves when everybody else who waits for the event loop has had a turn. For loops over many things: promises that
 * are settled already let nobody in between.
 */
export function breath(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** What `promise` gives, or `'timeout'` when it takes longer than `limitMs`. The promise itself goes on. */
export async function within<T>(clock: Clock, limitMs: number, promise: Promise<T>): Promise<T | 'timeout'> {
  const settled = new AbortController();
  const limit = clock.sleep(limitMs, settled.signal).then(() => 'timeout' as const);
  try {
    return await Promise.race([promise, limit]);
  } finally {
    settled.abort();
  }
}
