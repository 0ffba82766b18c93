import { join } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { createDiskBytes } from '../downloads/bytes.ts';
import { createDownloads, type Downloads } from '../downloads/downloads.ts';
import { createSqliteFileIndex } from '../downloads/sqlite.ts';
import type { Clock } from '../lib/clock.ts';
import type { Store } from '../store/sqlite.ts';
import type { Emit } from '../telemetry/events.ts';

/** What one conversation, and all together, may keep for people. */
const conversationFilesMaxBytes = 256 * 1024 * 1024;
const allFilesMaxBytes = 1024 * 1024 * 1024;

export function buildDownloads(parts: {
  settings: Settings;
  store: Store;
  secrets: Set<string>;
  clock: Clock;
  emit: Emit;
}): Downloads {
  const { settings, store, secrets, clock, emit } = parts;
  const { downloadMaxBytes: fileMaxBytes, downloadTtlMs: linkTtlMs, publicUrl = null } = settings;
  return createDownloads({
    index: createSqliteFileIndex(store),
    bytes: createDiskBytes(join(settings.dataDir, 'downloads')),
    limits: {
      ...{ fileMaxBytes, linkTtlMs },
      conversationMaxBytes: Math.max(conversationFilesMaxBytes, fileMaxBytes),
      totalMaxBytes: Math.max(allFilesMaxBytes, fileMaxBytes),
    },
    ...{ publicUrl, secrets: () => secrets, clock, emit },
  });
}
