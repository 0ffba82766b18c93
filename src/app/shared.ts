import type { Settings } from '../config/settings.ts';
import type { ByteStore, FileIndex } from '../downloads/kept.ts';
import type { Clock } from '../lib/clock.ts';
import type { MailHistory } from '../mail/history.ts';
import type { Mail, MailCounts } from '../mail/mail.ts';
import type { Marks } from '../mail/marks.ts';
import type { Ownership } from '../mail/ownership.ts';
import type { Usage } from '../mail/usage.ts';
import type { KeptConversations } from '../sessions/kept.ts';
import type { Mirror } from '../sessions/redis-mirror.ts';
import type { Conversations } from '../sessions/resume.ts';
import type { Slots } from '../sessions/slots.ts';
import type { Bells } from '../store/bells.ts';
import type { RedisStore } from '../store/redis.ts';
import type { Store } from '../store/sqlite.ts';
import type { Emit } from '../telemetry/events.ts';

/** What machines share, where there are many. What is not here is this machine's own in any case. */
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
  transcripts: Mirror | null;
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
  /** Files of this machine: the shared ones, or copies of them. */
  bytes: ByteStore;
  /** This machine's name. */
  machine: string;
  clock: Clock;
  emit: Emit;
  /** Nothing was accepted since then (epoch ms), and now it is. */
  onRedisBack: (awaySince: number) => void;
}
