import { type MemoryReading, megabytesOf } from '../processes/memory.ts';

/**
 * May a session start now? A pure decision: readings and a time go in, a tagged value with the numbers that justified it
 * comes out. The same value is logged, counted and shown. Nothing here has an effect.
 */

const megabyte = 1024 * 1024;

/** What a session costs in its first minute; with nothing else live, room for this is enough to start. */
export const freshCostBytes = 130 * megabyte;
/** What is left to the kernel and to what no reading shows yet: the larger of the two. */
const reserveBytes = 64 * megabyte;
const reserveShare = 0.04;
/** After this long a start waits for something else than the processor, such as a network without DNS (17-19 s). */
const startCountsMs = 5_000;
/** A spare that is younger may still grow: it is up after 0.4 s, and its MCP servers begin to work then. */
const spareGrowsMs = 5_000;
/** Who has waited this long for room is told so instead. */
export const roomPatienceMs = 600_000;

export interface SessionReading {
  name: string;
  botId: string;
  state: 'starting' | 'idle' | 'busy' | 'closing';
  /** Proportional memory of its tree at the last look; 0 before the first. */
  memoryBytes: number;
  /** What it is expected to grow to (see peaks.ts). */
  peakBytes: number;
  turns: number;
  /** Monotonic ms. */
  startedMs: number;
  idleSinceMs: number;
}

export interface SpareReading {
  id: string;
  botId: string;
  state: 'starting' | 'parked' | 'closing';
  memoryBytes: number;
  /** What a session of its bot is expected to grow to. */
  peakBytes: number;
  startedMs: number;
  /** The bot's file says something else by now than what it was started with. */
  outdated: boolean;
}

/** Everything that lives, and what there is for it. */
export interface House {
  sessions: readonly SessionReading[];
  spares: readonly SpareReading[];
  memory: MemoryReading;
  /** Null = as many as memory allows. */
  maxSessions: number | null;
  /** Processor cores: more starts at once only make each of them slower. */
  cores: number;
  nowMs: number;
}

export interface Ask {
  name: string;
  botId: string;
  peakBytes: number;
  /** A parked spare that would serve; null when there is none, or the conversation has a slot of its own. */
  spare: string | null;
}

/** The formula's terms: `left = available − growth of who lives − need of who asks − reserve`. */
export interface Terms {
  availableBytes: number;
  usedBytes: number;
  limitBytes: number;
  growthBytes: number;
  needBytes: number;
  reserveBytes: number;
  leftBytes: number;
}

type Shortage = 'memory' | 'max-sessions';

export type Admission = { asker: string; terms: Terms } & (
  | { kind: 'open' }
  | { kind: 'claim'; spare: string }
  | { kind: 'end-spare'; spare: string; reason: Shortage; memoryBytes: number }
  | { kind: 'evict'; victim: string; reason: Shortage; memoryBytes: number; idleMs: number }
  | { kind: 'wait'; reason: Shortage | 'starts' | 'closing' }
);

/** Spares make room first, then idle sessions, the least recently used first; busy ones never do. */
export function decideAdmission(ask: Ask, house: House): Admission {
  const { sessions, spares, maxSessions, nowMs } = house;
  const others = spares.filter(({ id }) => id !== ask.spare);
  const terms = termsFor(ask, house, others);
  const base = { asker: ask.name, terms };

  const over = maxSessions === null ? 0 : sessions.length + others.length + 1 - maxSessions;
  if (over <= 0 && terms.leftBytes >= 0) {
    if (ask.spare !== null) return { ...base, kind: 'claim', spare: ask.spare };
    const starts = sessions.filter((each) => isStarting(each, nowMs)).length;
    if (starts >= house.cores) return { ...base, kind: 'wait', reason: 'starts' };
    return { ...base, kind: 'open' };
  }
  const reason: Shortage = over > 0 ? 'max-sessions' : 'memory';
  const leaving = [...sessions, ...others].filter(({ state }) => state === 'closing');
  const comingBytes = leaving.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  if (leaving.length > 0 && leaving.length >= over && terms.leftBytes + comingBytes >= 0)
    return { ...base, kind: 'wait', reason: 'closing' };

  const spare = others.find(({ state }) => state !== 'closing');
  if (spare) return { ...base, kind: 'end-spare', spare: spare.id, reason, memoryBytes: spare.memoryBytes };
  const victim = leastRecentlyUsed(sessions)[0];
  if (!victim) return { ...base, kind: 'wait', reason: leaving.length > 0 ? 'closing' : reason };
  const { name, memoryBytes, idleSinceMs } = victim;
  return { ...base, kind: 'evict', victim: name, reason, memoryBytes, idleMs: nowMs - idleSinceMs };
}

