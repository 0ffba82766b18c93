import { existsSync, linkSync, rmSync, statSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { messageOf, OperatorError } from '../lib/errors.ts';
import { createLogSync, type LogSync } from './log-sync.ts';
import { storeTrouble } from './trouble.ts';

/**
 * The one embedded database of a service. Folders that keep state own their tables and bring the migrations
 * for them; this file knows connections, transactions and versions, but no table.
 *
 * Invariants:
 * 1. A statement that returned is on disk, but for those in `lazily`: WAL with `synchronous = FULL` (a commit is fsynced
 *    before it returns).
 * 2. One process writes: the service holds its data folder's lock, so `busy_timeout` only bridges a backup.
 * 3. Versions only grow; before a database of an older version is changed it is copied beside itself.
 */

/** One step of the schema. `version` starts at 1 and is unique over all folders; steps run in its order. */
export interface Migration {
  version: number;
  sql: string;
}

/** A row as SQLite returns it. */
export type Row = Record<string, null | number | bigint | string | Uint8Array>;

export interface Store {
  /** Runs a statement and tells how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): { changes: number };
  /** The first row, or undefined. */
  get<T = Row>(sql: string, ...values: SQLInputValue[]): T | undefined;
  all<T = Row>(sql: string, ...values: SQLInputValue[]): T[];
  /** Everything in `work` or nothing of it. Must be synchronous; nesting joins the outer transaction. */
  transaction<T>(work: () => T): T;
  /**
   * As `transaction`, but without waiting for the disk: it survives the end of this process at any moment, and is safe from
   * a power cut with the next full commit or `synced`. For what can be found out anew, or was true of this boot only.
   */
  lazily<T>(work: () => T): T;
  /**
   * Resolves when all that was committed before the call is on disk, `lazily` included. The event loop goes on meanwhile,
   * and commits that come close together share one wait.
   */
  synced(): Promise<void>;
  /** Tells one listener of every statement that failed, besides throwing its error. */
  onFailure(listener: (error: unknown) => void): void;
  close(): void;
}

/** Looking through a file of this size takes about a second; a larger one is trusted until a statement fails. */
const checkedMaxBytes = 256 * 1024 * 1024;

/**
 * A checkpoint holds up the event loop for some 10 ms, however much there is to carry over: as rarely as the log allows
 * that `space.ts` keeps room for (2,036 pages).
 */
const checkpointPages = 1800;

const busyTimeoutMs = 5000;

/**
 * Opens (or creates) the database and brings it to the newest schema.
 * @throws OperatorError `store_newer` when a newer version of the product wrote it; names the backup to restore.
 * @throws OperatorError `store_damaged` when its content is not sound, `store_unusable` when it cannot be opened.
 */
export function openStore(path: string, migrations: readonly Migration[]): Store {
  const existed = path !== ':memory:' && existsSync(path);
  const database = open(path);
  try {
    migrate(database, path, existed, migrations);
  } catch (error) {
    database.close();
    throw storeTrouble(error) === null ? error : unusable(path, error);
  }
  return storeOver(database, logOf(database, path), path);
}

function open(path: string): DatabaseSync {
  let database: DatabaseSync | null = null;
  try {
    if (path !== ':memory:') rmSync(roomOf(path), { force: true });
    database = new DatabaseSync(path);
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = ${checkpointPages};
      PRAGMA busy_timeout = ${busyTimeoutMs};
      PRAGMA foreign_keys = ON;
    `);
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size <= checkedMaxBytes) assertSound(database);
    return database;
  } catch (error) {
    database?.close();
    throw unusable(path, error);
  }
}

/**
 * SQLite deletes the log when the last connection closes, and opening a database needs room, which others may have taken
 * by then: the log's blocks stay behind under this name, until the next start needs them.
 */
function keepRoom(path: string): void {
  if (path === ':memory:') return;
  try {
    linkSync(`${path}-wal`, roomOf(path));
  } catch {
    // The start after this one needs a disk that is not full.
  }
}

function roomOf(path: string): string {
  return `${path}.room`;
}

function logOf(database: DatabaseSync, path: string): LogSync {
  if (path === ':memory:') return { synced: async () => {}, close: () => {} };
  return createLogSync(path, () => carryOver(database));
}

/**
 * Puts all that was committed where it does not hang on what the log holds on disk: into the database, synced, with the
 * log begun anew by one more commit. Until then a power cut would bring back the frames that did reach the disk, over
 * newer pages of the database. Does not wait: @throws Error while somebody reads from the log, and what the disk says.
 */
export function carryOver(database: DatabaseSync): void {
  database.exec('PRAGMA busy_timeout = 0');
  try {
    const { busy } = database.prepare('PRAGMA wal_checkpoint(RESTART)').get() as { busy: number };
    if (busy !== 0) throw new Error('The database is being read, its log cannot be carried over now.');
    database.exec(`PRAGMA user_version = ${userVersion(database)}`);
  } finally {
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  }
}

/** @throws Error when the file holds something else than what SQLite wrote. */
export function assertSound(database: DatabaseSync): void {
  const { quick_check: found } = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
  if (found !== 'ok') throw new DamagedError(found);
}

class DamagedError extends Error {
  /** SQLITE_CORRUPT, as a statement would have met it. */
  readonly errcode = 11;
}

function unusable(path: string, error: unknown): OperatorError {
  const damaged = storeTrouble(error) === 'damaged';
  return new OperatorError(
    damaged ? 'store_damaged' : 'store_unusable',
    damaged
      ? `The database ${path} is damaged: ${messageOf(error)}.`
      : `The database ${path} cannot be used: ${messageOf(error)}.`,
    damaged
      ? 'Restore a backup with `campfire-ai-bot restore FILE`, which keeps the damaged file beside it (docs/storage.md); without a backup, move it away and the service begins with an empty one.'
      : 'Check that the disk has room and that the service may write to DATA_DIR.',
    { cause: error },
  );
}

function migrate(
  database: DatabaseSync,
  path: string,
  existed: boolean,
  migrations: readonly Migration[],
): void {
  const ordered = [...migrations].sort((a, b) => a.version - b.version);
  const newest = ordered.at(-1)?.version ?? 0;
  const current = userVersion(database);
  if (current > newest) {
    throw new OperatorError(
      'store_newer',
      `The database ${path} has schema ${current}, but this version knows only ${newest}.`,
      `Start the newer version again, or stop the service and put ${backupName(path, newest)} in its place.`,
    );
  }
  if (current === newest) return;
  if (existed && current > 0) database.prepare('VACUUM INTO ?').run(freshName(backupName(path, current)));
  for (const { version, sql } of ordered) {
    if (version <= current) continue;
    database.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${version}; COMMIT`);
  }
}

