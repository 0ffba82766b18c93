import { after } from 'node:test';
import type { Conversation } from '../../src/mail/mail.ts';
import { createRedisMail } from '../../src/mail/redis.ts';
import { openRedis } from '../../src/store/redis.ts';
import { mailContract } from '../contract/mail.ts';
import { type RedisServer, redisServer } from '../support/redis.ts';
import { givenOwnership } from '../support/redis-ownership.ts';

/** The conversations that the suite speaks of. */
const conversations: readonly Conversation[] = [7, 1, 2].map((roomId) => ({ botId: 'helper', roomId }));

const undos: Array<() => unknown> = [];
let server: Promise<RedisServer> | null = null;
let opened = 0;

after(async () => {
  for (const undo of undos) await undo();
});

/** One Redis for the file; each mail has keys of its own, and each life of a service a connection. */
mailContract('redis', async (clock) => {
  server ??= redisServer({ after: (undo) => undos.push(undo) });
  const { url } = await server;
  const prefix = `test-${++opened}`;
  let store = await openRedis(url, prefix);
  const ownership = givenOwnership(store, 'a');
  await ownership.give(conversations);
  return {
    mail: createRedisMail(store, clock, ownership),
    async reopen() {
      await store.close();
      store = await openRedis(url, prefix);
      return createRedisMail(store, clock, ownership);
    },
    close: () => store.close(),
  };
});
