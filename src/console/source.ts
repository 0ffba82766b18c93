import type { SessionName } from '../telemetry/events.ts';
import type { BotEntry } from './bots.ts';
import type { Mark, NumberedFact } from './history/history.ts';
import type { SampleRow } from './history/samples.ts';
import type { TurnRecord } from './history/turns.ts';

/**
 * What the console shows and does, wherever it comes from: this process, or several machines. Rows name their `machine`
 * where there is more than one.
 */
export interface ConsoleSource {
  snapshot(): Promise<ConsoleSnapshot>;
  /** The samples of this machine from a number on, oldest first; `next` is the number to ask with next time. */
  samplesFrom(number: number): { rows: SampleRow[]; next: number };
  /** Calls `changed` after whatever a snapshot could show; returns how to stop. */
  subscribe(changed: () => void): () => void;
  /** False when there is no such session, or it did not end and is tried again. */
  closeSession(id: string): Promise<boolean>;
  /** Reads the bot files again, now. */
  reloadBots(): Promise<void>;
}

export interface ConsoleSnapshot {
  /** Epoch ms, as all times here. */
  at: number;
  version: string;
  containment: string;
  startedAt: number;
  /** What `/health` calls it. */
  status: string;
  /** The worst first; empty when all is well. */
  troubles: readonly Trouble[];
  memory: {
    usedBytes: number;
    limitBytes: number;
    availableBytes: number;
    percent: number;
    level: string;
    source: string;
    /** From here on idle sessions are closed to make room. */
    highPercent: number;
  };
  /** Of this machine, as memory. */
  spares: number;
  mail: { waiting: number; running: number; withoutOutcome: number; undelivered: number };
  sessions: readonly SessionRow[];
  /** Conversations that wait for a session, the one that waits longest first. */
  waiting: readonly {
    id: SessionName;
    room: string | null;
    reason: string;
    since: number;
    machine?: string;
  }[];
  /** Newest first. */
  turns: readonly TurnRow[];
  bots: readonly BotRow[];
  files: readonly FileRow[];
  /** Newest first. */
  events: readonly (NumberedFact & { machine?: string })[];
  /** Oldest first; of this machine. */
  marks: readonly Mark[];
  /** This one first, then as they are called; empty where there is one. */
  machines: readonly MachineRow[];
}

export interface MachineRow extends MachineSeen {
  live: number;
  busy: number;
}

/** A machine as it last said. */
export interface MachineSeen {
  label: string;
  version: string;
  role: string;
  /** `waiting`: somebody waits there for a session. `closed`: it begins no turns. `missing`: it is not heard of. */
  state: 'open' | 'waiting' | 'closed' | 'missing';
  /** Epoch ms; null while it is missing. */
  startedAt: number | null;
  /** Null while it is missing. */
  memory: { usedBytes: number; limitBytes: number; percent: number } | null;
  /** When a missing one was heard of last; null while it is there. */
  seenAt: number | null;
}

export interface Trouble {
  /** `note`: something about this installation that could be more, and need not. */
  level: 'bad' | 'warn' | 'note';
  problem: string;
  remedy: string;
  /** Null where nobody noted it. */
  since: number | null;
}

export interface SessionRow {
  id: SessionName;
  /** The room's name, as people wrote it; null where it has none or it is not known. */
  room: string | null;
  state: string;
  /** What it does right now: the tool that it last began to use. */
  step: string | null;
  pid: number | null;
  turns: number;
  idleSince: number | null;
  memoryBytes: number;
  costUsd: number | null;
  machine?: string;
}

export interface TurnRow extends TurnRecord {
  room: string | null;
  /** What people wrote; null unless CONSOLE_SHOW_TEXT is set. */
  text: string | null;
}

export interface BotRow extends BotEntry {
  /** What the Campfire lets this bot do; null while that is not known. */
  face: 'full' | 'post-only' | null;
}

export interface FileRow {
  id: string;
  name: string;
  title: string;
  mediaType: string;
  bytes: number;
  session: SessionName;
  room: string | null;
  as: 'link' | 'attachment';
  hits: number;
  createdAt: number;
  expiresAt: number;
}
