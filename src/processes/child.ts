import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { type Clock, within } from '../lib/clock.ts';
import { tagVariable } from './census.ts';
import { type Containment, contain, giveWay, type HiddenFolders } from './containment.ts';
import type { Ledger } from './ledger.ts';
import { childrenOf, innermostPid, isRunning, readBootId, readStat } from './proc.ts';
import type { Reaper } from './reaper.ts';

/**
 * One supervised process tree.
 *
 * Invariants:
 * 1. The tree stands in the ledger before its first byte of input.
 * 2. `end` resolves only when nothing of the tree is left; it may be called often and by several callers.
 * 3. `exited` settles for every way in which the first process can end, a failed start included.
 * 4. No tree starts in a slot while the ledger still has another one there of which anything is left.
 */

/** What SIGKILL to the program alone may take before the whole tree is killed, process by process. */
const killMs = 500;
/** What the kernel gets to end a namespace whose program has ended. */
const kernelMs = 500;
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
  /** The pid of the real program as this machine sees it, not of a wrapper around it; null when there is none. */
  programPid(): number | null;
  stderrTail(): string;
  /** End of input → TERM → KILL, each with its bound; resolves when the tree is proven gone. */
  end(bounds: EndBounds): Promise<{ forced: 'TERM' | 'KILL' | null }>;
}

export interface Supervisor {
  /** @throws Error when the tree cannot be started or kept in the ledger, or the slot's last tree is not gone. */
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
  /** Told of processes that had to be killed after their program had ended. */
  onReaped: (pids: number[]) => void;
}): Supervisor {
  const { ledger, reaper, instance, layer, hidden, clock, onReaped } = parts;
  const owned = new Set<string>();
  const bootId = readBootId();

  return {
    owns: (tag) => owned.has(tag),
    spawn(spec) {
      refuseSecondTree(spec.slot, ledger, reaper);
      const tag = `${instance}.${randomUUID()}`;
      const wrapped = contain(layer, spec.command, spec.args, spec.slot, hidden);
      owned.add(tag);
      try {
        const raw = spawn(wrapped.command, wrapped.args, {
          cwd: spec.cwd,
          env: { ...spec.env, [tagVariable]: tag },
          stdio: ['pipe', 'pipe', 'pipe'],
          detached: true,
        });
        refuseWithoutPipes(raw);
        if (raw.pid !== undefined) giveWay(raw.pid);
        enter(ledger, raw, { tag, bootId, slot: spec.slot });
        return supervise({ raw, tag, layer, reaper, clock, onReaped, gone: () => owned.delete(tag) });
      } catch (error) {
        // Whatever has started all the same is nobody's now, and the reaper's.
        owned.delete(tag);
        throw error;
      }
    },
  };
}

function refuseSecondTree(slot: string, ledger: Ledger, reaper: Reaper): void {
  for (const { tag } of ledger.entries().filter((entry) => entry.slot === slot)) {
    const left = reaper.membersOf(tag);
    if (left.length === 0) continue;
    throw new Error(`Its predecessor has not ended: ${left.map(({ pid }) => pid).join(', ')}.`);
  }
}

/**
 * Where this process or the machine has no file left, Node gives a process without pipes, and says why later, in an event
 * that would end the service if nobody listened.
 */
function refuseWithoutPipes(raw: ChildProcessWithoutNullStreams): void {
  raw.on('error', () => {});
  if (raw.stderr === undefined) throw new Error('It could not be started: too many files are open.');
}

/** A tree that cannot be kept in the ledger must not run. */
function enter(
  ledger: Ledger,
  raw: ChildProcessWithoutNullStreams,
  known: { tag: string; bootId: string; slot: string },
): void {
  const stat = raw.pid === undefined ? null : readStat(raw.pid);
  if (!stat) return;
  try {
    ledger.enter({ ...known, pid: stat.pid, startTicks: stat.startTicks });
  } catch (error) {
    raw.kill('SIGKILL');
    throw error;
  }
}

function supervise(parts: {
  raw: ChildProcessWithoutNullStreams;
  tag: string;
  layer: Containment;
  reaper: Reaper;
  clock: Clock;
  onReaped: (pids: number[]) => void;
  gone: () => void;
}): Child {
  const { raw, tag, layer, reaper, clock, onReaped, gone } = parts;
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
  const programPid = programFinder(raw, tag, layer, reaper);

  const climb = async (bounds: EndBounds): Promise<{ forced: 'TERM' | 'KILL' | null }> => {
    // Whoever is a child now is known as a member from here on, even if it then loses parent and environment; a namespace
    // loses nobody.
    if (layer === 'group') reaper.membersOf(tag);
    raw.stdin.end();
    let forced: 'TERM' | 'KILL' | null = null;
    if ((await within(clock, bounds.eofMs, exited)) === 'timeout') {
      forced = 'TERM';
      signalProgram(programPid() ?? raw.pid, 'SIGTERM');
      if ((await within(clock, bounds.termMs, exited)) === 'timeout') {
        forced = 'KILL';
        signalProgram(programPid() ?? raw.pid, 'SIGKILL');
        await within(clock, killMs, exited);
      }
    }
    const { killed } = await reaper.endTree(tag, layer === 'namespace' ? kernelMs : 0);
    if (killed.length > 0) onReaped(killed);
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

/**
 * In the group layer the program is the process that was started. In the namespace layer it is the second process of
 * the namespace, below the wrapper and the namespace's own first process.
 */
function programFinder(
  raw: ChildProcessWithoutNullStreams,
  tag: string,
  layer: Containment,
  reaper: Reaper,
): () => number | null {
  let known: { pid: number; startTicks: number } | null = null;
  const find = () => {
    if (layer === 'group') return raw.pid === undefined ? null : readStat(raw.pid);
    const [first] = raw.pid === undefined ? [] : childrenIn(raw.pid, tag, reaper);
    const below = first === undefined ? [] : childrenIn(first, tag, reaper);
    const program = below.find((pid) => innermostPid(pid) === 2);
    return program === undefined ? null : readStat(program);
  };
  return () => {
    if (raw.exitCode !== null || raw.signalCode !== null) return null;
    known ??= find();
    const stat = known === null ? null : readStat(known.pid);
    return isRunning(stat) && stat.startTicks === known?.startTicks ? stat.pid : null;
  };
}

/** A look at all of `/proc` takes milliseconds; most kernels name the children of one process. */
function childrenIn(pid: number, tag: string, reaper: Reaper): number[] {
  const told = childrenOf(pid);
  if (told !== null) return told;
  return reaper.membersOf(tag).flatMap((each) => (each.parentPid === pid ? [each.pid] : []));
}

function signalProgram(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, signal);
  } catch {
    // Already gone.
  }
}
