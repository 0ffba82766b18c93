import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, OperatorError } from '../lib/errors.ts';
import { storeTrouble } from './trouble.ts';

/** One service's right to a data folder, and the name by which its processes are recognised. */
export interface DataFolder {
  path: string;
  /** Made once per folder; two services on one machine never have the same, a copy of the folder gets another. */
  instance: string;
  /** Also released by the kernel when the process ends, however it ends. */
  release(): void;
}

/**
 * Takes the folder for this process, making it if it is missing.
 * @throws OperatorError `data_dir_in_use` naming the holder's pid; `data_dir_unusable` when it cannot be written.
 */
export function holdDataFolder(path: string): DataFolder {
  const holderFile = join(path, 'service.pid');
  const lock = openLock(path);
  try {
    // Node has no flock; SQLite's exclusive lock is one that dies with its holder. Without a journal it needs no room.
    lock.exec(
      'PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE',
    );
  } catch (error) {
    lock.close();
    if (storeTrouble(error) !== null) throw unusable(path, error);
    throw new OperatorError(
      'data_dir_in_use',
      `The data folder ${path} is in use by another service (pid ${holderOf(holderFile)}).`,
      'Stop that one first, or give this one a DATA_DIR of its own.',
      { cause: error },
    );
  }
  try {
    writeHolder(holderFile);
    return { path, instance: instanceOf(path), release: () => lock.close() };
  } catch (error) {
    lock.close();
    throw unusable(path, error);
  }
}

/** The pid of the service that holds the folder; null when none does. Takes nothing. */
export function holderOfDataFolder(path: string): string | null {
  const file = join(path, 'service.lock');
  if (!existsSync(file)) return null;
  const lock = new DatabaseSync(file, { readOnly: true });
  try {
    lock.exec('PRAGMA busy_timeout = 0; SELECT count(*) FROM sqlite_schema');
    return null;
  } catch {
    return holderOf(join(path, 'service.pid'));
  } finally {
    lock.close();
  }
}

function openLock(path: string): DatabaseSync {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return new DatabaseSync(join(path, 'service.lock'));
  } catch (error) {
    throw unusable(path, error);
  }
}

function unusable(path: string, error: unknown): OperatorError {
  return new OperatorError(
    'data_dir_unusable',
    `The data folder ${path} cannot be used: ${messageOf(error)}.`,
    storeTrouble(error) === 'full'
      ? 'Its disk is full: make room there, or set DATA_DIR.'
      : 'Create it and let the service write there, or set DATA_DIR.',
    { cause: error },
  );
}

/** For people only: a disk without room for it must not keep the service from starting. */
function writeHolder(file: string): void {
  try {
    writeFileSync(file, `${process.pid}\n`);
  } catch (error) {
    if (storeTrouble(error) !== 'full') throw error;
  }
}

function holderOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim() || 'unknown';
  } catch {
    return 'unknown';
  }
}

/** A copied folder must not claim the original's processes: the name holds only in the very folder it was made in. */
function instanceOf(path: string): string {
  const file = join(path, 'instance');
  const { dev, ino } = statSync(path);
  const folder = `-${dev.toString(36)}-${ino.toString(36)}`;
  const known = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  if (known.endsWith(folder)) return known;
  const fresh = `${randomBytes(8).toString('hex')}${folder}`;
  writeFileSync(file, fresh);
  return fresh;
}
