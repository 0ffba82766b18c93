import { readFileSync } from 'node:fs';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { tagVariable } from '../../src/processes/census.ts';
import { commandOf, environmentOf, listProcesses } from '../../src/processes/proc.ts';

/** Looks at processes from outside, the way an operator would: through `/proc`, without the service's help. */

/** A process and everything below it. */
export function treeOf(rootPid: number): number[] {
  const members = new Set([rootPid]);
  const all = listProcesses();
  for (let before = 0; before < members.size; ) {
    before = members.size;
    for (const { pid, parentPid } of all) if (members.has(parentPid)) members.add(pid);
  }
  return [...members];
}

/** Whether the process is `claude` itself, and not a wrapper that has it on its command line. */
export function isAgent(pid: number): boolean {
  return /(^|\/)claude$/.test(commandOf(pid));
}

/** Every process on this machine that carries the mark of a data folder, wherever in the tree it is by now. */
export function markedProcesses(instance: string): number[] {
  return listProcesses()
    .map(({ pid }) => pid)
    .filter((pid) => environmentOf(pid, tagVariable)?.startsWith(`${instance}.`));
}

/**
 * What these processes hold together, in bytes: their proportional memory, but with the programs `node` and `claude`
 * counted whole, once each. Otherwise every stranger on the machine who runs the same file would make the number
 * smaller.
 */
export function memoryOf(pids: readonly number[]): number {
  const programs = new Map<string, number>();
  let bytes = 0;
  for (const pid of pids) {
    const own = new Map<string, number>();
    for (const mapping of mappingsOf(pid)) {
      if (/\/(node|claude)$/.test(mapping.file))
        own.set(mapping.file, (own.get(mapping.file) ?? 0) + mapping.residentBytes);
      else bytes += mapping.proportionalBytes;
    }
    for (const [file, resident] of own) programs.set(file, Math.max(programs.get(file) ?? 0, resident));
  }
  return bytes + programs.values().reduce((sum, each) => sum + each, 0);
}

interface Mapping {
  /** Empty for anonymous memory. */
  file: string;
  residentBytes: number;
  proportionalBytes: number;
}

/** From `/proc/<pid>/smaps`: a line with the addresses and the file, then one line per number. */
function mappingsOf(pid: number): Mapping[] {
  const found: Mapping[] = [];
  const pattern = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)\n(?:.*\n)*?Rss: +(\d+) kB\nPss: +(\d+) kB$/gm;
  for (const [, file = '', resident, proportional] of smapsOf(pid).matchAll(pattern))
    found.push({
      file,
      residentBytes: Number(resident) * 1024,
      proportionalBytes: Number(proportional) * 1024,
    });
  return found;
}

/** Empty once the process is gone. */
function smapsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/smaps`, 'utf8');
  } catch {
    return '';
  }
}

export interface Sample<T = number> {
  /** Since the watch began. */
  atMs: number;
  value: T;
}

/** Takes `look()` again and again until stopped; gives every sample. */
export function watch<T>(look: () => T, periodMs: number): () => Promise<Sample<T>[]> {
  const samples: Sample<T>[] = [];
  const done = new AbortController();
  const startedMs = clock.monotonicMs();
  const watching = (async () => {
    while (!done.signal.aborted) {
      samples.push({ atMs: clock.monotonicMs() - startedMs, value: look() });
      await clock.sleep(periodMs, done.signal);
    }
  })();
  return async () => {
    done.abort();
    await watching;
    return samples;
  };
}
