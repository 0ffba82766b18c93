import type { Migration, Store } from '../store/sqlite.ts';

/** Marks that stand on people's messages while they wait for their outcome, so that each is taken away again. */

export const markMigrations: readonly Migration[] = [
  {
    version: 14,
    sql: `
      CREATE TABLE marks (
        message INTEGER PRIMARY KEY,
        bot_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        campfire_message_id INTEGER NOT NULL,
        campfire_mark_id INTEGER NOT NULL,
        set_at INTEGER NOT NULL
      ) STRICT;
    `,
  },
];

export interface Mark {
  /** The mailbox's name of the message. */
  message: number;
  botId: string;
  roomId: number;
  /** Campfire's ids of the message and of the mark on it. */
  messageId: number;
  markId: number;
  /** Epoch ms. */
  setAt: number;
}

export interface Marks {
  put(mark: Mark): void;
  /** Those whose message has its outcome, and nothing of that left to send; or is not on record any more. */
  over(): Mark[];
  drop(mark: Mark): void;
}

export function createMarks(store: Store): Marks {
  return {
    put({ message, botId, roomId, messageId, markId, setAt }) {
      store.lazily(() =>
        store.run(
          `INSERT OR REPLACE INTO marks (message, bot_id, room_id, campfire_message_id, campfire_mark_id, set_at)
         VALUES (?, ?, ?, ?, ?, ?)`,
          ...[message, botId, roomId, messageId, markId, setAt],
        ),
      );
    },
    over: () =>
      store.all<Mark>(
        `SELECT message, marks.bot_id AS botId, marks.room_id AS roomId, campfire_message_id AS messageId,
                campfire_mark_id AS markId, set_at AS setAt
         FROM marks LEFT JOIN messages ON messages.id = message LEFT JOIN turns ON turns.id = turn_id
         WHERE messages.id IS NULL OR turns.state = 'settled'`,
      ),
    drop: ({ message }) => void store.lazily(() => store.run('DELETE FROM marks WHERE message = ?', message)),
  };
}
