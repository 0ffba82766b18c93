import type { Migration, Store } from '../store/sqlite.ts';

/**
 * Every process tree that was started and is not yet proven gone. A tree is entered before its first byte of
 * input and struck when nothing of it is left, so that the next life of the service knows what to end.
 */
export const ledgerMigrations: readonly Migration[] = [
  {
    version: 2,
    sql: `
      CREATE TABLE processes (
        tag TEXT PRIMARY KEY,
        pid INTEGER NOT NULL,
        start_ticks INTEGER NOT NULL,
        boot_id TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
  // What was entered before knows no slot; it is struck at the next start like any other.
  { version: 4, sql: "ALTER TABLE processes ADD COLUMN slot TEXT NOT NULL DEFAULT ''" },
];

export interface LedgerEntry {
  /** Unique per tree; inherited by its processes in their environment. */
  tag: string;
  pid: number;
  startTicks: number;
  bootId: string;
  /** The tree's own folder: no second tree starts there before this one is struck. */
  slot: string;
}

export interface Ledger {
  enter(entry: LedgerEntry): void;
  strike(tag: string): void;
  entries(): LedgerEntry[];
}

export function createLedger(store: Store): Ledger {
  return {
    enter({ tag, pid, startTicks, bootId, slot }) {
      // Lazily: after a power cut none of these processes is there.
      store.lazily(() =>
        store.run(
          'INSERT INTO processes (tag, pid, start_ticks, boot_id, slot) VALUES (?, ?, ?, ?, ?)',
          ...[tag, pid, startTicks, bootId, slot],
        ),
      );
    },
    strike: (tag) => void store.lazily(() => store.run('DELETE FROM processes WHERE tag = ?', tag)),
    entries: () =>
      store.all<LedgerEntry>(
        'SELECT tag, pid, start_ticks AS startTicks, boot_id AS bootId, slot FROM processes',
      ),
  };
}
