import { type MemoryReading, megabytesOf, takenPercent } from '../processes/memory.ts';
import {
  freshCostBytes,
  type House,
  isStarting,
  leastRecentlyUsed,
  type SessionReading,
  type SpareReading,
  termsFor,
} from './policy.ts';

/** What becomes of those who live: once a second, a pure decision like admission. */

/** High begins at MEMORY_HIGH_PERCENT and ends this much below it, so that a reading on the edge says nothing twice. */
const hysteresisPercent = 5;
/** From here on the kernel may end somebody at any moment. */
const criticalPercent = 95;
/** A session's memory grows with its turns (measured: 120 MB fresh, 250 after 300); a resume costs 0.4 s. */
const maxTurns = 200;
/** What a process caches at its start, such as credentials and DNS, is not older than a working day. */
const maxAgeMs = 6 * 3_600_000;

export type MemoryLevel = 'normal' | 'high' | 'critical';

export interface SweepLimits {
  idleTtlMs: number;
  highPercent: number;
  /** A session above it is stopped in the middle of its turn; above half of it, it is recycled afterwards. */
  sessionMaxBytes: number;
  /** How many spares there may be in all. */
  spares: number;
}

/** A bot that had a turn not long ago, the most recent first. */
export interface RecentBot {
  botId: string;
  lastTurnMs: number;
  peakBytes: number;
  /** Its file says something else by now than at its last turn. */
  changed: boolean;
  /** Monotonic ms before which it is not started again. */
  notBeforeMs: number;
}

export interface SweepReading extends House {
  /** The level that was found last. */
  level: MemoryLevel;
  limits: SweepLimits;
  recentBots: readonly RecentBot[];
  /** Conversations that wait for a session: nobody prewarms while people wait. */
  waiting: number;
}

export type SweepAction =
  | {
      kind: 'end-spare';
      spare: string;
      reason: 'high' | 'unused' | 'bot-changed' | 'surplus';
      memoryBytes: number;
    }
  | { kind: 'trim'; name: string; memoryBytes: number; idleMs: number; percent: number }
  | { kind: 'expire'; name: string; memoryBytes: number; idleMs: number }
  | { kind: 'recycle'; name: string; reason: RecycleReason; memoryBytes: number }
  | { kind: 'stop'; name: string; memoryBytes: number; maxBytes: number }
  | { kind: 'start-spare'; botId: string };

/** What concerns a session. */
type Closing = Extract<SweepAction, { name: string }>;

export type RecycleReason = 'memory' | 'turns' | 'age';

export interface Sweep {
  level: MemoryLevel;
  percent: number;
  /** True when high has just begun or become critical: say it once. */
  warn: boolean;
  actions: SweepAction[];
}

export function decideSweep(reading: SweepReading): Sweep {
  const percent = takenPercent(reading.memory);
  const level = levelOf(percent, reading.level, reading.limits.highPercent);
  const endings = level === 'normal' ? agedSpares(reading) : allSpares(reading.spares, 'high');
  const closings: Closing[] = level === 'normal' ? [] : trims(reading, percent, endings);
  const named = new Set(closings.map(({ name }) => name));
  for (const session of reading.sessions) {
    const action = named.has(session.name) ? null : agedSession(session, reading);
    if (action) closings.push(action);
  }
  const start = level === 'normal' ? spareToStart(reading) : null;
  return {
    ...{ level, percent, warn: rank(level) > rank(reading.level) },
    actions: [...endings, ...closings, ...(start ? [start] : [])],
  };
}

/** Whether a session must not take another turn; asked whenever a turn has ended, and while it is idle. */
export function recycleReason(
  { memoryBytes, turns, startedMs }: SessionReading,
  { sessionMaxBytes }: Pick<SweepLimits, 'sessionMaxBytes'>,
  nowMs: number,
): RecycleReason | null {
  if (memoryBytes > sessionMaxBytes / 2) return 'memory';
  if (turns >= maxTurns) return 'turns';
  return nowMs - startedMs >= maxAgeMs ? 'age' : null;
}

export function describeSweep(action: SweepAction, memory: MemoryReading): string {
  const at = `${megabytesOf(memory.usedBytes)} of ${megabytesOf(memory.limitBytes)} MB`;
  switch (action.kind) {
    case 'end-spare':
      return `ended a spare (${action.reason}): ${megabytesOf(action.memoryBytes)} MB, at ${at}`;
    case 'trim':
      return `evicted ${action.name}: idle ${Math.round(action.idleMs / 1000)} s, ${megabytesOf(action.memoryBytes)} MB, memory is high at ${at} (${Math.round(action.percent)} %)`;
    case 'expire':
      return `idle ${Math.round(action.idleMs / 1000)} s, ${megabytesOf(action.memoryBytes)} MB`;
    case 'recycle':
      return `recycled ${action.name} (${action.reason}): ${megabytesOf(action.memoryBytes)} MB`;
    case 'stop':
      return `stopped ${action.name}: ${megabytesOf(action.memoryBytes)} of at most ${megabytesOf(action.maxBytes)} MB`;
    case 'start-spare':
      return `a spare for ${action.botId} at ${at}`;
  }
}

