import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mailMigrations } from '../../src/mail/schema.ts';
import { createSqliteUsage } from '../../src/mail/sqlite-usage.ts';
import { openStore } from '../../src/store/sqlite.ts';
import { usageContract } from '../contract/usage.ts';

usageContract('sqlite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'campfire-ai-bot-'));
  const path = join(folder, 'service.db');
  let store = openStore(path, mailMigrations);
  return {
    usage: createSqliteUsage(store),
    async reopen() {
      store.close();
      store = openStore(path, mailMigrations);
      return createSqliteUsage(store);
    },
    async close() {
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});
