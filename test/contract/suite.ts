import { test } from 'node:test';
import { type TestClock, testClock } from '../support/clock.ts';

/** A way to write tests of one driver: each gets a fresh one, opened with the clock that it moves, and closed in any case. */
export function suiteOver<T extends { close(): unknown }>(
  name: string,
  open: (clock: TestClock) => Promise<T>,
): (title: string, run: (under: T, clock: TestClock) => Promise<void>) => void {
  return (title, run) => {
    test(`${name}: ${title}`, async () => {
      const clock = testClock();
      const under = await open(clock);
      try {
        await run(under, clock);
      } finally {
        await under.close();
      }
    });
  };
}
