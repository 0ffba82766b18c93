import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createDiskBytes } from '../../src/downloads/bytes.ts';
import { createDownloads, type DownloadLimits, type Downloads } from '../../src/downloads/downloads.ts';
import { downloadMigrations } from '../../src/downloads/schema.ts';
import { createSqliteFileIndex } from '../../src/downloads/sqlite.ts';
import type { WorkFolder } from '../../src/downloads/work-file.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { openStore } from '../../src/store/sqlite.ts';
import type { LifecycleEvent } from '../../src/telemetry/events.ts';
import { tempFolder } from './temp.ts';

export const publicUrl = 'https://bots.example/ai';

export interface DownloadsStage {
  downloads: Downloads;
  events: LifecycleEvent[];
  /** Of a conversation, and the folder that nobody but the service may change. */
  work: WorkFolder;
  /** Where the bytes are. */
  store: string;
}

/** Real downloads over a store in memory and bytes on disk. */
export function setDownloads(
  t: Pick<TestContext, 'after'>,
  clock: Clock,
  given: { limits?: Partial<DownloadLimits>; publicUrl?: string | null; secrets?: string[] } = {},
): DownloadsStage {
  const root = tempFolder(t);
  const anchor = join(root, 'sessions');
  const work = { path: join(anchor, 'slot/work'), anchor };
  mkdirSync(work.path, { recursive: true });
  const database = openStore(':memory:', downloadMigrations);
  t.after(() => database.close());
  const events: LifecycleEvent[] = [];
  const store = join(root, 'downloads');
  const downloads = createDownloads({
    index: createSqliteFileIndex(database),
    bytes: createDiskBytes(store),
    limits: {
      ...{ fileMaxBytes: 1_048_576, conversationMaxBytes: 10_000_000, totalMaxBytes: 20_000_000 },
      ...{ linkTtlMs: 3_600_000, ...given.limits },
    },
    publicUrl: given.publicUrl === undefined ? publicUrl : given.publicUrl,
    secrets: () => given.secrets ?? [],
    clock,
    emit: (event) => events.push(event),
  });
  return { downloads, events, work, store };
}
