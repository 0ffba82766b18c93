import { readdirSync, readFileSync } from 'node:fs';

/**
 * Looks at `/proc` with its own eyes: what the service believes of its processes must not decide whether they are gone.
 */

export interface Seen {
  pid: number;
  /** With the pid it names one process for ever. */
  startTicks: string;
  argv: string[];
}

/** Every process that has not ended and names `folder` in its environment, arguments or first word, oldest first. */
export function processesIn(folder: string): Seen[] {
  return everyProcess()
    .filter(({ pid, argv }) => {
      if (pid === process.pid) return false;
      return argv.some((word) => word.includes(folder)) || read(pid, 'environ').includes(folder);
    })
    .sort((a, b) => Number(a.startTicks) - Number(b.startTicks));
}

/** Those of `seen` that have not ended. */
export function stillThere(seen: readonly Seen[]): Seen[] {
  return seen.filter(({ pid, startTicks }) => look(pid)?.startTicks === startTicks);
}

export function kill({ pid, startTicks }: Seen, signal: NodeJS.Signals): boolean {
  if (look(pid)?.startTicks !== startTicks) return false;
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Ends whatever is left below `folder`, so that a failed run leaves a clean machine. */
export function endAll(folder: string): void {
  for (const one of processesIn(folder)) kill(one, 'SIGKILL');
}

/** Proportional memory in bytes; 0 when there is no such process. */
export function pssOf(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(read(pid, 'smaps_rollup'))?.[1] ?? 0) * 1024;
}

function everyProcess(): Seen[] {
  return readdirSync('/proc').flatMap((name) => look(Number(name)) ?? []);
}

function look(pid: number): Seen | null {
  if (!(pid > 0)) return null;
  const stat = read(pid, 'stat');
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const threads = Number(fields[16]);
  if (fields.length < 19 || state === 'X' || (state === 'Z' && threads <= 1)) return null;
  return { pid, startTicks: fields[18] ?? '', argv: read(pid, 'cmdline').split('\0') };
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
