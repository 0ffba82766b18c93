import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, OperatorError } from '../lib/errors.ts';
import { assertSound } from './sqlite.ts';

/**
 * Copies of the database, made and put back by an operator.
 *
 * 1. A copy is one moment of a database that others may be writing: one read transaction sees all of it.
 * 2. A file of its name appears only once it is whole and on disk.
 * 3. What is replaced is kept beside.
 */

/**
 * Copies the database at `path` to `target`, without stopping who uses it.
 * @throws OperatorError when there is no database, `target` exists, or the copy cannot be written.
 */
export function backUpStore(path: string, target: string): void {
  if (!existsSync(path)) {
    const remedy = 'Set DATA_DIR to the folder of the service.';
    throw new OperatorError('no_store', `There is no database ${path}.`, remedy);
  }
  if (existsSync(target)) {
    const remedy = 'Name a file that does not exist yet: a backup overwrites nothing.';
    throw new OperatorError('backup_exists', `${target} is already there.`, remedy);
  }
  const draft = `${target}.part`;
  try {
    rmSync(draft, { force: true });
    using source = new DatabaseSync(path, { readOnly: true });
    source.exec('PRAGMA busy_timeout = 5000');
    source.prepare('VACUUM INTO ?').run(draft);
    withoutReserve(draft);
    assertWhole(draft);
    putInPlace(draft, target);
  } catch (error) {
    rmSync(draft, { force: true });
    throw new OperatorError(
      'backup_failed',
      `The backup could not be made: ${messageOf(error)}.`,
      `Check that there is room in ${dirname(target)} and that it may be written.`,
      { cause: error },
    );
  }
}

/**
 * Puts a copy in the place of the database at `path`, whose folder the caller holds. Returns where the one before is
 * kept now; null if there was none.
 * @throws OperatorError when the file is no sound database or of a newer schema than `newestSchema`.
 */
export function restoreStore(
  file: string,
  path: string,
  { newestSchema, keepAs }: { newestSchema: number; keepAs: string },
): string | null {
  const schema = schemaOf(file);
  if (schema > newestSchema) {
    throw new OperatorError(
      'backup_newer',
      `${file} has schema ${schema}, but this version knows only ${newestSchema}.`,
      'Install the version that made the backup, or a newer one.',
    );
  }
  const draft = `${path}.restoring`;
  copyFileSync(file, draft);
  const kept = existsSync(path) ? keepAs : null;
  // The log belongs to the file that it stands beside: with another one it would be garbage.
  for (const suffix of ['', '-wal', '-shm']) {
    if (kept && existsSync(path + suffix)) renameSync(path + suffix, kept + suffix);
    rmSync(path + suffix, { force: true });
  }
  putInPlace(draft, path);
  return kept;
}

function schemaOf(file: string): number {
  if (!existsSync(file)) {
    throw new OperatorError('no_backup', `There is no file ${file}.`, 'Name a file that `backup` made.');
  }
  try {
    return assertWhole(file);
  } catch (error) {
    throw new OperatorError(
      'backup_damaged',
      `${file} is no sound database: ${messageOf(error)}.`,
      'Take another backup. Nothing was changed.',
      { cause: error },
    );
  }
}

/** The schema's version. @throws when the file is not sound. */
function assertWhole(file: string): number {
  using database = new DatabaseSync(file, { readOnly: true });
  assertSound(database);
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version === 0) throw new Error('it holds nothing of this service');
  return version;
}

/** The reserve is room on the disk of the service; in a copy it would only be zeroes. */
function withoutReserve(file: string): void {
  using database = new DatabaseSync(file);
  database.exec('DROP TABLE IF EXISTS reserve; VACUUM; PRAGMA journal_mode = DELETE');
}

/** Whatever happens, there is the old file of this name or the new one, whole. */
function putInPlace(draft: string, target: string): void {
  sync(draft);
  renameSync(draft, target);
  sync(dirname(join(target)));
}

function sync(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
