import type { Clock } from '../lib/clock.ts';
import type { Census, Member } from './census.ts';
import type { Ledger } from './ledger.ts';
import { isRunning, readStat } from './proc.ts';

/**
 * Ends processes by ownership, never by name.
 *
 * Invariants:
 * 1. Only members (census.ts) are ended, each one only while it is still the process that was seen.
 * 2. `endTree` resolves only when a look at `/proc` finds nothing of the tree that has not ended, and nobody in the middle
 *    of an exec who might belong to it; only then is it struck from the ledger.
 */

/** How long to keep killing before giving up aloud; what survives SIGKILL this long hangs in the kernel. */
const killPatienceMs = 5000;
const pollMs = 10;
/** An exec that has not ended by then hangs on its disk; the next round of the reaper finds what it has become. */
const execMs = 200;
/** All of `/proc` is looked at again when nothing that was seen is left, but at least this often. */
const lookPeriodMs = 100;

export interface Reaped {
  killed: number[];
  slots: string[];
  stuck: number[];
}

export interface Reaper {
  /**
   * Ends what is left of one tree after giving it `graceMs` to end by itself, and strikes it.
   * @throws Error naming the pids that would not end.
   */
  endTree(tag: string, graceMs: number): Promise<{ killed: number[] }>;
  /**
   * Ends every tree of this instance that `isOwned` does not claim, and strikes those that are proven gone. `slots` are
   * their folders, `stuck` the pids that would not end: their trees stay in the ledger and keep their slots closed.
   */
  reapUnowned(isOwned: (tag: string) => boolean): Promise<Reaped>;
  /** Processes of one tree that have not ended, as of now. */
  membersOf(tag: string): Member[];
}

export function createReaper({
  ledger,
  census,
  clock,
}: {
  ledger: Ledger;
  census: Census;
  clock: Clock;
}): Reaper {
  const killAll = async (
    isMeant: (tag: string) => boolean,
    graceMs = 0,
  ): Promise<{ killed: number[]; left: Member[] }> => {
    const killed = new Set<number>();
    const killAt = clock.monotonicMs() + graceMs;
    const sureAt = clock.monotonicMs() + execMs;
    const giveUpAt = killAt + killPatienceMs;
    for (;;) {
      const left = census.take().filter(({ tag }) => isMeant(tag));
      const nowMs = clock.monotonicMs();
      if (left.length === 0 && census.isUnsure() && nowMs < sureAt) {
        await clock.sleep(pollMs);
        continue;
      }
      if (left.length === 0 || nowMs > giveUpAt) return { killed: [...killed], left };
      for (const member of nowMs < killAt ? [] : left) {
        if (kill(member)) killed.add(member.pid);
      }
      const untilMs = nowMs < killAt ? Math.min(killAt, nowMs + lookPeriodMs) : nowMs + lookPeriodMs;
      do await clock.sleep(pollMs);
      while (left.some(isStillThere) && clock.monotonicMs() < untilMs);
    }
  };

  return {
    membersOf: (tag) => census.take().filter((member) => member.tag === tag),
    async endTree(tag, graceMs) {
      const { killed, left } = await killAll((other) => other === tag, graceMs);
      if (left.length > 0) {
        const pids = left.map(({ pid }) => pid).join(', ');
        throw new Error(`Processes ${pids} did not end within ${killPatienceMs} ms of SIGKILL.`);
      }
      ledger.strike(tag);
      return { killed };
    },
    async reapUnowned(isOwned) {
      const entries = ledger.entries().filter(({ tag }) => !isOwned(tag));
      const { killed, left } = await killAll((tag) => !isOwned(tag));
      const gone = entries.filter(({ tag }) => left.every((member) => member.tag !== tag));
      for (const { tag } of gone) ledger.strike(tag);
      return { killed, slots: gone.map(({ slot }) => slot), stuck: left.map(({ pid }) => pid) };
    },
  };
}

function isStillThere({ pid, startTicks }: Member): boolean {
  const stat = readStat(pid);
  return isRunning(stat) && stat.startTicks === startTicks;
}

/** Kills exactly this process: looks again, so that a pid reused since the listing is left alone. */
function kill({ pid, startTicks }: Member): boolean {
  if (readStat(pid)?.startTicks !== startTicks) return false;
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}
