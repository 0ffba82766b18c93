import type { Settings } from '../config/settings.ts';
import { createDownloads, type Downloads } from '../downloads/downloads.ts';
import type { ByteStore, FileIndex } from '../downloads/kept.ts';
import type { Clock } from '../lib/clock.ts';
import type { Emit } from '../telemetry/events.ts';

/** What one conversation, and all together, may keep for people. */
const conversationFilesMaxBytes = 256 * 1024 * 1024;
const allFilesMaxBytes = 1024 * 1024 * 1024;

export function buildDownloads(parts: {
  settings: Settings;
  index: FileIndex;
  bytes: ByteStore;
  secrets: Set<string>;
  clock: Clock;
  emit: Emit;
}): Downloads {
  const { settings, index, bytes, secrets, clock, emit } = parts;
  const { downloadMaxBytes: fileMaxBytes, downloadTtlMs: linkTtlMs, publicUrl = null } = settings;
  return createDownloads({
    ...{ index, bytes },
    limits: {
      ...{ fileMaxBytes, linkTtlMs },
      conversationMaxBytes: Math.max(conversationFilesMaxBytes, fileMaxBytes),
      totalMaxBytes: Math.max(allFilesMaxBytes, fileMaxBytes),
    },
    ...{ publicUrl, secrets: () => secrets, clock, emit },
  });
}
