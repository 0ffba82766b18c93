import { after } from 'node:test';
import { createRedisMail } from '../../src/mail/redis.ts';
import { createRedisHistory } from '../../src/mail/redis-history.ts';
import { createRedisMarks } from '../../src/mail/redis-marks.ts';
import { mailMigrations } from '../../src/mail/schema.ts';
import { createSqliteMail } from '../../src/mail/sqlite.ts';
import { createSqliteHistory, historyMigrations } from '../../src/mail/sqlite-history.ts';
import { createSqliteMarks, markMigrations } from '../../src/mail/sqlite-marks.ts';
import { openStore } from '../../src/store/sqlite.ts';
import { historyContract } from '../contract/mail-history.ts';
import { givenOwnership } from '../support/redis-ownership.ts';
import { conversations, sharedRedis } from './redis-stage.ts';

const redis = sharedRedis(after);

historyContract('sqlite', async (clock) => {
  const store = openStore(':memory:', [...mailMigrations, ...historyMigrations, ...markMigrations]);
  return {
    mail: createSqliteMail(store, clock),
    history: createSqliteHistory(store, clock),
    marks: createSqliteMarks(store),
    close: async () => store.close(),
  };
});

historyContract('redis', async (clock) => {
  const { store } = await redis.connect();
  const ownership = givenOwnership(store, 'a');
  await ownership.give(conversations);
  return {
    mail: createRedisMail(store, clock, ownership),
    history: createRedisHistory(store, clock),
    marks: createRedisMarks(store, clock),
    close: () => store.close(),
  };
});
