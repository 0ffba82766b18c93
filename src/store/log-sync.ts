import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Waits for the disk on behalf of commits that did not, and leaves the event loop free meanwhile: the write-ahead log
 * holds every commit from the moment in which its statement returned, so that is the file to be synced.
 *
 * Invariants:
 * 1. `synced` resolves only after a sync that began when the caller's commits were in the log. Two run at a time, so that
 *    who comes while one is under way need not wait for its end first; who comes while two are shares the next.
 * 2. The kernel tells of a failed sync once and may then take the lost pages for written; so one that was under way when
 *    another failed has failed as well, and nothing counts as kept after it before the log was carried over into the
 *    database and that was synced.
 */
export interface LogSync {
  /** Resolves when all that was committed before the call is on disk. @throws what the disk says. */
  synced(): Promise<void>;
  /** Once what is under way or queued has ended. */
  close(): void;
}

/** Each takes one of the four threads that all work on files shares. */
const atOnceMax = 2;

/**
 * `database` is the open database's path. `carryOver` writes the log into the database, synced, and sees to it that
 * nothing is read from the log as it was; or throws. `sync` is for tests.
 */
export function createLogSync(database: string, carryOver: () => void, sync = syncData): LogSync {
  syncFolder(dirname(database));
  const log = openSync(`${database}-wal`, 'r');
  const running = new Set<Promise<void>>();
  let next: PromiseWithResolvers<void> | null = null;
  let failures = 0;
  let lastFailure: unknown;
  let carriedOver = 0;

  const syncOnce = async () => {
    const before = failures;
    if (carriedOver < before) {
      carryOver();
      carriedOver = before;
      return;
    }
    try {
      await sync(log);
    } catch (error) {
      failures++;
      lastFailure = error;
      throw error;
    }
    if (failures > before) throw lastFailure;
  };
  const start = (): Promise<void> => {
    const one = syncOnce().finally(() => {
      running.delete(one);
      const waiting = next;
      next = null;
      if (waiting) start().then(waiting.resolve, waiting.reject);
    });
    running.add(one);
    return one;
  };

  return {
    synced() {
      if (running.size < atOnceMax && next === null) return start();
      next ??= Promise.withResolvers();
      return next.promise;
    },
    close() {
      const close = () => closeSync(log);
      if (running.size === 0) close();
      else void Promise.allSettled([...running, next?.promise]).then(close);
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
