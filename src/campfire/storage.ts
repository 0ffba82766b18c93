import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../lib/errors.ts';
import { type ForeignDatabase, openForeign } from '../store/foreign.ts';

/**
 * Files that people posted, found in the storage folder of a Campfire on the same machine. Facts: campfire.md §5.
 *
 * Invariants:
 * 1. Nothing is written, and only named columns are read: keys, addresses and password digests are in the same file.
 * 2. The database shows every room to everybody, so this file keeps Campfire's rule itself: files of a room are found
 *    only for a message that Campfire has, of that author in that room, with author and bot members of it.
 */

export interface PostedFile {
  /** Campfire's id of the message that carries it. */
  messageId: number;
  author: string;
  /** As its owner named it; anything may be in it. */
  filename: string;
  mediaType: string;
  bytes: number;
  /** Of a picture that Campfire has measured; null otherwise. */
  pixels: { width: number; height: number } | null;
  postedAtMs: number;
  /** Where its bytes are. */
  path: string;
}

export interface Question {
  roomId: number;
  /** The ids of what the author said, one or several messages. */
  messageIds: readonly number[];
  authorId: number;
  botUserId: number;
  /** Messages of the room that the question quotes. */
  quotedIds: readonly number[];
}

export type FilesNear =
  /** Oldest first. `left` were posted near, too, but are beyond what one question may bring. */
  | { kind: 'found'; files: PostedFile[]; left: number; askedAtMs: number }
  /** Campfire has no such question, or would not show its room to author or bot. */
  | { kind: 'not-allowed'; reason: string }
  | { kind: 'unreadable'; problem: string };

export interface CampfireStorage {
  /** Files posted in the room shortly before the question, or quoted by it; the author's own also shortly after. */
  filesNear(question: Question): FilesNear;
  /** What keeps it from being read now; null when nothing does. */
  problem(): string | null;
}

/** People post a file, then look for words; another person's file is as often what is meant. */
const beforeMs = 10 * 60_000;
/** The composer starts uploads and text together, so that a file may land after the text that speaks of it. */
const afterMs = 30_000;
const filesMax = 10;
/** Ids of all rooms count up together: this many before the question bound the search whatever the room's size. */
const idsBefore = 5_000;
const botRole = 2;

/** Both layouts that there are: the volume of a container (`db/`, `files/`), and the folder that has it as `storage/`. */
const layouts = ['', 'storage'];

/** `folder` need not exist yet: Campfire may start after this service. */
export function openCampfireStorage(folder: string): CampfireStorage {
  const root = () => layouts.map((part) => join(folder, part)).find((at) => existsSync(databaseIn(at)));
  const read = <T>(
    work: (database: ForeignDatabase, files: string) => T,
  ): { read: T } | { problem: string } => {
    const at = root();
    if (at === undefined) return { problem: `there is no db/production.sqlite3 in ${folder}` };
    try {
      using database = openForeign(databaseIn(at));
      return { read: work(database, join(at, 'files')) };
    } catch (error) {
      return { problem: messageOf(error) };
    }
  };
  return {
    filesNear(question) {
      const looked = read((database, files) => filesNear(database, files, question));
      return 'read' in looked ? looked.read : { kind: 'unreadable', ...looked };
    },
    problem() {
      const looked = read(missingColumns);
      return 'read' in looked ? looked.read : looked.problem;
    },
  };
}

function databaseIn(root: string): string {
  return join(root, 'db/production.sqlite3');
}

function filesNear(database: ForeignDatabase, files: string, question: Question): FilesNear {
  const refusal = refusalOf(database, question);
  if (refusal !== null) return { kind: 'not-allowed', reason: refusal };
  const said = database.all<{ id: number; at: string }>(
    `SELECT id, created_at AS at FROM messages
     WHERE id IN (SELECT value FROM json_each(?)) AND room_id = ? AND creator_id = ? ORDER BY created_at`,
    ...[JSON.stringify(question.messageIds), question.roomId, question.authorId],
  );
  const [first, last] = [said[0], said.at(-1)];
  if (!first || !last || said.length !== question.messageIds.length)
    return { kind: 'not-allowed', reason: 'Campfire has no such message' };
  const askedAtMs = timeOf(last.at);
  const rows = database.all<FileRow>(
    filesSql(database),
    ...[JSON.stringify(question.quotedIds), first.id - idsBefore, question.roomId, botRole],
    ...[textOf(timeOf(first.at) - beforeMs), last.at, question.authorId, textOf(askedAtMs + afterMs)],
  );
  const near = rows.slice(0, filesMax).reverse();
  return {
    kind: 'found',
    files: near.map((row) => postedFile(row, files)),
    left: rows.length - near.length,
    askedAtMs,
  };
}

