import { systemClock as clock } from '../../src/lib/clock.ts';

/** A look may ask a service or read a whole log: whoever waits long looks less often, and leaves the processor to what it waits for. */
const pauseMs = { least: 15, most: 60 };

/** Waits until `look` gives something other than undefined, null or false; fails with `what` after `limitMs`. */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  limitMs = 10_000,
): Promise<NonNullable<Exclude<T, false>>> {
  const startMs = clock.monotonicMs();
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false) return seen as NonNullable<Exclude<T, false>>;
    const waitedMs = clock.monotonicMs() - startMs;
    if (waitedMs > limitMs) throw new Error(`Not within ${limitMs} ms: ${what}`);
    await clock.sleep(Math.min(pauseMs.most, pauseMs.least + waitedMs / 20));
  }
}
