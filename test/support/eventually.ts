import { systemClock as clock } from '../../src/lib/clock.ts';

/** Waits until `look` gives something other than undefined, null or false; fails with `what` after `limitMs`. */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  limitMs = 10_000,
): Promise<NonNullable<Exclude<T, false>>> {
  const giveUpAt = clock.monotonicMs() + limitMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false) return seen as NonNullable<Exclude<T, false>>;
    if (clock.monotonicMs() > giveUpAt) throw new Error(`Not within ${limitMs} ms: ${what}`);
    await clock.sleep(15);
  }
}