function refusalOf(database: ForeignDatabase, { roomId, authorId, botUserId }: Question): string | null {
  const members = database.all(
    'SELECT DISTINCT user_id FROM memberships WHERE room_id = ? AND user_id IN (?, ?)',
    ...[roomId, authorId, botUserId],
  );
  if (members.length !== 2) return 'author or bot is not a member of the room';
  const active = database.columnsOf('users').has('status') ? 'status = 0' : 'active = 1';
  const present = database.all(`SELECT 1 FROM users WHERE id = ? AND ${active}`, authorId);
  return present.length === 1 ? null : 'the author is not active';
}

interface FileRow {
  id: number;
  author: string;
  at: string;
  key: string;
  filename: string;
  mediaType: string | null;
  bytes: number;
  metadata: string | null;
}

/** Newest first. A bot's own files are found only when they are quoted. */
function filesSql(database: ForeignDatabase): string {
  // Messages may be searched by id alone (the plus sign): an index over a room of years would be read as a whole.
  return `
    WITH quoted AS (SELECT value AS id FROM json_each(?1))
    SELECT m.id, u.name AS author, m.created_at AS at, b.key, b.filename, b.content_type AS mediaType,
           b.byte_size AS bytes, ${database.columnsOf('active_storage_blobs').has('metadata') ? 'b.metadata' : 'NULL'} AS metadata
    FROM messages m
    JOIN users u ON u.id = m.creator_id
    JOIN active_storage_attachments a ON a.record_type = 'Message' AND a.record_id = m.id AND a.name = 'attachment'
    JOIN active_storage_blobs b ON b.id = a.blob_id
    WHERE (m.id >= ?2 OR m.id IN (SELECT id FROM quoted)) AND +m.room_id = ?3
      AND (m.id IN (SELECT id FROM quoted)
        OR (u.role <> ?4 AND m.created_at >= ?5
          AND (m.created_at <= ?6 OR (m.creator_id = ?7 AND m.created_at <= ?8))))
    ORDER BY m.created_at DESC, m.id DESC LIMIT 100`;
}

function postedFile(row: FileRow, files: string): PostedFile {
  const { id, author, at, key, filename, mediaType, bytes, metadata } = row;
  // The disk service names files by their key; one of any other form is not among them.
  const path = /^[a-z0-9]{8,64}$/i.test(key) ? join(files, key.slice(0, 2), key.slice(2, 4), key) : '';
  const type = mediaType ?? 'application/octet-stream';
  return {
    ...{ messageId: id, author, filename, mediaType: type, bytes, pixels: pixelsIn(metadata) },
    ...{ postedAtMs: timeOf(at), path },
  };
}

function pixelsIn(metadata: string | null): PostedFile['pixels'] {
  try {
    const { width, height } = JSON.parse(metadata ?? '{}') as Record<string, unknown>;
    return typeof width === 'number' && typeof height === 'number' ? { width, height } : null;
  } catch {
    return null;
  }
}

/** Rails writes UTC, `2026-11-24 14:00:00.123456`. */
function timeOf(text: string): number {
  return Date.parse(`${text.replace(' ', 'T')}Z`);
}

function textOf(atMs: number): string {
  return new Date(atMs).toISOString().replace('T', ' ').replace('Z', '');
}

const needed: Record<string, readonly string[]> = {
  messages: ['id', 'room_id', 'creator_id', 'created_at'],
  memberships: ['room_id', 'user_id'],
  users: ['id', 'name', 'role'],
  active_storage_attachments: ['record_type', 'record_id', 'name', 'blob_id'],
  active_storage_blobs: ['id', 'key', 'filename', 'content_type', 'byte_size'],
};

/** A Campfire whose tables have changed is told apart from one that cannot be reached. */
function missingColumns(database: ForeignDatabase): string | null {
  const missing = Object.entries(needed).flatMap(([table, columns]) => {
    const there = database.columnsOf(table);
    return columns.filter((column) => !there.has(column)).map((column) => `${table}.${column}`);
  });
  return missing.length === 0 ? null : `its database has no ${missing.join(', ')}`;
}
