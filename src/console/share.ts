import type { NewestSaid } from './said.ts';
import type { ConsoleSnapshot, TurnRow } from './source.ts';

/** What one machine's console tells the others' of what it alone knows. */
export interface Share
  extends Pick<ConsoleSnapshot, 'version' | 'troubles' | 'sessions' | 'waiting' | 'events'> {
  /** Newest first. */
  turns: readonly TurnRow[];
  /** What people wrote there: webhooks come to any machine. */
  said: NewestSaid;
}

/** How much of what grows is wanted. */
export interface ShareLimits {
  turns: number;
  events: number;
}

/** A share as it goes over the wire. */
export function writeShare(snapshot: ConsoleSnapshot, said: Share['said'], limits: unknown): unknown {
  const { turns: turnsMax, events: eventsMax } = limits as ShareLimits;
  const { version, troubles, sessions, waiting, events, turns } = snapshot;
  return {
    ...{ version, troubles, sessions, waiting, said, events: events.slice(0, eventsMax) },
    turns: turns.slice(0, turnsMax).map((turn) => ({ ...turn, tools: [...turn.tools] })),
  };
}

/** Null for that of another version, which may have another shape. */
export function readShare(wire: unknown, version: string): Share | null {
  const share = wire as Share;
  if (share.version !== version) return null;
  return { ...share, turns: share.turns.map((turn) => ({ ...turn, tools: new Map(turn.tools) })) };
}
