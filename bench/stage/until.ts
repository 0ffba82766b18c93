import { systemClock as clock } from '../../src/lib/clock.ts';

const pollMs = 10;

/** Waits until `look` gives something other than undefined, null or false. @throws Error after `limitMs`. */
export async function until<T>(
  look: () => T | Promise<T>,
  { what, limitMs = 60_000 }: { what: string; limitMs?: number },
): Promise<NonNullable<Exclude<T, false>>> {
  const giveUpAtMs = clock.monotonicMs() + limitMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false) return seen as NonNullable<Exclude<T, false>>;
    if (clock.monotonicMs() > giveUpAtMs) throw new Error(`Not within ${limitMs / 1000} s: ${what}`);
    await clock.sleep(pollMs);
  }
}
