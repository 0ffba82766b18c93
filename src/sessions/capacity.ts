import type { MemoryReading } from '../processes/memory.ts';
import { type SessionReading, termsFor } from './policy.ts';

/**
 * How many sessions that all work at once fit beside what is taken already, by the very formula by which they are
 * admitted: each is counted with what it grows to. One more for each that goes idle and is closed.
 */
export function sessionsThatFit(memory: MemoryReading, peakBytes: number): number {
  const sessions: SessionReading[] = [];
  for (;;) {
    const { leftBytes } = termsFor(
      { botId: '', peakBytes, spare: null },
      { sessions, spares: [], memory, nowMs: 0 },
    );
    if (leftBytes < 0) return sessions.length;
    sessions.push({
      ...{ name: String(sessions.length), botId: '', state: 'busy', memoryBytes: 0, peakBytes },
      ...{ turns: 1, startedMs: 0, idleSinceMs: 0 },
    });
  }
}
