import { readdirSync, readFileSync } from 'node:fs';

/** What `/proc` tells about processes: the one reader of Linux's process table. All calls are synchronous reads. */

export interface ProcessStat {
  pid: number;
  parentPid: number;
  groupId: number;
  /** One letter of proc(5): R, S, D, T (stopped), Z (zombie), X (dead) … */
  state: string;
  /** Clock ticks after boot; pid and start time together name one process for ever (until the next boot). */
  startTicks: number;
}

/** Null when there is no such process (any more). */
export function readStat(pid: number): ProcessStat | null {
  const text = readProc(pid, 'stat');
  if (text === null) return null;
  // The command name stands in parentheses and may itself contain spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = 'X', parentPid = '0', groupId = '0'] = fields;
  return {
    pid,
    state,
    parentPid: Number(parentPid),
    groupId: Number(groupId),
    startTicks: Number(fields[19]),
  };
}

/** A zombie has ended: it holds no memory and answers to signal 0 only until its parent collects it. */
export function isRunning(stat: ProcessStat | null): stat is ProcessStat {
  return stat !== null && stat.state !== 'Z' && stat.state !== 'X';
}

/** Every process that has not ended, zombies left out. */
export function listProcesses(): ProcessStat[] {
  const found: ProcessStat[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(Number(name));
    if (isRunning(stat)) found.push(stat);
  }
  return found;
}

/** The value of an environment variable as the process was started with; null when unset or not readable. */
export function environmentOf(pid: number, name: string): string | null {
  const text = readProc(pid, 'environ');
  if (text === null) return null;
  const prefix = `${name}=`;
  for (const entry of text.split('\0')) if (entry.startsWith(prefix)) return entry.slice(prefix.length);
  return null;
}

/** The first word of the command line, e.g. `/…/claude`; empty for kernel threads and ended processes. */
export function commandOf(pid: number): string {
  return readProc(pid, 'cmdline')?.split('\0')[0] ?? '';
}

/**
 * What a process holds now in proportional set size (each shared page counted once over all who share it), and the most
 * that it has held: that plus what it gave back since its high-water mark. Zeros when not readable.
 */
export function memoryOf(pid: number): { pssBytes: number; peakBytes: number } {
  const pages = readProc(pid, 'smaps_rollup');
  if (pages === null) return { pssBytes: 0, peakBytes: 0 };
  const [pss, rss] = [kilobytes(pages, 'Pss'), kilobytes(pages, 'Rss')];
  const highWater = kilobytes(readProc(pid, 'status') ?? '', 'VmHWM');
  return { pssBytes: pss, peakBytes: pss + Math.max(0, highWater - rss) };
}

function kilobytes(text: string, field: string): number {
  return Number(text.match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'))?.[1] ?? 0) * 1024;
}

/** Changes with every boot; without it a pid and start time of yesterday could name a stranger of today. */
export function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Those of `roots` and everything below them, given a listing of all processes. */
export function withDescendants(roots: ReadonlySet<number>, all: readonly ProcessStat[]): Set<number> {
  const members = new Set(roots);
  for (let grew = true; grew; ) {
    grew = false;
    for (const { pid, parentPid } of all) {
      if (!members.has(pid) && members.has(parentPid)) {
        members.add(pid);
        grew = true;
      }
    }
  }
  return members;
}

function readProc(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return null;
  }
}
