import type { Clock } from '../lib/clock.ts';
import type { Ledger, LedgerEntry } from './ledger.ts';
import {
  environmentOf,
  listProcesses,
  type ProcessStat,
  readBootId,
  readStat,
  withDescendants,
} from './proc.ts';

/**
 * Finds and ends processes by ownership, never by name.
 *
 * Invariants:
 * 1. A process is ours only if it carries our instance's tag, or is the very process of a ledger entry (pid,
 *    start time and boot agree), or descends from one of these. A reused pid is nobody's.
 * 2. `endTree` resolves only when a look at `/proc` finds nothing of the tree that has not ended.
 */

/** Inherited by everything a session starts; its value is the tree's tag, `<instance>.<unique>`. */
export const tagVariable = 'CAMPFIRE_AI_BOT_TAG';

/** How long to keep killing before giving up aloud; what survives SIGKILL this long hangs in the kernel. */
const killPatienceMs = 5000;
const pollMs = 10;

export interface Reaper {
  /** Ends what is left of one tree and strikes it. @throws Error naming the pids that would not end. */
  endTree(tag: string): Promise<{ killed: number[] }>;
  /** Ends every tree of this instance that `isOwned` does not claim; gives the pids that were killed. */
  reapUnowned(isOwned: (tag: string) => boolean): Promise<{ killed: number[] }>;
  /** Processes of one tree that have not ended. */
  membersOf(tag: string): ProcessStat[];
}

export function createReaper({
  ledger,
  instance,
  clock,
}: {
  ledger: Ledger;
  instance: string;
  clock: Clock;
}): Reaper {
  const bootId = readBootId();

  const membersOf = (tag: string): ProcessStat[] => {
    const all = listProcesses();
    const entry = ledger.entries().find((candidate) => candidate.tag === tag);
    return members(all, (pid) => environmentOf(pid, tagVariable) === tag, entry ? [entry] : [], bootId);
  };

  const killAll = async (find: () => ProcessStat[]): Promise<number[]> => {
    const killed = new Set<number>();
    const giveUpAt = clock.monotonicMs() + killPatienceMs;
    for (;;) {
      const left = find();
      if (left.length === 0) return [...killed];
      if (clock.monotonicMs() > giveUpAt) {
        throw new Error(
          `Processes ${left.map(({ pid }) => pid).join(', ')} did not end within ${killPatienceMs} ms of SIGKILL.`,
        );
      }
      for (const stat of left) {
        if (kill(stat)) killed.add(stat.pid);
      }
      await clock.sleep(pollMs);
    }
  };

  return {
    membersOf,
    async endTree(tag) {
      const killed = await killAll(() => membersOf(tag));
      ledger.strike(tag);
      return { killed };
    },
    async reapUnowned(isOwned) {
      const entries = ledger.entries().filter(({ tag }) => !isOwned(tag));
      const isOrphan = (pid: number) => {
        const tag = environmentOf(pid, tagVariable);
        return tag?.startsWith(`${instance}.`) === true && !isOwned(tag);
      };
      const killed = await killAll(() => members(listProcesses(), isOrphan, entries, bootId));
      for (const { tag } of entries) ledger.strike(tag);
      return { killed };
    },
  };
}

function members(
  all: readonly ProcessStat[],
  isMarked: (pid: number) => boolean,
  entries: readonly LedgerEntry[],
  bootId: string,
): ProcessStat[] {
  const roots = new Set<number>();
  for (const { pid, startTicks } of all) {
    if (pid === process.pid) continue;
    const entered = entries.some(
      (entry) => entry.pid === pid && entry.startTicks === startTicks && entry.bootId === bootId,
    );
    if (entered || isMarked(pid)) roots.add(pid);
  }
  const found = withDescendants(roots, all);
  return all.filter(({ pid }) => found.has(pid));
}

/** Kills exactly this process: looks again, so that a pid reused since the listing is left alone. */
function kill({ pid, startTicks }: ProcessStat): boolean {
  if (readStat(pid)?.startTicks !== startTicks) return false;
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}