function levelOf(percent: number, before: MemoryLevel, highPercent: number): MemoryLevel {
  if (percent >= Math.max(criticalPercent, highPercent)) return 'critical';
  const stillHigh = before !== 'normal' && percent >= highPercent - hysteresisPercent;
  return percent >= highPercent || stillHigh ? 'high' : 'normal';
}

function rank(level: MemoryLevel): number {
  return ['normal', 'high', 'critical'].indexOf(level);
}

function allSpares(
  spares: readonly SpareReading[],
  reason: 'high',
): Array<SweepAction & { kind: 'end-spare' }> {
  return spares
    .filter(({ state }) => state !== 'closing')
    .map(({ id, memoryBytes }) => ({ kind: 'end-spare', spare: id, reason, memoryBytes }));
}

function agedSpares({
  spares,
  recentBots,
  limits,
  nowMs,
}: SweepReading): Array<SweepAction & { kind: 'end-spare' }> {
  return spares
    .filter(({ state }) => state !== 'closing')
    .flatMap(({ id, botId, memoryBytes, outdated }, index): Array<SweepAction & { kind: 'end-spare' }> => {
      const bot = recentBots.find((each) => each.botId === botId);
      const unused = !bot || nowMs - bot.lastTurnMs >= limits.idleTtlMs;
      const reason = unused ? 'unused' : outdated ? 'bot-changed' : index >= limits.spares ? 'surplus' : null;
      return reason === null ? [] : [{ kind: 'end-spare', spare: id, reason, memoryBytes }];
    });
}

/** Idle sessions, least recently used first, until what leaves brings the reading below high again. */
function trims(
  { sessions, spares, memory, limits, nowMs }: SweepReading,
  percent: number,
  endings: ReadonlyArray<{ memoryBytes: number }>,
): Closing[] {
  const targetPercent = limits.highPercent - hysteresisPercent;
  const leaving = [...sessions, ...spares].filter(({ state }) => state === 'closing');
  let excessBytes = ((percent - targetPercent) / 100) * memory.limitBytes;
  for (const { memoryBytes } of [...leaving, ...endings]) excessBytes -= memoryBytes;
  const chosen: Closing[] = [];
  for (const { name, memoryBytes, idleSinceMs } of leastRecentlyUsed(sessions)) {
    if (excessBytes < 0) break;
    excessBytes -= memoryBytes;
    chosen.push({ kind: 'trim', name, memoryBytes, idleMs: nowMs - idleSinceMs, percent });
  }
  return chosen;
}

function agedSession(session: SessionReading, { limits, nowMs }: SweepReading): Closing | null {
  const { name, state, memoryBytes, idleSinceMs } = session;
  if (state === 'busy' && memoryBytes > limits.sessionMaxBytes)
    return { kind: 'stop', name, memoryBytes, maxBytes: limits.sessionMaxBytes };
  if (state !== 'idle') return null;
  const idleMs = nowMs - idleSinceMs;
  if (idleMs >= limits.idleTtlMs) return { kind: 'expire', name, memoryBytes, idleMs };
  const reason = recycleReason(session, limits, nowMs);
  return reason && { kind: 'recycle', name, reason, memoryBytes };
}

/** One spare at a time, for the bot whose turn it is, where it fits and would not make memory high. */
function spareToStart(reading: SweepReading): SweepAction | null {
  const { sessions, spares, memory, limits, recentBots, maxSessions, nowMs } = reading;
  const quiet = ![...sessions, ...spares].some((each) => isStarting(each, nowMs) || each.state === 'closing');
  const room = maxSessions === null || sessions.length + spares.length < maxSessions;
  if (!quiet || !room || reading.waiting > 0 || spares.length >= limits.spares) return null;
  const recent = recentBots.filter(
    ({ lastTurnMs, notBeforeMs, changed }) =>
      !changed && nowMs - lastTurnMs < limits.idleTtlMs && notBeforeMs <= nowMs,
  );
  const spareCount = (botId: string) => spares.filter((each) => each.botId === botId).length;
  const fewest = Math.min(...recent.map(({ botId }) => spareCount(botId)));
  const next = recent.find(({ botId }) => spareCount(botId) === fewest);
  if (!next) return null;
  const { leftBytes } = termsFor({ ...next, spare: null }, reading);
  const percentAfter = takenPercent({ ...memory, availableBytes: memory.availableBytes - freshCostBytes });
  if (leftBytes < 0 || percentAfter >= limits.highPercent - hysteresisPercent) return null;
  return { kind: 'start-spare', botId: next.botId };
}
