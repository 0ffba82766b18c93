import type { Clock } from '../lib/clock.ts';
import type { Ledger, LedgerEntry } from './ledger.ts';
import { listProcesses, type ProcessStat, readBootId, variableIn, wholeEnvironmentOf } from './proc.ts';

/**
 * Tells which processes belong to which tree of this service.
 *
 * Invariants:
 * 1. A process belongs to a tree if it carries the tree's tag in its environment; or is the very process of the
 *    ledger's entry (pid, start time and boot agree, and its environment does not say otherwise); or is the child of a
 *    member; or stands in a session (setsid) of the tree's own. One that a member joined from outside stays a stranger's.
 * 2. Once a member, always a member: one that later replaces its environment or loses its parent stays one until it
 *    has ended. A process is named by pid and start time, so a reused pid is nobody's.
 * 3. A tag of another instance is never ours, whatever the ledger says.
 * 4. An environment is read once per process, after its exec: it does not change any more. In the middle of one there is
 *    none; who shows none while it is young is nobody's yet, and the look is unsure.
 */

/** Inherited by everything a session starts; its value is the tree's tag, `<instance>.<unique>`. */
export const tagVariable = 'CAMPFIRE_AI_BOT_TAG';

/** Between fork and exec a child still shows its parent's environment; this long after its start it shows its own. */
const settledTicks = 500;
/** Parent of the kernel's threads, which stand in session 0; inside a pid namespace pid 2 is anybody's. */
const kthreadd = 2;

export interface Member extends ProcessStat {
  tag: string;
}

export interface Census {
  /** Looks at all of `/proc`, once for all trees: every member that has not ended. Takes some 12 µs per process. */
  take(): Member[];
  /** What the last look found, if that is at most `maxAgeMs` ago, else a new one: for what need not be proven. */
  recent(maxAgeMs: number): Member[];
  /** Whether the last look met a young process in the middle of an exec, which might be a member: only another look tells. */
  isUnsure(): boolean;
}

export function createCensus({
  ledger,
  instance,
  clock,
}: {
  ledger: Ledger;
  instance: string;
  clock: Clock;
}): Census {
  const bootId = readBootId();
  let members = new Map<number, Member>();
  /** Start times by pid of processes that are known not to be ours by themselves. */
  let strangers = new Map<number, number>();
  let takenMs = Number.NEGATIVE_INFINITY;
  let isUnsure = false;

  const census: Census = {
    take() {
      const everyone = listProcesses();
      const all = everyone.filter(({ pid }) => pid !== process.pid);
      const entries = new Map(
        ledger
          .entries()
          .filter((entry) => entry.bootId === bootId && isOurs(entry.tag, instance))
          .map((entry) => [entry.pid, entry]),
      );
      const newestTicks = all.reduce((newest, { startTicks }) => Math.max(newest, startTicks), 0);
      const found = new Map<number, Member>();
      const seen: typeof strangers = new Map();
      const unsure: number[] = [];
      for (const stat of all) {
        if (strangers.get(stat.pid) === stat.startTicks) {
          seen.set(stat.pid, stat.startTicks);
          continue;
        }
        const known = members.get(stat.pid);
        if (known?.startTicks === stat.startTicks) {
          found.set(stat.pid, { ...stat, tag: known.tag });
          continue;
        }
        const environment = wholeEnvironmentOf(stat.pid);
        const tag = tagOf(environment, stat, entries.get(stat.pid), instance);
        if (tag !== null) found.set(stat.pid, { ...stat, tag });
        else if (newestTicks - stat.startTicks > settledTicks) seen.set(stat.pid, stat.startTicks);
        else if (environment === '' && !isKernelThread(stat)) unsure.push(stat.pid);
      }
      strangers = seen;
      const roots = new Map([...entries.values()].map((entry) => [entry.tag, entry]));
      spread(all, found, ownSessions(everyone, roots));
      isUnsure = unsure.some((pid) => !found.has(pid));
      members = found;
      takenMs = clock.monotonicMs();
      return [...found.values()];
    },
    isUnsure: () => isUnsure,
    recent: (maxAgeMs) => (clock.monotonicMs() - takenMs <= maxAgeMs ? [...members.values()] : census.take()),
  };
  return census;
}

function isKernelThread({ parentPid, sessionId }: ProcessStat): boolean {
  return parentPid === kthreadd && sessionId === 0;
}

function isOurs(tag: string, instance: string): boolean {
  return tag.startsWith(`${instance}.`);
}

function tagOf(
  environment: string | null,
  { startTicks }: ProcessStat,
  entry: LedgerEntry | undefined,
  instance: string,
): string | null {
  if (environment === null || environment === '') return entry?.startTicks === startTicks ? entry.tag : null;
  const carried = variableIn(environment, tagVariable);
  return carried !== null && isOurs(carried, instance) ? carried : null;
}

/** Whether the session with this id was begun in the tree with this tag. */
type OwnSession = (sessionId: number, tag: string, found: ReadonlyMap<number, Member>) => boolean;

/**
 * Every tree begins in a session of its own, led by its root, and whoever begins a further one leads it. When such a leader
 * has ended, the session is the tree's if everybody in it is younger than the root. Session 0 is whatever began outside of
 * this pid namespace, as where a container's programs are started from its host.
 */
function ownSessions(everyone: readonly ProcessStat[], roots: ReadonlyMap<string, LedgerEntry>): OwnSession {
  const alive = new Set(everyone.map(({ pid }) => pid));
  const oldestTicks = new Map<number, number>();
  for (const { sessionId, startTicks } of everyone) {
    oldestTicks.set(sessionId, Math.min(startTicks, oldestTicks.get(sessionId) ?? startTicks));
  }
  return (sessionId, tag, found) => {
    if (alive.has(sessionId) || sessionId === 0) return found.has(sessionId);
    const root = roots.get(tag);
    if (!root) return false;
    return sessionId === root.pid || (oldestTicks.get(sessionId) ?? 0) > root.startTicks;
  };
}

/** Adds to `found` what descends from it or stands in a session of the same tree, until nothing more is found. */
function spread(all: readonly ProcessStat[], found: Map<number, Member>, isOwnSession: OwnSession): void {
  for (let grew = true; grew; ) {
    grew = false;
    const sessions = new Map<number, string>();
    for (const { sessionId, tag } of found.values()) {
      if (isOwnSession(sessionId, tag, found)) sessions.set(sessionId, tag);
    }
    for (const stat of all) {
      if (found.has(stat.pid)) continue;
      const tag = found.get(stat.parentPid)?.tag ?? sessions.get(stat.sessionId);
      if (tag === undefined) continue;
      found.set(stat.pid, { ...stat, tag });
      grew = true;
    }
  }
}
