import { statfsSync } from 'node:fs';
import type { Cancel, Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Store } from './sqlite.ts';
import { storeTrouble } from './trouble.ts';

/**
 * 64 MB of the disk that belong to the database, whoever fills the rest. They are held inside its own files, where no
 * other program can take them in the moment in which they are needed: as rows of zeroes that are given up when the
 * disk runs full, and as a write-ahead log that is already as long as it gets between two checkpoints. On a disk
 * without a free byte that is enough for tens of thousands of commits.
 *
 * Invariants:
 * 1. While the reserve could not be held, or is given up, nothing new is to be accepted; what was accepted goes on.
 * 2. Given up, it is filled again before anything new is accepted; and after any trouble nothing is before all that was
 *    committed is on disk.
 * 3. A damaged file stays damaged until the service is started anew.
 */

const megabyte = 1024 * 1024;
const heldBytesFull = 56 * megabyte;
/** Small, so that nothing waits long for one on a slow disk. */
const rowBytes = 256 * 1024;
const logBytes = 8 * megabyte;
/** What a transaction keeps in SQLite's page cache (2 MB) does not reach the log before its end. */
const cachedBytes = 3 * megabyte;
/** What agents, logs and the like must leave before the reserve is given up. */
const lowWaterBytes = 8 * megabyte;

const checkPeriodMs = 1000;
/** The shortest pause between two rows while the reserve is filled. */
const fillPeriodMs = 10;
/** How much longer than writing a row its pause is: a slow disk is left to those who wait for it. */
const idleShare = 20;

export interface SpaceReading {
  freeBytes: number;
  /** Of the reserve. */
  heldBytes: number;
}

/** What is to be done about the disk, and the numbers that say so. */
export type SpaceDecision = { freeBytes: number; heldBytes: number } & (
  | { kind: 'whole' }
  /** The reserve is not whole, but there is room for the rest of it. */
  | { kind: 'fill' }
  | { kind: 'full' }
);

/** Pure: how things stand. Twice the low water is asked for what is missing, so that nothing swings. */
export function decideSpace({ freeBytes, heldBytes }: SpaceReading): SpaceDecision {
  const reading = { freeBytes, heldBytes };
  if (freeBytes < lowWaterBytes) return { kind: 'full', ...reading };
  const missingBytes = heldBytesFull - heldBytes;
  if (missingBytes <= 0) return { kind: 'whole', ...reading };
  return { kind: freeBytes >= missingBytes + 2 * lowWaterBytes ? 'fill' : 'full', ...reading };
}

export type StorageState =
  | { kind: 'ok' }
  | { kind: 'full'; freeBytes: number }
  /** The disk gives errors; every check tries again. */
  | { kind: 'failing'; problem: string }
  | { kind: 'damaged'; problem: string };

export interface StorageGuard {
  state(): StorageState;
  stop(): void;
}

export interface StorageGuardParts {
  store: Store;
  dataDir: string;
  clock: Clock;
  onChange: (state: StorageState) => void;
  /** Bytes free for this process; for tests. */
  freeBytes?: () => number;
}

/** Takes the first look at once, then one every second, and hears of every statement that failed. */
export function guardStorage({ store, dataDir, clock, onChange, ...given }: StorageGuardParts): StorageGuard {
  const freeBytes = given.freeBytes ?? (() => freeBytesOn(dataDir));
  let state: StorageState = { kind: 'ok' };
  let cancel: Cancel = () => {};
  let stopped = false;

  const become = (next: StorageState): void => {
    const changed = next.kind !== state.kind;
    state = next;
    if (changed) onChange(next);
  };

  // At once, up to where trouble is to be over: that waits for the disk.
  const check = async (): Promise<void> => {
    cancel();
    if (state.kind === 'damaged') return;
    let periodMs = checkPeriodMs;
    try {
      const decision = decideSpace({ freeBytes: freeBytes(), heldBytes: heldBytes(store) });
      if (decision.kind === 'full') {
        if (decision.heldBytes > 0) store.run('DELETE FROM reserve');
        become({ kind: 'full', freeBytes: decision.freeBytes });
      } else {
        if (decision.kind === 'fill') {
          const startedMs = clock.monotonicMs();
          addRow(store);
          const tookMs = clock.monotonicMs() - startedMs;
          // While nothing is accepted anyway, being whole again comes first.
          periodMs = Math.max(fillPeriodMs, tookMs * (state.kind === 'ok' ? idleShare : 1));
        }
        // Back in order only once the reserve is whole again; a first filling has no need to wait for that.
        if (state.kind === 'ok') become({ kind: 'ok' });
        else if (decision.kind === 'whole') await recover(state);
      }
    } catch (error) {
      hear(error);
    }
    if (!stopped) cancel = clock.after(periodMs, () => void check());
  };

  /** @throws what a write or the disk says. */
  const recover = async (trouble: StorageState): Promise<void> => {
    probe(store);
    await store.synced();
    // Unless a statement failed meanwhile.
    if (state === trouble) become({ kind: 'ok' });
  };

  /** A statement failed, here or anywhere. */
  const hear = (error: unknown): void => {
    if (state.kind === 'damaged') return;
    const trouble = storeTrouble(error);
    if (trouble === 'damaged') become({ kind: 'damaged', problem: messageOf(error) });
    else if (trouble === 'io') become({ kind: 'failing', problem: messageOf(error) });
    else if (trouble === 'full') become({ kind: 'full', freeBytes: freeBytes() });
  };

  store.onFailure(hear);
  prepare(store, hear);
  void check();
  return {
    state: () => state,
    stop() {
      stopped = true;
      cancel();
      cancel = () => {};
      store.onFailure(() => {});
    },
  };
}

/** A table of the store's own, and a log that is long enough: what is rolled back leaves its length behind. */
function prepare(store: Store, hear: (error: unknown) => void): void {
  try {
    store.run('CREATE TABLE IF NOT EXISTS reserve (filler BLOB NOT NULL) STRICT');
    store.transaction(() => {
      for (let written = 0; written < logBytes + cachedBytes; written += rowBytes) addRow(store);
      throw new RollBack();
    });
  } catch (error) {
    if (!(error instanceof RollBack)) hear(error);
  }
}

class RollBack extends Error {}

function heldBytes(store: Store): number {
  return (store.get<{ n: number }>('SELECT count(*) AS n FROM reserve')?.n ?? 0) * rowBytes;
}

function addRow(store: Store): void {
  store.run('INSERT INTO reserve (filler) VALUES (zeroblob(?))', rowBytes);
}

/** @throws what a write throws. */
function probe(store: Store): void {
  store.transaction(() => {
    store.run('INSERT INTO reserve (filler) VALUES (zeroblob(1))');
    store.run('DELETE FROM reserve WHERE length(filler) = 1');
  });
}

function freeBytesOn(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}
