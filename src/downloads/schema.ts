import type { Migration } from '../store/sqlite.ts';

/** What is known of kept files. `position` is the order of adding. */
export const downloadMigrations: readonly Migration[] = [
  {
    version: 11,
    sql: `
      CREATE TABLE downloads (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        bot_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        turn_id TEXT NOT NULL,
        kept_as TEXT NOT NULL CHECK (kept_as IN ('link', 'attachment')),
        token_hash TEXT UNIQUE,
        source TEXT NOT NULL,
        name TEXT NOT NULL,
        title TEXT NOT NULL,
        media_type TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        digest TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        used_at INTEGER NOT NULL,
        hits INTEGER NOT NULL DEFAULT 0
      ) STRICT;
      CREATE INDEX downloads_of_conversation ON downloads (bot_id, room_id, turn_id, bytes);
      CREATE INDEX downloads_expiry ON downloads (expires_at);
    `,
  },
];
