import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { type Clock, within } from '../lib/clock.ts';
import { type Containment, contain, type HiddenFolders } from './containment.ts';
import type { Ledger } from './ledger.ts';
import { commandOf, readBootId, readStat } from './proc.ts';
import { type Reaper, tagVariable } from './reaper.ts';

/**
 * One supervised process tree.
 *
 * Invariants:
 * 1. The tree stands in the ledger before its first byte of input.
 * 2. `end` resolves only when nothing of the tree is left; it may be called often and by several callers.
 * 3. `exited` settles for every way in which the first process can end, a failed start included.
 */

/** Agents give way to the service and to Campfire for the processor … */
const agentNice = 5;
/** … and are what the kernel ends first when memory runs out (0 is a normal process, 1000 goes first). */
const agentOomScoreAdj = 500;
/** What an agent says on stderr is kept to this many last characters, for the error that may follow. */
const stderrTailChars = 4000;

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Set when the process could not be started at all. */
  startError: Error | null;
}

export interface ChildSpec {
  command: string;
  args: readonly string[];
  cwd: string;
  env: Record<string, string>;
  /** The session's own folder: the only part of the hidden folders that the tree sees. */
  slot: string;
}

/** How long each rung of the close ladder may take before the next one. */
export interface EndBounds {
  /** After end of input, for a clean exit. */
  eofMs: number;
  /** After SIGTERM. */
  termMs: number;
}

export interface Child {
  readonly tag: string;
  /** The raw process for whoever speaks with it. Signals and exits go through this object. */
  readonly process: ChildProcessWithoutNullStreams;
  readonly exited: Promise<Exit>;
  /** The pid of the real program, not of a wrapper around it; null before it runs and after it ended. */
  programPid(): number | null;
  stderrTail(): string;
  /** End of input → TERM → KILL, each with its bound; resolves when the tree is proven gone. */
  end(bounds: EndBounds): Promise<{ forced: 'TERM' | 'KILL' | null }>;
}

export interface Supervisor {
  spawn(spec: ChildSpec): Child;
  /** Tags of trees that were started in this life and are not yet proven gone. */
  owns(tag: string): boolean;
}

export function createSupervisor(parts: {
  ledger: Ledger;
  reaper: Reaper;
  instance: string;
  layer: Containment;
  hidden: HiddenFolders;
  clock: Clock;
}): Supervisor {
  const { ledger, reaper, instance, layer, hidden, clock } = parts;
  const owned = new Set<string>();
  const bootId = readBootId();

  return {
    owns: (tag) => owned.has(tag),
    spawn(spec) {
      const tag = `${instance}.${randomUUID()}`;
      const wrapped = contain(layer, spec.command, spec.args, spec.slot, hidden);
      owned.add(tag);
      const raw = spawn(wrapped.command, wrapped.args, {
        cwd: spec.cwd,
        env: { ...spec.env, [tagVariable]: tag },
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: true,
      });
      const stat = raw.pid === undefined ? null : readStat(raw.pid);
      if (stat) {
        ledger.enter({ tag, pid: stat.pid, startTicks: stat.startTicks, bootId });
        giveWay(stat.pid);
      }
      return supervise({ raw, tag, program: spec.command, reaper, clock, gone: () => owned.delete(tag) });
    },
  };
}

function supervise(parts: {
  raw: ChildProcessWithoutNullStreams;
  tag: string;
  program: string;
  reaper: Reaper;
  clock: Clock;
  gone: () => void;
}): Child {
  const { raw, tag, program, reaper, clock, gone } = parts;
  let stderr = '';
  raw.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-stderrTailChars);
  });
  // A write to a process that just died must not become an uncaught error; `exited` tells of the death.
  raw.stdin.on('error', () => {});

  const exited = new Promise<Exit>((resolve) => {
    raw.once('exit', (code, signal) => resolve({ code, signal, startError: null }));
    raw.once('error', (startError) => resolve({ code: null, signal: null, startError }));
  });

  const programPid = (): number | null =>
    reaper.membersOf(tag).find(({ pid }) => commandOf(pid) === program)?.pid ?? null;

  const climb = async (bounds: EndBounds): Promise<{ forced: 'TERM' | 'KILL' | null }> => {
    raw.stdin.end();
    let forced: 'TERM' | 'KILL' | null = null;
    if ((await within(clock, bounds.eofMs, exited)) === 'timeout') {
      forced = 'TERM';
      signalProgram(programPid() ?? raw.pid, 'SIGTERM');
      if ((await within(clock, bounds.termMs, exited)) === 'timeout') forced = 'KILL';
    }
    await reaper.endTree(tag);
    gone();
    return { forced };
  };

  let ending: Promise<{ forced: 'TERM' | 'KILL' | null }> | null = null;
  return {
    tag,
    process: raw,
    exited,
    programPid,
    stderrTail: () => stderr,
    end(bounds) {
      ending ??= climb(bounds).catch((error: unknown) => {
        // The tree is still there: the next call climbs again.
        ending = null;
        throw error;
      });
      return ending;
    },
  };
}

function giveWay(pid: number): void {
  try {
    setPriority(pid, agentNice);
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(agentOomScoreAdj));
  } catch {
    // It may have ended already, and a sandbox may forbid either; both only make sharing less polite.
  }
}

function signalProgram(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, signal);
  } catch {
    // Already gone.
  }
}
