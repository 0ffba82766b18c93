import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

/**
 * Another program's live database, for reading. What was measured on a database in WAL mode, as Campfire's is: while
 * its owner runs, it can be read on a read-only mount and without write rights, and shows what was committed last.
 * Once the owner has closed it properly, a read-only mount cannot be opened ("unable to open database file"), because
 * SQLite would have to make the `-shm` file anew. `immutable=1` would open it, and read torn pages of a live one.
 */
export interface ForeignDatabase extends Disposable {
  all<T>(sql: string, ...values: SQLInputValue[]): T[];
  /** The names of a table's columns; none when there is no such table. */
  columnsOf(table: string): Set<string>;
}

/** The owner's own writes are never waited for in WAL mode; this is for the moment in which it recovers its log. */
const busyTimeoutMs = 200;

/**
 * Opens the database read-only; dispose it soon, because a restore of the owner's may put another file in its place.
 * @throws Error of SQLite when the file is missing, damaged or cannot be opened now.
 */
export function openForeign(path: string): ForeignDatabase {
  const database = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
  try {
    database.exec('PRAGMA query_only = ON');
  } catch (error) {
    database.close();
    throw error;
  }
  return {
    all: <T>(sql: string, ...values: SQLInputValue[]) =>
      database
        .prepare(sql)
        .all(...values)
        .map((row) => ({ ...row }) as T),
    columnsOf: (table) =>
      new Set(
        database
          .prepare('SELECT name FROM pragma_table_info(?)')
          .all(table)
          .map(({ name }) => String(name)),
      ),
    [Symbol.dispose]: () => database.close(),
  };
}
