/**
 * Pure decisions about sessions: readings and a time go in, a tagged value with the numbers that justified it
 * comes out. The same value is logged, counted and shown. Nothing here has an effect.
 */

const megabyte = 1024 * 1024;

/** What a busy session's tree grows to, until a bot's own peaks are measured (120 fresh, 180-250 when busy). */
export const expectedPeakBytes = 250 * megabyte;
/** What a session costs in its first minute; with nothing else live, room for this is enough to start. */
export const freshCostBytes = 130 * megabyte;

export interface SessionReading {
  name: string;
  state: 'starting' | 'idle' | 'busy' | 'closing';
  /** Proportional memory of its tree at the last look. */
  memoryBytes: number;
  /** Monotonic ms at which it became idle. */
  idleSinceMs: number;
}

export interface AdmissionReading {
  sessions: readonly SessionReading[];
  memory: { availableBytes: number; limitBytes: number };
  /** Null = as many as memory allows. */
  maxSessions: number | null;
  /** Processor cores: more starts at once only make each of them slower. */
  cores: number;
}

export type Admission =
  | { kind: 'open'; spareBytes: number }
  | { kind: 'evict'; victim: string; reason: 'memory' | 'max-sessions'; spareBytes: number }
  | { kind: 'wait'; reason: 'memory' | 'max-sessions' | 'starts' | 'closing'; spareBytes: number };

/** May a session start now? Idle ones make room, the least recently used first; busy ones never do. */
export function decideAdmission({ sessions, memory, maxSessions, cores }: AdmissionReading): Admission {
  const reserveBytes = Math.max(64 * megabyte, memory.limitBytes * 0.04);
  const growthBytes = sessions.reduce(
    (sum, { memoryBytes }) => sum + Math.max(0, expectedPeakBytes - memoryBytes),
    0,
  );
  const firstOne = sessions.length === 0;
  const needBytes = firstOne ? freshCostBytes : growthBytes + expectedPeakBytes;
  const spareBytes = memory.availableBytes - needBytes - reserveBytes;

  const full = maxSessions !== null && sessions.length >= maxSessions;
  if (full || spareBytes < 0) {
    const reason = full ? 'max-sessions' : 'memory';
    if (sessions.some(({ state }) => state === 'closing'))
      return { kind: 'wait', reason: 'closing', spareBytes };
    const victim = leastRecentlyUsed(sessions);
    return victim
      ? { kind: 'evict', victim: victim.name, reason, spareBytes }
      : { kind: 'wait', reason, spareBytes };
  }
  if (sessions.filter(({ state }) => state === 'starting').length >= cores) {
    return { kind: 'wait', reason: 'starts', spareBytes };
  }
  return { kind: 'open', spareBytes };
}

/** Names of idle sessions whose time is over. */
export function expiredSessions(
  sessions: readonly SessionReading[],
  idleTtlMs: number,
  nowMonotonicMs: number,
): string[] {
  return sessions
    .filter(({ state, idleSinceMs }) => state === 'idle' && nowMonotonicMs - idleSinceMs >= idleTtlMs)
    .map(({ name }) => name);
}

function leastRecentlyUsed(sessions: readonly SessionReading[]): SessionReading | undefined {
  return sessions
    .filter(({ state }) => state === 'idle')
    .sort((a, b) => a.idleSinceMs - b.idleSinceMs)
    .at(0);
}

/** One line with the numbers, for the log and the console. */
export function describeAdmission(admission: Admission): string {
  const spare = `${Math.round(admission.spareBytes / megabyte)} MB to spare`;
  if (admission.kind === 'open') return spare;
  if (admission.kind === 'evict') return `to make room (${admission.reason}, ${spare})`;
  return `${admission.reason} (${spare})`;
}