/** The terms for somebody who asks; also answers whether a spare would fit. */
export function termsFor(
  ask: Pick<Ask, 'botId' | 'peakBytes' | 'spare'>,
  { sessions, spares, memory, nowMs }: Pick<House, 'sessions' | 'spares' | 'memory' | 'nowMs'>,
  others: readonly SpareReading[] = spares,
): Terms {
  const growthBytes =
    sumOf(sessions, ({ state, memoryBytes, peakBytes }) =>
      state === 'closing' ? 0 : peakBytes - memoryBytes,
    ) +
    // Its MCP servers grow with it; once they have, a parked spare stays as it is until it is claimed.
    sumOf(others, ({ state, memoryBytes, peakBytes, startedMs }) =>
      state === 'closing' || nowMs - startedMs >= spareGrowsMs ? 0 : peakBytes - memoryBytes,
    );
  const claimed = spares.find(({ id }) => id === ask.spare);
  const firstOne = sessions.length === 0 && others.length === 0;
  // What one of the bot does right now, its next one may do as well: that is not known of its turns only later.
  const siblings = sessions.filter(({ botId, state }) => botId === ask.botId && state !== 'closing');
  const expectedBytes = Math.max(ask.peakBytes, ...siblings.map(({ memoryBytes }) => memoryBytes));
  const wholeBytes = firstOne ? Math.min(expectedBytes, freshCostBytes) : expectedBytes;
  const needBytes = Math.max(0, wholeBytes - (claimed?.memoryBytes ?? 0));
  const keptBytes = Math.max(reserveBytes, memory.limitBytes * reserveShare);
  const { availableBytes, usedBytes, limitBytes } = memory;
  return {
    ...{ availableBytes, usedBytes, limitBytes, growthBytes, needBytes, reserveBytes: keptBytes },
    leftBytes: availableBytes - growthBytes - needBytes - keptBytes,
  };
}

/** Idle sessions, the least recently used first. */
export function leastRecentlyUsed(sessions: readonly SessionReading[]): SessionReading[] {
  return sessions.filter(({ state }) => state === 'idle').sort((a, b) => a.idleSinceMs - b.idleSinceMs);
}

export function isStarting(
  { state, startedMs }: { state: string; startedMs: number },
  nowMs: number,
): boolean {
  return state === 'starting' && nowMs - startedMs < startCountsMs;
}

/** How long a bot rests after its `failures`th start in a row that failed: 0, 1, 5, 30, then 120 s. */
export function startBackoffMs(failures: number): number {
  const steps = [0, 0, 1_000, 5_000, 30_000];
  return steps[failures] ?? 120_000;
}

/** One line with the numbers, for the log and the console. */
export function describeAdmission(admission: Admission): string {
  const { asker, terms } = admission;
  const at = `${megabytesOf(terms.usedBytes)} of ${megabytesOf(terms.limitBytes)} MB`;
  switch (admission.kind) {
    case 'open':
    case 'claim':
      return `${megabytesOf(terms.leftBytes)} MB to spare at ${at}`;
    case 'end-spare':
      return `ended a spare: ${megabytesOf(admission.memoryBytes)} MB, to admit ${asker} at ${at}`;
    case 'evict':
      return `evicted ${admission.victim}: idle ${Math.round(admission.idleMs / 1000)} s, ${megabytesOf(admission.memoryBytes)} MB, to admit ${asker} at ${at}`;
    case 'wait':
      return admission.reason === 'memory'
        ? `${megabytesOf(-terms.leftBytes)} MB short at ${at}`
        : `${admission.reason} at ${at}`;
  }
}

function sumOf<T>(list: readonly T[], bytes: (each: T) => number): number {
  return list.reduce((sum, each) => sum + Math.max(0, bytes(each)), 0);
}
