import { mentionMigrations } from '../campfire/mentions.ts';
import { downloadMigrations } from '../downloads/schema.ts';
import { mailMigrations } from '../mail/schema.ts';
import { historyMigrations } from '../mail/sqlite-history.ts';
import { markMigrations } from '../mail/sqlite-marks.ts';
import { ledgerMigrations } from '../processes/ledger.ts';
import { peakMigrations } from '../sessions/peaks.ts';
import { conversationMigrations } from '../sessions/resume.ts';
import type { Migration } from '../store/sqlite.ts';
import { postedFilesMigrations } from '../turns/posted-files.ts';
import { retentionMigrations } from '../turns/retention.ts';

/** Every step of the database's schema; each folder brings those of its own tables. */
export const migrations: readonly Migration[] = [
  ...mailMigrations,
  ...historyMigrations,
  ...markMigrations,
  ...retentionMigrations,
  ...ledgerMigrations,
  ...conversationMigrations,
  ...postedFilesMigrations,
  ...mentionMigrations,
  ...downloadMigrations,
  ...peakMigrations,
];
