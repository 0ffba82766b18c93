import type { Migration } from '../store/sqlite.ts';

/**
 * The tables of mailbox and outbox. A message belongs to at most one turn, a turn to one conversation; the partial
 * indices keep the questions that are asked with every webhook independent of how much is kept.
 *
 * A turn with attempt 0 that is not running was never given to an agent: it settled messages at once (a control word,
 * a refusal), or it is the carrier of a notice, which has no messages of its own and no outcome.
 */
export const mailMigrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE turns (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        bot_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('running', 'decided', 'settled')),
        attempt INTEGER NOT NULL,
        prompt_uuid TEXT NOT NULL,
        previous_prompt_uuid TEXT,
        outcome TEXT,
        cause TEXT,
        started_at INTEGER NOT NULL,
        decided_at INTEGER,
        settled_at INTEGER
      ) STRICT;
      CREATE UNIQUE INDEX turns_running ON turns (bot_id, room_id) WHERE state = 'running';

      CREATE TABLE messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        bot_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        message_id INTEGER,
        position INTEGER NOT NULL,
        author_id INTEGER NOT NULL,
        content TEXT NOT NULL,
        received_at INTEGER NOT NULL,
        turn_id INTEGER REFERENCES turns (id)
      ) STRICT;
      CREATE UNIQUE INDEX messages_once ON messages (bot_id, message_id) WHERE message_id IS NOT NULL;
      CREATE INDEX messages_waiting ON messages (bot_id, room_id, position, id) WHERE turn_id IS NULL;
      CREATE INDEX messages_of_turn ON messages (turn_id) WHERE turn_id IS NOT NULL;
      CREATE INDEX messages_of_conversation ON messages (bot_id, room_id, position);

      CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        turn_id INTEGER NOT NULL REFERENCES turns (id),
        bot_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        ordinal INTEGER NOT NULL,
        kind TEXT NOT NULL,
        body TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'sent', 'undeliverable')),
        tries INTEGER NOT NULL DEFAULT 0,
        due_at INTEGER NOT NULL,
        campfire_id INTEGER,
        problem TEXT,
        UNIQUE (turn_id, ordinal)
      ) STRICT;
      CREATE INDEX outbox_open ON outbox (bot_id, room_id, id) WHERE state IN ('pending', 'sending');
      CREATE INDEX outbox_open_of_turn ON outbox (turn_id) WHERE state IN ('pending', 'sending');
    `,
  },
  {
    version: 7,
    // counted: whether the message counts against its author's rate. told_at: when it was refused in words.
    // noticed_by: the carrier of its notice; no foreign key, so that a carrier may be deleted before the message.
    sql: `
      ALTER TABLE turns ADD COLUMN postponements INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE turns ADD COLUMN due_at INTEGER;
      ALTER TABLE messages ADD COLUMN from_bot INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE messages ADD COLUMN at_once INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE messages ADD COLUMN counted INTEGER NOT NULL DEFAULT 1;
      ALTER TABLE messages ADD COLUMN told_at INTEGER;
      ALTER TABLE messages ADD COLUMN noticed_by INTEGER;
      CREATE INDEX messages_counted ON messages (author_id, received_at) WHERE counted = 1;
      CREATE INDEX messages_of_bots ON messages (room_id, received_at) WHERE counted = 1 AND from_bot = 1;
      CREATE INDEX messages_told ON messages (author_id, told_at) WHERE told_at IS NOT NULL;
      CREATE INDEX messages_of_notice ON messages (noticed_by) WHERE noticed_by IS NOT NULL;
    `,
  },
  {
    version: 15,
    // usage: one row per day, bot, room and person, so that a turn adds to one row. Money is in millionths of a dollar.
    sql: `
      ALTER TABLE messages ADD COLUMN replays INTEGER NOT NULL DEFAULT 0;
      CREATE TABLE usage (
        day TEXT NOT NULL,
        bot_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        author_id INTEGER NOT NULL,
        room_name TEXT,
        author_name TEXT,
        turns INTEGER NOT NULL,
        micro_usd INTEGER NOT NULL,
        input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        cache_read_tokens INTEGER NOT NULL,
        cache_write_tokens INTEGER NOT NULL,
        PRIMARY KEY (day, bot_id, room_id, author_id)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE usage_told (
        day TEXT NOT NULL,
        what TEXT NOT NULL,
        PRIMARY KEY (day, what)
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    version: 16,
    // How many wait is asked with every webhook, so it is kept instead of counted.
    sql: `
      CREATE TABLE mail_totals (queued INTEGER NOT NULL) STRICT;
      INSERT INTO mail_totals SELECT count(*) FROM messages WHERE turn_id IS NULL AND at_once = 0;
      CREATE TRIGGER message_came AFTER INSERT ON messages WHEN NEW.turn_id IS NULL AND NEW.at_once = 0
        BEGIN UPDATE mail_totals SET queued = queued + 1; END;
      CREATE TRIGGER message_taken AFTER UPDATE OF turn_id ON messages WHEN NEW.at_once = 0
        BEGIN UPDATE mail_totals SET queued = queued + (NEW.turn_id IS NULL) - (OLD.turn_id IS NULL); END;
      CREATE TRIGGER message_deleted AFTER DELETE ON messages WHEN OLD.turn_id IS NULL AND OLD.at_once = 0
        BEGIN UPDATE mail_totals SET queued = queued - 1; END;
    `,
  },
  {
    version: 19,
    // about: the messages of a carrier's notice, as a JSON list. They may get another carrier before it is sent.
    sql: `
      ALTER TABLE turns ADD COLUMN about TEXT;
      CREATE INDEX turns_of_conversation ON turns (bot_id, room_id);
    `,
  },
];
