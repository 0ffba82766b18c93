import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { tempFolder } from './temp.ts';

/**
 * A storage folder as Campfire keeps it (campfire.md §5): its tables as far as anybody here reads them or must not,
 * and blobs on disk. The connection stays open and in WAL mode, as Campfire's does.
 */
export interface CampfireStorageFixture {
  /** For CAMPFIRE_STORAGE. */
  folder: string;
  database: DatabaseSync;
  say(message: { id: number; roomId: number; creatorId: number; at: number }): void;
  /** A message that carries a file; the bytes are written unless `bytes` is a number, which is then only claimed. */
  postFile(
    message: { id: number; roomId: number; creatorId: number; at: number },
    file: { name: string; type: string; bytes: Uint8Array | number; pixels?: [number, number]; key?: string },
  ): void;
}

const people = [
  { id: 1, name: 'Ann', role: 0 },
  { id: 2, name: 'Ben', role: 0 },
  { id: 3, name: 'Cleo', role: 0 },
  { id: 4, name: 'Dai', role: 0 },
  { id: 900, name: 'Assistant', role: 2 },
];

/** Ann, Ben, Cleo, Dai and the bot 900; `rooms` gives the members of each. `users`: how a user is marked active. */
export function campfireStorage(
  t: TestContext,
  rooms: Record<number, number[]>,
  { users = 'status', at = '' }: { users?: 'status' | 'active'; at?: string } = {},
): CampfireStorageFixture {
  const folder = tempFolder(t);
  const root = join(folder, at);
  mkdirSync(join(root, 'db'), { recursive: true });
  const database = new DatabaseSync(join(root, 'db/production.sqlite3'));
  t.after(() => database.isOpen && database.close());
  database.exec(schemaWith(users === 'status' ? 'status integer default 0' : 'active boolean default 1'));
  const insert = (table: string, row: Record<string, string | number | null>) => {
    const names = Object.keys(row);
    const marks = names.map(() => '?').join(', ');
    database
      .prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${marks})`)
      .run(...Object.values(row));
  };
  for (const { id, name, role } of people) {
    insert('users', {
      id,
      name,
      role,
      bot_token: role === 2 ? 'Ab1Cd2Ef3Gh4' : null,
      created_at: '',
      updated_at: '',
    });
  }
  for (const [id, members] of Object.entries(rooms)) {
    for (const user of members)
      insert('memberships', { room_id: Number(id), user_id: user, created_at: '', updated_at: '' });
  }
  const say: CampfireStorageFixture['say'] = ({ id, roomId, creatorId, at: saidAt }) =>
    insert('messages', {
      ...{ id, room_id: roomId, creator_id: creatorId, client_message_id: `c${id}` },
      ...{ created_at: railsTime(saidAt), updated_at: railsTime(saidAt) },
    });
  return {
    folder,
    database,
    say,
    postFile(message, { name, type, bytes, pixels, key = randomBytes(14).toString('hex') }) {
      say(message);
      const metadata = { identified: true, ...(pixels ? { width: pixels[0], height: pixels[1] } : {}) };
      insert('active_storage_blobs', {
        ...{ id: message.id, key, filename: name, content_type: type, metadata: JSON.stringify(metadata) },
        ...{
          byte_size: typeof bytes === 'number' ? bytes : bytes.length,
          service_name: 'local',
          created_at: '',
        },
      });
      insert('active_storage_attachments', {
        ...{
          blob_id: message.id,
          record_type: 'Message',
          record_id: message.id,
          name: 'attachment',
          created_at: '',
        },
      });
      if (typeof bytes === 'number') return;
      const at = join(root, 'files', key.slice(0, 2), key.slice(2, 4));
      mkdirSync(at, { recursive: true });
      writeFileSync(join(at, key), bytes);
    },
  };
}

/** With the microseconds that Rails writes. */
function railsTime(at: number): string {
  return `${new Date(at).toISOString().replace('T', ' ').replace('Z', '')}456`;
}

function schemaWith(activity: string): string {
  return `
    PRAGMA journal_mode = WAL;
    CREATE TABLE users (id integer PRIMARY KEY, name varchar NOT NULL, role integer DEFAULT 0 NOT NULL, ${activity},
      bot_token varchar, email_address varchar, password_digest varchar, bio text,
      created_at datetime(6) NOT NULL, updated_at datetime(6) NOT NULL);
    CREATE TABLE memberships (id integer PRIMARY KEY, room_id integer NOT NULL, user_id integer NOT NULL,
      involvement varchar DEFAULT 'mentions', unread_at datetime(6), connected_at datetime(6),
      created_at datetime(6) NOT NULL, updated_at datetime(6) NOT NULL);
    CREATE UNIQUE INDEX memberships_once ON memberships (room_id, user_id);
    CREATE TABLE messages (id integer PRIMARY KEY, room_id integer NOT NULL, creator_id integer NOT NULL,
      client_message_id varchar NOT NULL, created_at datetime(6) NOT NULL, updated_at datetime(6) NOT NULL);
    CREATE INDEX messages_of_room ON messages (room_id);
    CREATE TABLE active_storage_attachments (id integer PRIMARY KEY, name varchar NOT NULL,
      record_type varchar NOT NULL, record_id bigint NOT NULL, blob_id bigint NOT NULL, created_at datetime(6) NOT NULL);
    CREATE UNIQUE INDEX attachments_once ON active_storage_attachments (record_type, record_id, name, blob_id);
    CREATE TABLE active_storage_blobs (id integer PRIMARY KEY, key varchar NOT NULL, filename varchar NOT NULL,
      content_type varchar, metadata text, service_name varchar NOT NULL, byte_size bigint NOT NULL, checksum varchar,
      created_at datetime(6) NOT NULL);
    CREATE TABLE action_text_rich_texts (id integer PRIMARY KEY, record_type varchar NOT NULL, record_id bigint NOT NULL,
      name varchar NOT NULL, body text, created_at datetime(6) NOT NULL, updated_at datetime(6) NOT NULL);`;
}
