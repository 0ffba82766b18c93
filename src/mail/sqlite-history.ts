import type { Clock } from '../lib/clock.ts';
import type { Migration, Store } from '../store/sqlite.ts';
import type { KnownRange, MailHistory, SeenRoom } from './history.ts';
import type { Conversation } from './mail.ts';

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

/** How old the note of a room may get before it is written anew: the catch-up reads those seen last first. */
const seenAgainMs = 86_400_000;

/** What is kept in the embedded database, beside the tables of `schema.ts`. */
export function createSqliteHistory(store: Store, clock: Clock): MailHistory {
  return {
    async see({ botId, roomId, name }) {
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
    async rooms(botId, max) {
      return store.all<SeenRoom>(
        `SELECT bot_id AS botId, room_id AS roomId, name FROM rooms_seen WHERE bot_id = ?
         ORDER BY seen_at DESC LIMIT ?`,
        ...[botId, max],
      );
    },
    async known({ botId, roomId }, before) {
      const range = store.get<KnownRange>(
        `SELECT max(CASE WHEN received_at < ? THEN message_id END) AS newestBefore, min(message_id) AS oldest
         FROM messages WHERE bot_id = ? AND room_id = ?`,
        ...[before, botId, roomId],
      );
      return range ?? { newestBefore: null, oldest: null };
    },
    async prune(settledBefore, max) {
      return store.transaction(() => pruneOnce(store, settledBefore, max));
    },
    async isQuiet(conversation) {
      return isQuiet(store, conversation);
    },
    async forget(conversation, { evenUnfinished } = { evenUnfinished: false }) {
      return store.transaction(() => {
        if (!evenUnfinished && !isQuiet(store, conversation)) return false;
        const values = [conversation.botId, conversation.roomId] as const;
        store.run(
          'DELETE FROM outbox WHERE turn_id IN (SELECT id FROM turns WHERE bot_id = ? AND room_id = ?)',
          ...values,
        );
        for (const table of ['messages', 'turns', 'rooms_seen'])
          store.run(`DELETE FROM ${table} WHERE bot_id = ? AND room_id = ?`, ...values);
        return true;
      });
    },
  };
}

/** Not in a conversation that has something to send: its rows name what they follow. */
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
