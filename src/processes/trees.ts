import { environmentOf, listProcesses, memoryOf, type ProcessStat, withDescendants } from './proc.ts';
import { tagVariable } from './reaper.ts';

/**
 * How much memory the trees of sessions hold: one pass over `/proc` for all of them, and the dear look into a
 * process's pages (1-3 ms for a `claude`) only for members of the trees that were asked for.
 */

export interface TreeMemory {
  /** Proportional memory of the tree: a page shared by n processes counts 1/n in each. */
  bytes: number;
  /** The most that its processes held since they started: the kernel keeps it, so no moment is missed. */
  peakBytes: number;
}

/** By tag; a tree without any process is missing. */
export type MeasureTrees = (tags: readonly string[]) => Map<string, TreeMemory>;

/** What a process's environment cannot be known by: between fork and exec a child still shows its parent's. */
const settledTicks = 500;

/**
 * A measurer that remembers which process belongs to which tree: an environment is read once per process, since it
 * does not change after the exec.
 */
export function createTreeMeasure(): MeasureTrees {
  let known = new Map<number, { startTicks: number; tag: string | null }>();
  return (tags) => {
    const all = listProcesses();
    const newestTicks = all.reduce((newest, { startTicks }) => Math.max(newest, startTicks), 0);
    const wanted = new Set(tags);
    const next: typeof known = new Map();
    const roots = new Map<string, Set<number>>();
    for (const stat of all) {
      const before = known.get(stat.pid);
      const remembered = before?.startTicks === stat.startTicks ? before : null;
      const tag = remembered ? remembered.tag : environmentOf(stat.pid, tagVariable);
      if (tag !== null || newestTicks - stat.startTicks > settledTicks)
        next.set(stat.pid, { startTicks: stat.startTicks, tag });
      if (tag === null || !wanted.has(tag)) continue;
      const members = roots.get(tag) ?? new Set();
      roots.set(tag, members.add(stat.pid));
    }
    known = next;
    return new Map([...roots].map(([tag, members]) => [tag, sum(withDescendants(members, all), all)]));
  };
}

function sum(members: ReadonlySet<number>, all: readonly ProcessStat[]): TreeMemory {
  const total: TreeMemory = { bytes: 0, peakBytes: 0 };
  for (const { pid } of all) {
    if (!members.has(pid)) continue;
    const { pssBytes, peakBytes } = memoryOf(pid);
    total.bytes += pssBytes;
    total.peakBytes += peakBytes;
  }
  return total;
}
