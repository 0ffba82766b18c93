import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mailMigrations } from '../../src/mail/schema.ts';
import { createSqliteMail } from '../../src/mail/sqlite.ts';
import { openStore } from '../../src/store/sqlite.ts';
import { mailContract } from '../contract/mail.ts';

mailContract('sqlite', async (clock) => {
  const folder = mkdtempSync(join(tmpdir(), 'campfire-ai-bot-'));
  const path = join(folder, 'service.db');
  let store = openStore(path, mailMigrations);
  return {
    mail: createSqliteMail(store, clock),
    async reopen() {
      store.close();
      store = openStore(path, mailMigrations);
      return createSqliteMail(store, clock);
    },
    async close() {
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});
