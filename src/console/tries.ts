import type { Clock } from '../lib/clock.ts';

/**
 * Failed sign-ins, counted by address and all together, so that a token cannot be found by trying. Nothing that is
 * tried while one has to wait is looked at, the right token included: else waiting would cost a guesser nothing.
 */
export interface Tries {
  /** How long this address has to wait before its next try, in ms; 0 when it need not. */
  waitMs(address: string): number;
  failed(address: string): void;
}

const windowMs = 60_000;
const perAddressMax = 5;
/** Also the most that is kept in memory. */
const inAllMax = 60;

export function createTries(clock: Clock): Tries {
  let failures: { address: string; at: number }[] = [];
  const recent = () => {
    const from = clock.monotonicMs() - windowMs;
    failures = failures.filter(({ at }) => at > from);
    return failures;
  };
  return {
    waitMs(address) {
      const all = recent();
      const own = all.filter((failure) => failure.address === address);
      const blocking = Math.max(oldestOf(own, perAddressMax), oldestOf(all, inAllMax));
      return Math.max(0, blocking + windowMs - clock.monotonicMs());
    },
    failed(address) {
      recent().push({ address, at: clock.monotonicMs() });
    },
  };
}

/** When the failure was that has to pass before there are fewer than `max`. */
function oldestOf(list: readonly { at: number }[], max: number): number {
  return list.at(-max)?.at ?? Number.NEGATIVE_INFINITY;
}
