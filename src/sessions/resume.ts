import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AgentMemory, Slot } from '../agent/agent.ts';
import type { LeftBehind } from '../agent/prompt.ts';
import { beganAt, type Exchange, lastExchanges } from '../agent/transcript.ts';
import type { Clock } from '../lib/clock.ts';
import type { Migration, Store } from '../store/sqlite.ts';
import { beginningOf } from './file-ends.ts';
import type { Slots } from './slots.ts';

/** Which slot and which transcript a conversation goes on with; what makes memory survive a close. */
export const conversationMigrations: readonly Migration[] = [
  {
    version: 3,
    sql: `
      CREATE TABLE conversations (
        bot_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        slot_id TEXT NOT NULL,
        memory_id TEXT NOT NULL,
        turns INTEGER NOT NULL DEFAULT 0,
        used_at INTEGER NOT NULL,
        PRIMARY KEY (bot_id, room_id)
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    version: 8,
    // The memory that was given up for this one, as long as the room has not been told of it.
    sql: 'ALTER TABLE conversations ADD COLUMN given_up_id TEXT',
  },
];

export interface Conversation {
  botId: string;
  roomId: number;
}

export interface Recall {
  /** Its folders may still have to be made. */
  slot: Slot;
  memory: AgentMemory;
  /** Nothing is on record: it may begin in a spare's slot as well. */
  isNew: boolean;
  /** True when turns are on record but their transcript is not where it was: memory is lost. */
  stale: boolean;
  /** Another machine may have had it since a session of this one did: one that is still here does not know all. */
  elsewhere: boolean;
  /** Puts the transcript into the slot, where no session may live meanwhile; null when the newest is there. */
  fetch: (() => Promise<void>) | null;
  /** What was left on another machine. */
  missing: readonly LeftBehind[];
  /** Whether this memory took the place of another and the room has not been told of it. */
  startedOver: boolean;
  /** What a new memory begins with: the last exchanges of the one that was given up. */
  history: readonly Exchange[];
}

/** How much of an old conversation a fresh one begins with, in characters: some 6,000 tokens. */
export const historyBounds = { totalMax: 24_000, sideMax: 4_000 };

/** What is remembered of a conversation. */
export interface Described {
  turns: number;
  /** Epoch ms of the last turn. */
  usedAt: number;
  /** Epoch ms of the first one; null when the transcript is not here or does not say. */
  beganAt: number | null;
}

export interface Conversations {
  /** Where the conversation goes on, or would begin. Changes nothing. */
  recall(conversation: Conversation): Promise<Recall>;
  /**
   * Notes that a session begins in this slot with this memory. Durable before it resolves, so that two starts agree;
   * no prompt may be run before.
   */
  begin(conversation: Conversation, slot: Slot, memory: AgentMemory): Promise<void>;
  /** Whether some conversation lives in this slot. */
  hasSlot(slotId: string): Promise<boolean>;
  /**
   * Gives up a transcript that cannot go on and keeps the slot: the next recall begins anew, with the last exchanges
   * of the old one. The old transcript stays beside the new one under another name.
   */
  giveUp(conversation: Conversation): Promise<void>;
  /** Takes `giveUp` back. */
  restore(conversation: Conversation): Promise<void>;
  /** Counts a turn that reached the transcript; `told` when its answer said that the memory is another one. */
  recordTurn(conversation: Conversation, told: boolean): Promise<void>;
  /** The transcript that the conversation goes on with; null when there is none. */
  transcript(conversation: Conversation): Promise<string | null>;
  /** How many turns are remembered, and when the last one was; null when nothing is. */
  describe(conversation: Conversation): Promise<Described | null>;
  /** Deletes memory and working folder. The session must be closed; calling it again does no harm. */
  erase(conversation: Conversation): Promise<void>;
}

/** A conversation as it is on record. */
export interface KeptMemory extends Conversation, Known {}

interface Known {
  slotId: string;
  memoryId: string;
  turns: number;
  usedAt: number;
  givenUpId: string | null;
}

export function createConversations(store: Store, slots: Slots, clock: Clock): Conversations {
  const find = ({ botId, roomId }: Conversation) =>
    store.get<Known>(
      `SELECT slot_id AS slotId, memory_id AS memoryId, turns, used_at AS usedAt, given_up_id AS givenUpId
       FROM conversations WHERE bot_id = ? AND room_id = ?`,
      ...[botId, roomId],
    );

  return {
    async recall(conversation) {
      const known = find(conversation);
      if (!known) return newRecall(slots.at(slots.newId()));
      const slot = slots.at(known.slotId);
      const startedOver = known.givenUpId !== null;
      if (slots.transcriptPath(slot, known.memoryId) !== null) {
        const memory = { kind: 'resume' as const, id: known.memoryId };
        return { ...newRecall(slot, memory), isNew: false, startedOver };
      }
      const stale = known.turns > 0;
      const history = known.givenUpId === null ? [] : historyOf(slots, slot, known.givenUpId);
      return { ...newRecall(slot), isNew: false, stale, history, startedOver: startedOver || stale };
    },
    ...lookUps(store, slots, find),
    async begin({ botId, roomId }, slot, memory) {
      if (memory.kind === 'resume') return;
      // Lazily: what the turn decides is a full commit, and takes this along.
      store.lazily(() =>
        store.run(
          `INSERT INTO conversations (bot_id, room_id, slot_id, memory_id, used_at) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (bot_id, room_id) DO UPDATE SET memory_id = excluded.memory_id, turns = 0`,
          ...[botId, roomId, slot.id, memory.id, clock.now()],
        ),
      );
    },
    async giveUp(conversation) {
      const known = find(conversation);
      if (!known) return;
      slots.setAside(slots.at(known.slotId), known.memoryId);
      store.run(
        `UPDATE conversations SET memory_id = ?, turns = 0, given_up_id = ? WHERE bot_id = ? AND room_id = ?`,
        ...[randomUUID(), known.memoryId, conversation.botId, conversation.roomId],
      );
    },
    async restore(conversation) {
      const { slotId, givenUpId } = find(conversation) ?? {};
      if (slotId === undefined || !givenUpId) return;
      slots.takeBack(slots.at(slotId), givenUpId);
      store.run(
        `UPDATE conversations SET memory_id = given_up_id, given_up_id = NULL WHERE bot_id = ? AND room_id = ?`,
        ...[conversation.botId, conversation.roomId],
      );
    },
    async recordTurn({ botId, roomId }, told) {
      store.lazily(() =>
        store.run(
          `UPDATE conversations SET turns = turns + 1, used_at = ?, given_up_id = iif(?, NULL, given_up_id)
           WHERE bot_id = ? AND room_id = ?`,
          ...[clock.now(), Number(told), botId, roomId],
        ),
      );
    },
    async erase(conversation) {
      const { botId, roomId } = conversation;
      const known = find(conversation);
      if (!known) return;
      slots.delete({ id: known.slotId });
      store.run('DELETE FROM conversations WHERE bot_id = ? AND room_id = ?', botId, roomId);
    },
  };
}

/** A conversation that begins without any past, in this slot; `memory` is a spare's or a new one. */
export function newRecall(slot: Slot, memory: AgentMemory = { kind: 'new', id: randomUUID() }): Recall {
  return {
    ...{ slot, memory, isNew: true, stale: false, startedOver: false, history: [] },
    ...{ elsewhere: false, fetch: null, missing: [] },
  };
}

/** All that is on record, for whoever moves it into another driver. */
export function keptMemories(store: Store): KeptMemory[] {
  return store.all<KeptMemory>(
    `SELECT bot_id AS botId, room_id AS roomId, slot_id AS slotId, memory_id AS memoryId, turns, used_at AS usedAt,
       given_up_id AS givenUpId FROM conversations ORDER BY bot_id, room_id`,
  );
}

/** The verbs that change nothing. */
function lookUps(
  store: Store,
  slots: Slots,
  find: (conversation: Conversation) => Known | undefined,
): Pick<Conversations, 'hasSlot' | 'transcript' | 'describe'> {
  return {
    hasSlot: async (slotId) =>
      store.get('SELECT 1 FROM conversations WHERE slot_id = ?', slotId) !== undefined,
    async transcript(conversation) {
      const known = find(conversation);
      const path = known ? slots.transcriptPath(slots.at(known.slotId), known.memoryId) : null;
      return path === null ? null : readFileSync(path, 'utf8');
    },
    async describe(conversation) {
      const known = find(conversation);
      if (!known || known.turns === 0) return null;
      const path = slots.transcriptPath(slots.at(known.slotId), known.memoryId);
      return describeMemory(known, path);
    },
  };
}

/** `path`: of the transcript on this machine; null when it is not here. */
export function describeMemory(
  { turns, usedAt }: Pick<Described, 'turns' | 'usedAt'>,
  path: string | null,
): Described {
  return { turns, usedAt, beganAt: path === null ? null : beganAt(beginningOf(path)) };
}

function historyOf(slots: Slots, slot: Slot, memoryId: string): Exchange[] {
  const path = slots.asidePath(slot, memoryId);
  return path === null ? [] : lastExchanges(readFileSync(path, 'utf8'), historyBounds);
}
