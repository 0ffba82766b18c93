/** When a running turn has taken too long; pure. All times are of the same clock, in milliseconds. */
export interface OverdueReading {
  nowMs: number;
  startedMs: number;
  /** The agent's last sign of life; the start when there was none. */
  lastSignMs: number;
  toolsRunning: number;
  timeoutMs: number;
}

export type Overdue =
  | { kind: 'timed-out'; ranMs: number }
  /** Silent although nothing of its own keeps it busy. */
  | { kind: 'stuck'; silentMs: number }
  | { kind: 'go-on'; lookAgainMs: number };

/** Longer than the agent's own watch over a silent stream and a request without an answer (agent/environment.ts). */
export const stuckAfterMs = 300_000;

export function decideOverdue(reading: OverdueReading): Overdue {
  const { nowMs, startedMs, lastSignMs, toolsRunning, timeoutMs } = reading;
  const leftMs = startedMs + timeoutMs - nowMs;
  if (leftMs <= 0) return { kind: 'timed-out', ranMs: nowMs - startedMs };
  const silentMs = nowMs - lastSignMs;
  if (toolsRunning === 0 && silentMs >= stuckAfterMs) return { kind: 'stuck', silentMs };
  // While a tool runs, silence says nothing: the clock of silence begins when it ends, which is a sign, too.
  const silenceLeftMs = toolsRunning === 0 ? stuckAfterMs - silentMs : stuckAfterMs;
  return { kind: 'go-on', lookAgainMs: Math.min(leftMs, silenceLeftMs) };
}
