import type { Census } from './census.ts';
import { memoryOf } from './proc.ts';

/**
 * How much memory the trees of sessions hold: one census for all of them, and the dear look into a process's pages
 * (1-3 ms for a `claude`) only for members of the trees that were asked for.
 */

export interface TreeMemory {
  /** Proportional memory of the tree: a page shared by n processes counts 1/n in each. */
  bytes: number;
  /** The most that its processes held since they started: the kernel keeps it, so no moment is missed. */
  peakBytes: number;
}

/** By tag; a tree without any process is missing, and so is a process that is younger than the census. */
export type MeasureTrees = (tags: readonly string[], censusAgeMs?: number) => Map<string, TreeMemory>;

/** A tree that looks larger or smaller two seconds later is early enough; a look at all processes is not free. */
const usualAgeMs = 2_000;

export function createTreeMeasure(census: Census): MeasureTrees {
  return (tags, censusAgeMs = usualAgeMs) => {
    const wanted = new Set(tags);
    const found = new Map<string, TreeMemory>();
    for (const { pid, tag } of census.recent(censusAgeMs)) {
      if (!wanted.has(tag)) continue;
      const { pssBytes, peakBytes } = memoryOf(pid);
      const tree = found.get(tag) ?? { bytes: 0, peakBytes: 0 };
      found.set(tag, { bytes: tree.bytes + pssBytes, peakBytes: tree.peakBytes + peakBytes });
    }
    return found;
  };
}
