import type { Clock } from '../lib/clock.ts';
import type { Store } from '../store/sqlite.ts';
import type { Mail } from './mail.ts';
import { createMailbox } from './sqlite-mailbox.ts';
import { createOutbox } from './sqlite-outbox.ts';
import { replay } from './sqlite-replay.ts';

/** Mail in the embedded database, whose migrations must include those of `schema.ts`. */
export function createSqliteMail(store: Store, clock: Clock): Mail {
  return {
    ...createMailbox(store, clock),
    ...createOutbox(store, clock),
    async replay(of, force) {
      return store.transaction(() => replay(store, of, force, clock.now()));
    },
  };
}
