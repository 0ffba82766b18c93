import { join } from 'node:path';
import { createDiskBytes } from '../downloads/bytes.ts';
import { createSqliteFileIndex } from '../downloads/sqlite.ts';
import { soleOwnership } from '../mail/ownership.ts';
import { createSqliteMail } from '../mail/sqlite.ts';
import { createSqliteHistory } from '../mail/sqlite-history.ts';
import { createSqliteMarks } from '../mail/sqlite-marks.ts';
import { createSqliteUsage } from '../mail/sqlite-usage.ts';
import { createKeptConversations } from '../sessions/kept.ts';
import { createConversations } from '../sessions/resume.ts';
import type { SharedParts, SharedState } from './shared.ts';

/**
 * The one place that decides between this machine's own database and the Redis of many.
 * @throws OperatorError when REDIS_URL is set and leads to no Redis.
 */
export async function openShared(given: Omit<SharedParts, 'bytes'>): Promise<SharedState> {
  const { redisUrl, dataDir } = given.settings;
  const parts = { ...given, bytes: createDiskBytes(join(dataDir, 'downloads')) };
  if (redisUrl === undefined) return localState(parts);
  // Loaded only here: a machine that is alone pays no memory for it.
  const { redisState } = await import('./shared-redis.ts');
  return redisState(redisUrl, parts);
}

function localState({ settings, store, slots, bytes, machine, clock }: SharedParts): SharedState {
  const mail = createSqliteMail(store, clock);
  return {
    mail,
    countMail: () => mail.counts(),
    history: createSqliteHistory(store, clock),
    marks: createSqliteMarks(store),
    usage: createSqliteUsage(store),
    conversations: createConversations(store, slots, clock),
    kept: createKeptConversations(store, settings.dataDir),
    transcripts: null,
    files: { index: createSqliteFileIndex(store), bytes },
    ownership: soleOwnership(machine),
    redis: null,
    async close() {},
  };
}