function userVersion(database: DatabaseSync): number {
  const row = database.prepare('PRAGMA user_version').get() as { user_version: number };
  return row.user_version;
}

function backupName(path: string, version: number): string {
  return `${path}.schema-${version}.backup`;
}

/** VACUUM INTO refuses an existing file, and an older backup must not be lost. */
function freshName(path: string): string {
  if (!existsSync(path)) return path;
  for (let copy = 2; ; copy++) {
    if (!existsSync(`${path}.${copy}`)) return `${path}.${copy}`;
  }
}

function storeOver(database: DatabaseSync, log: LogSync, path: string): Store {
  const prepared = new Map<string, StatementSync>();
  let depth = 0;
  let listener = (_error: unknown): void => {};

  const statement = (sql: string): StatementSync => {
    const known = prepared.get(sql);
    if (known) return known;
    const fresh = database.prepare(sql);
    prepared.set(sql, fresh);
    return fresh;
  };

  const watched = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      listener(error);
      throw error;
    }
  };

  const transaction = <T>(work: () => T): T => {
    if (depth > 0) return work();
    watched(() => database.exec('BEGIN IMMEDIATE'));
    depth++;
    try {
      const result = work();
      watched(() => database.exec('COMMIT'));
      return result;
    } catch (error) {
      // A full disk may have ended the transaction already.
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    } finally {
      depth--;
    }
  };

  return {
    run: (sql, ...values) => watched(() => ({ changes: Number(statement(sql).run(...values).changes) })),
    // SQLite's rows have no prototype; people expect plain objects.
    get<T>(sql: string, ...values: SQLInputValue[]) {
      const row = watched(() => statement(sql).get(...values));
      return row && ({ ...row } as T);
    },
    all: <T>(sql: string, ...values: SQLInputValue[]) =>
      watched(() => statement(sql).all(...values)).map((row) => ({ ...row }) as T),
    transaction,
    lazily(work) {
      if (depth > 0) return work();
      // Commits stay in order: the next full one takes these along.
      database.exec('PRAGMA synchronous = NORMAL');
      try {
        return transaction(work);
      } finally {
        database.exec('PRAGMA synchronous = FULL');
      }
    },
    synced: () => syncedOrTold(log, (error) => listener(error)),
    onFailure(next) {
      listener = next;
    },
    close() {
      log.close();
      keepRoom(path);
      database.close();
    },
  };
}

async function syncedOrTold(log: LogSync, tell: (error: unknown) => void): Promise<void> {
  try {
    await log.synced();
  } catch (error) {
    tell(error);
    throw error;
  }
}
