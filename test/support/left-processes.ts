import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Finds what a test run started and did not end. A process belongs to the run when its environment carries the
 * run's tag, or when its environment, working folder or command line names the run's own temp folder: an agent
 * gets a listed environment without the tag, but it lives in a folder below that one.
 */

export interface Run {
  tag: string;
  folder: string;
}

export interface LeftProcess {
  pid: number;
  /** Start time since boot in clock ticks: with the pid, it names one process for ever. */
  startTicks: number;
  ageSeconds: number;
  commandLine: string;
}

/** The variable by which processes inherit the tag of their run. */
export const runVariable = 'CAMPFIRE_AI_BOT_TEST_RUN';

/** USER_HZ, which is 100 on every platform that Node runs on. */
const TICKS_PER_SECOND = 100;
const POLL_MS = 50;

/** The processes of `run` that are still there after `patienceMs`, without this one and its ancestors. */
export async function leftProcesses(run: Run, patienceMs: number): Promise<LeftProcess[]> {
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    const left = processesOf(run);
    if (left.length === 0 || performance.now() >= giveUpAt) return left;
    await sleep(POLL_MS);
  }
}

/** Ends them for good. A pid that another process got in the meantime is left alone. */
export function endProcesses(left: readonly LeftProcess[]): void {
  for (const { pid, startTicks } of left) {
    if (statOf(pid)?.startTicks !== startTicks) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}

export function sentenceOf({ pid, ageSeconds, commandLine }: LeftProcess): string {
  return `pid ${pid}, ${ageSeconds.toFixed(1)} s old: ${commandLine}`;
}

function processesOf(run: Run): LeftProcess[] {
  const spared = ancestorsOf(process.pid);
  const uptimeSeconds = Number.parseFloat(readText('/proc/uptime'));
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && !spared.has(pid) && belongsTo(run, pid))
    .flatMap((pid) => {
      const stat = statOf(pid);
      if (!stat) return [];
      const ageSeconds = uptimeSeconds - stat.startTicks / TICKS_PER_SECOND;
      return [{ pid, startTicks: stat.startTicks, ageSeconds, commandLine: wordsOf(pid).join(' ').trim() }];
    });
}

/** A zombie never does: it has neither environment nor folder nor command line any more, only an exit code. */
function belongsTo({ tag, folder }: Run, pid: number): boolean {
  const environment = readText(`/proc/${pid}/environ`).split('\0');
  return (
    environment.includes(`${runVariable}=${tag}`) ||
    [...environment, ...wordsOf(pid), folderOf(pid)].some((text) => text.includes(folder))
  );
}

function ancestorsOf(pid: number): Set<number> {
  const ancestors = new Set<number>();
  for (let next = pid; next > 0; next = statOf(next)?.parent ?? 0) ancestors.add(next);
  return ancestors;
}

function statOf(pid: number): { parent: number; startTicks: number } | undefined {
  const text = readText(`/proc/${pid}/stat`);
  // The name in parentheses may itself contain spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields.length < 20) return undefined;
  return { parent: Number(fields[1]), startTicks: Number(fields[19]) };
}

function wordsOf(pid: number): string[] {
  return readText(`/proc/${pid}/cmdline`).split('\0');
}

function folderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

/** Empty when the process is gone, or belongs to somebody else. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
