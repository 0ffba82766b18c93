import { readdirSync, readFileSync } from 'node:fs';

/** What `/proc` tells about processes: the one reader of Linux's process table. All calls are synchronous reads. */

export interface ProcessStat {
  pid: number;
  parentPid: number;
  /** The session (setsid) it stands in, named by the pid of its leader. */
  sessionId: number;
  /** One letter of proc(5): R, S, D, T (stopped), Z (zombie), X (dead) … */
  state: string;
  threads: number;
  /** Clock ticks after boot; pid and start time together name one process for ever (until the next boot). */
  startTicks: number;
}

/** Null when there is no such process (any more). */
export function readStat(pid: number): ProcessStat | null {
  const text = readProc(pid, 'stat');
  if (text === null) return null;
  // The command name stands in parentheses and may itself contain spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = 'X', parentPid = '0', , sessionId = '0'] = fields;
  return {
    ...{ pid, state, parentPid: Number(parentPid), sessionId: Number(sessionId) },
    ...{ threads: Number(fields[17]), startTicks: Number(fields[19]) },
  };
}

/**
 * A zombie has ended: it holds no memory and answers to signal 0 only until its parent collects it. One with further
 * threads has not: only its first thread is over.
 */
export function isRunning(stat: ProcessStat | null): stat is ProcessStat {
  return stat !== null && stat.state !== 'X' && (stat.state !== 'Z' || stat.threads > 1);
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

/**
 * The environment that a process was started with, its variables ended by NUL; null when this user may not read it. Empty
 * without one, in a thread of the kernel, and for a moment in the middle of an exec (fs/exec.c: a new `mm` has none yet).
 */
export function wholeEnvironmentOf(pid: number): string | null {
  return readProc(pid, 'environ');
}

/** The value of one variable of it: null when unset, undefined when this user may not read it. */
export function environmentOf(pid: number, name: string): string | null | undefined {
  const environment = wholeEnvironmentOf(pid);
  return environment === null ? undefined : variableIn(environment, name);
}

/** The value of a variable; null when unset. */
export function variableIn(environment: string, name: string): string | null {
  const start = environment.startsWith(`${name}=`) ? 0 : environment.indexOf(`\0${name}=`) + 1;
  if (start === 0 && !environment.startsWith(`${name}=`)) return null;
  return environment.slice(start + name.length + 1).split('\0', 1)[0] ?? null;
}

/** Pids that its first thread has started and that have not been collected; null where the kernel does not tell. */
export function childrenOf(pid: number): number[] | null {
  const text = readProc(pid, `task/${pid}/children`);
  return text === null ? null : text.split(' ').flatMap((word) => (word === '' ? [] : [Number(word)]));
}

/** Its pid inside the innermost pid namespace that it lives in; 0 when there is no such process. */
export function innermostPid(pid: number): number {
  return Number(readProc(pid, 'status')?.match(/^NSpid:.*?(\d+)$/m)?.[1] ?? 0);
}

/** The first word of the command line, e.g. `/usr/bin/tini`; empty where this user may not look. */
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

/** What is wrong with being the first process of a container, with what to do; null for any other pid. */
export function firstProcessProblem(ownPid: number): { problem: string; remedy: string } | null {
  if (ownPid !== 1) return null;
  return {
    problem: 'The service is process 1, so ended processes that nobody waits for stay behind as zombies.',
    remedy:
      'Start it under an init: `docker run --init`, `init: true` in compose, or tini as the entrypoint.',
  };
}

function readProc(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return null;
  }
}
