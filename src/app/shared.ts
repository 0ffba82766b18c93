import { join } from 'node:path';
import type { TranscriptSink } from '../agent/mirror.ts';
import type { Settings } from '../config/settings.ts';
import { createDiskBytes } from '../downloads/bytes.ts';
import type { ByteStore, FileIndex } from '../downloads/kept.ts';
import { createSqliteFileIndex } from '../downloads/sqlite.ts';
import type { Clock } from '../lib/clock.ts';
import type { MailHistory } from '../mail/history.ts';
import type { Mail, MailCounts } from '../mail/mail.ts';
import type { Marks } from '../mail/marks.ts';
import { type Ownership, soleOwnership } from '../mail/ownership.ts';
import { createSqliteMail } from '../mail/sqlite.ts';
import { createSqliteHistory } from '../mail/sqlite-history.ts';
import { createSqliteMarks } from '../mail/sqlite-marks.ts';
import { createSqliteUsage } from '../mail/sqlite-usage.ts';
import type { Usage } from '../mail/usage.ts';
import { createKeptConversations, type KeptConversations } from '../sessions/kept.ts';
import { type Conversations, createConversations } from '../sessions/resume.ts';
import type { Slots } from '../sessions/slots.ts';
import type { Bells } from '../store/bells.ts';
import type { RedisStore } from '../store/redis.ts';
import type { Store } from '../store/sqlite.ts';
import type { Emit } from '../telemetry/events.ts';

/**
 * What machines share, where there are many: the one place that decides between this machine's own database and Redis.
 * What is not here is this machine's own in either case.
 */
export interface SharedState {
  mail: Mail;
  /** As `mail.counts`, and what was last known while Redis is away. */
  countMail(): Promise<MailCounts>;
  history: MailHistory;
  marks: Marks;
  usage: Usage;
  conversations: Conversations;
  kept: KeptConversations;
  /** Where transcripts are copied to; null when the agents' own files are all there is. */
  transcripts: TranscriptSink | null;
  files: { index: FileIndex; bytes: ByteStore };
  ownership: Ownership;
  /** Null for a machine that is alone. */
  redis: SharedRedis | null;
  /** Lets go of everything; call it last. */
  close(): Promise<void>;
}

export interface SharedRedis {
  store: RedisStore;
  bells: Bells;
}

export interface SharedParts {
  settings: Settings;
  /** This machine's own database. */
  store: Store;
  slots: Slots;
  /** This machine's name. */
  machine: string;
  clock: Clock;
  emit: Emit;
  /** Nothing was accepted since then (epoch ms), and now it is. */
  onRedisBack: (awaySince: number) => void;
}

/** @throws OperatorError when REDIS_URL is set and leads to no Redis. */
export async function openShared(parts: SharedParts): Promise<SharedState> {
  const { redisUrl } = parts.settings;
  if (redisUrl === undefined) return localState(parts);
  // Loaded only here: a machine that is alone pays no memory for it.
  const { redisState } = await import('./shared-redis.ts');
  return redisState(redisUrl, parts);
}

export function localBytes({ dataDir }: Settings): ByteStore {
  return createDiskBytes(join(dataDir, 'downloads'));
}

function localState({ settings, store, slots, machine, clock }: SharedParts): SharedState {
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
    files: { index: createSqliteFileIndex(store), bytes: localBytes(settings) },
    ownership: soleOwnership(machine),
    redis: null,
    async close() {},
  };
}
