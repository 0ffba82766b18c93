import type { Clock } from '../lib/clock.ts';
import type { Migration, Store } from '../store/sqlite.ts';
import type { Conversation } from './mail.ts';

/**
 * What is kept of conversations beyond their mail, and for how long mail itself is kept.
 *
 * Invariants:
 * 1. Only what is settled is pruned, and only in conversations that have nothing to send: nobody asks for it again
 *    but a repeated webhook and the catch-up, and neither is about messages that old.
 * 2. One step is small: it holds the database for a few milliseconds, however much there is to prune.
 */

export const historyMigrations: readonly Migration[] = [
  {
    version: 9,
    // messages_queued answers what is asked with every webhook, how many wait, from the index alone.
    sql: `
      CREATE TABLE rooms_seen (
        bot_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        name TEXT,
        seen_at INTEGER NOT NULL,
        PRIMARY KEY (bot_id, room_id)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX turns_settled ON turns (settled_at) WHERE state = 'settled';
      CREATE INDEX messages_queued ON messages (bot_id, room_id, at_once, received_at, noticed_by)
        WHERE turn_id IS NULL;
    `,
  },
];

/** A room from which Campfire once delivered a message for the bot. */
export interface SeenRoom extends Conversation {
  /** Null in a direct room, which has no name. */
  name: string | null;
}

/** Which messages of a conversation are on record; null where there are none. */
export interface KnownRange {
  /** The newest one that had arrived before the given time. */
  newestBefore: number | null;
  oldest: number | null;
}

export interface MailHistory {
  /** Notes the room; writes only when there is something new to note. */
  see(room: SeenRoom): void;
  /** The rooms of a bot, those seen last first. */
  rooms(botId: string, max: number): SeenRoom[];
  /** Campfire's ids of what is known, `before` in epoch ms. */
  known(conversation: Conversation, before: number): KnownRange;
  /** Deletes at most `max` turns that were settled before that time, with all that belongs to them. */
  prune(settledBefore: number, max: number): number;
  /** Whether nothing waits, runs or has to be sent. */
  isQuiet(conversation: Conversation): boolean;
  /** Deletes all mail of the conversation and that its room was seen. */
  forget(conversation: Conversation): void;
}

/** How old the note of a room may get before it is written anew: the catch-up reads those seen last first. */
const seenAgainMs = 86_400_000;

export function createMailHistory(store: Store, clock: Clock): MailHistory {
  return {
    see({ botId, roomId, name }) {
      const noted = store.get<{ name: string | null; seenAt: number }>(
        'SELECT name, seen_at AS seenAt FROM rooms_seen WHERE bot_id = ? AND room_id = ?',
        ...[botId, roomId],
      );
      if (noted?.name === name && clock.now() - noted.seenAt < seenAgainMs) return;
      // Lazily: the message that told of it is kept right behind, in a full commit.
      store.lazily(() =>
        store.run(
          'INSERT OR REPLACE INTO rooms_seen (bot_id, room_id, name, seen_at) VALUES (?, ?, ?, ?)',
          ...[botId, roomId, name, clock.now()],
        ),
      );
    },
    rooms: (botId, max) =>
      store.all<SeenRoom>(
        `SELECT bot_id AS botId, room_id AS roomId, name FROM rooms_seen WHERE bot_id = ?
         ORDER BY seen_at DESC LIMIT ?`,
        ...[botId, max],
      ),
    known({ botId, roomId }, before) {
      const range = store.get<KnownRange>(
        `SELECT max(CASE WHEN received_at < ? THEN message_id END) AS newestBefore, min(message_id) AS oldest
         FROM messages WHERE bot_id = ? AND room_id = ?`,
        ...[before, botId, roomId],
      );
      return range ?? { newestBefore: null, oldest: null };
    },
    prune: (settledBefore, max) => store.transaction(() => pruneOnce(store, settledBefore, max)),
    isQuiet: (conversation) => isQuiet(store, conversation),
    forget({ botId, roomId }) {
      store.transaction(() => {
        const values = [botId, roomId] as const;
        for (const table of ['outbox', 'messages', 'turns', 'rooms_seen'])
          store.run(`DELETE FROM ${table} WHERE bot_id = ? AND room_id = ?`, ...values);
      });
    },
  };
}

function pruneOnce(store: Store, settledBefore: number, max: number): number {
  const ids = store.all<{ id: number }>(
    `SELECT id FROM turns WHERE state = 'settled' AND settled_at < ? AND NOT EXISTS
       (SELECT 1 FROM outbox WHERE outbox.bot_id = turns.bot_id AND outbox.room_id = turns.room_id
          AND outbox.state IN ('pending', 'sending'))
     ORDER BY settled_at LIMIT ?`,
    ...[settledBefore, max],
  );
  const list = JSON.stringify(ids.map(({ id }) => id));
  const those = 'IN (SELECT value FROM json_each(?))';
  store.run(`DELETE FROM outbox WHERE turn_id ${those}`, list);
  store.run(`DELETE FROM messages WHERE turn_id ${those}`, list);
  store.run(`DELETE FROM turns WHERE id ${those}`, list);
  return ids.length;
}

function isQuiet(store: Store, { botId, roomId }: Conversation): boolean {
  const open = store.get<{ n: number }>(
    `SELECT EXISTS (SELECT 1 FROM messages WHERE bot_id = ?1 AND room_id = ?2 AND turn_id IS NULL)
       + EXISTS (SELECT 1 FROM turns WHERE bot_id = ?1 AND room_id = ?2 AND state = 'running')
       + EXISTS (SELECT 1 FROM outbox WHERE bot_id = ?1 AND room_id = ?2 AND state IN ('pending', 'sending')) AS n`,
    ...[botId, roomId],
  );
  return open?.n === 0;
}
