import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDiskBytes } from '../../src/downloads/bytes.ts';
import { downloadMigrations } from '../../src/downloads/schema.ts';
import { createSqliteFileIndex } from '../../src/downloads/sqlite.ts';
import { openStore } from '../../src/store/sqlite.ts';
import { keptFilesContract } from '../contract/downloads.ts';

keptFilesContract('sqlite and disk', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'campfire-ai-bot-'));
  const path = join(folder, 'service.db');
  const bytes = () => createDiskBytes(join(folder, 'downloads'));
  let store = openStore(path, downloadMigrations);
  return {
    index: createSqliteFileIndex(store),
    bytes: bytes(),
    async reopen() {
      store.close();
      store = openStore(path, downloadMigrations);
      return { index: createSqliteFileIndex(store), bytes: bytes() };
    },
    async close() {
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});
