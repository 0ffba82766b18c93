import { randomUUID } from 'node:crypto';
import type { AgentMemory, Slot } from '../agent/agent.ts';
import type { Clock } from '../lib/clock.ts';
import type { Migration, Store } from '../store/sqlite.ts';
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
];

export interface Conversation {
  botId: string;
  roomId: number;
}

export interface Recall {
  slot: Slot;
  memory: AgentMemory;
  /** True when turns are on record but their transcript is not where it was: memory is lost. */
  stale: boolean;
}

export interface Conversations {
  /** Where the conversation goes on, or begins. Durable before it returns, so that two starts agree. */
  recall(conversation: Conversation): Recall;
  /** Gives up the transcript, keeps the slot: the next recall begins anew. */
  forget(conversation: Conversation): void;
  /** Counts a turn that reached the transcript. */
  recordTurn(conversation: Conversation): void;
}

export function createConversations(store: Store, slots: Slots, clock: Clock): Conversations {
  const begin = (conversation: Conversation, slotId: string): AgentMemory => {
    const id = randomUUID();
    store.run(
      `INSERT INTO conversations (bot_id, room_id, slot_id, memory_id, used_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (bot_id, room_id) DO UPDATE SET memory_id = excluded.memory_id, turns = 0`,
      ...[conversation.botId, conversation.roomId, slotId, id, clock.now()],
    );
    return { kind: 'new', id };
  };

  return {
    recall(conversation) {
      const known = store.get<{ slotId: string; memoryId: string; turns: number }>(
        `SELECT slot_id AS slotId, memory_id AS memoryId, turns FROM conversations WHERE bot_id = ? AND room_id = ?`,
        ...[conversation.botId, conversation.roomId],
      );
      const slot = slots.open(known?.slotId ?? slots.newId());
      if (known && slots.hasTranscript(slot, known.memoryId)) {
        return { slot, memory: { kind: 'resume', id: known.memoryId }, stale: false };
      }
      return { slot, memory: begin(conversation, slot.id), stale: (known?.turns ?? 0) > 0 };
    },
    forget({ botId, roomId }) {
      store.run(
        'UPDATE conversations SET memory_id = ?, turns = 0 WHERE bot_id = ? AND room_id = ?',
        ...[randomUUID(), botId, roomId],
      );
    },
    recordTurn({ botId, roomId }) {
      store.run(
        'UPDATE conversations SET turns = turns + 1, used_at = ? WHERE bot_id = ? AND room_id = ?',
        ...[clock.now(), botId, roomId],
      );
    },
  };
}
