import type { Migration, Store } from '../store/sqlite.ts';
import type { Mark, Marks } from './marks.ts';

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
  { version: 17, sql: 'CREATE INDEX marks_of_conversation ON marks (bot_id, room_id)' },
];

/** Marks in the embedded database, beside the tables of `schema.ts`. */
export function createSqliteMarks(store: Store): Marks {
  return {
    async put({ message, botId, roomId, messageId, markId, setAt }) {
      store.lazily(() =>
        store.run(
          `INSERT OR REPLACE INTO marks (message, bot_id, room_id, campfire_message_id, campfire_mark_id, set_at)
           VALUES (?, ?, ?, ?, ?, ?)`,
          ...[message, botId, roomId, messageId, markId, setAt],
        ),
      );
    },
    async over(conversation) {
      return store.all<Mark>(
        `SELECT message, marks.bot_id AS botId, marks.room_id AS roomId, campfire_message_id AS messageId,
                campfire_mark_id AS markId, set_at AS setAt
         FROM marks LEFT JOIN messages ON messages.id = message LEFT JOIN turns ON turns.id = turn_id
         WHERE (messages.id IS NULL OR turns.state = 'settled')
           ${conversation ? 'AND marks.bot_id = ? AND marks.room_id = ?' : ''}`,
        ...(conversation ? [conversation.botId, conversation.roomId] : []),
      );
    },
    async drop({ message }) {
      store.lazily(() => store.run('DELETE FROM marks WHERE message = ?', message));
    },
  };
}
