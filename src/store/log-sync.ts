import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Waits for the disk on behalf of commits that did not, and leaves the event loop free meanwhile: the write-ahead log
 * holds every commit from the moment in which its statement returned, so that is the file to be synced.
 *
 * Invariants:
 * 1. `synced` resolves only after a sync that began when the caller's commits were in the log: who comes while one is
 *    under way waits for the next, and all who do share that one.
 * 2. The kernel tells of a failed sync once and may then take the lost pages for written; so nothing counts as kept
 *    after one before the log was carried over into the database and that was synced.
 */
export interface LogSync {
  /** Resolves when all that was committed before the call is on disk. @throws what the disk says. */
  synced(): Promise<void>;
  /** Once what is under way or queued has ended. */
  close(): void;
}

/**
 * `database` is the open database's path. `carryOver` writes the log into the database, synced, and sees to it that
 * nothing is read from the log as it was; or throws.
 */
export function createLogSync(database: string, carryOver: () => void): LogSync {
  syncFolder(dirname(database));
  const log = openSync(`${database}-wal`, 'r');
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  let failed = false;

  const syncOnce = async () => {
    if (failed) {
      carryOver();
      failed = false;
      return;
    }
    try {
      await syncData(log);
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const start = () => {
    running = syncOnce().finally(() => {
      running = null;
    });
    return running;
  };
  const afterThisOne = (one: Promise<void>) =>
    one
      .catch(() => {})
      .then(() => {
        next = null;
        return start();
      });

  return {
    synced() {
      // A queued sync has not begun, even if the one before it has just ended.
      if (next !== null) return next;
      if (running === null) return start();
      next = afterThisOne(running);
      return next;
    },
    close() {
      const close = () => closeSync(log);
      const last = next ?? running;
      if (last === null) close();
      else void last.then(close, close);
    },
  };
}

/** The log's name may be as new as its content. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function syncData(file: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(file, (error) => (error ? reject(error) : resolve()));
  });
}
