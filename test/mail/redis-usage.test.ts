import { createRedisUsage } from '../../src/mail/redis-usage.ts';
import { openRedis, type RedisStore } from '../../src/store/redis.ts';
import { usageContract } from '../contract/usage.ts';
import { redisServer } from '../support/redis.ts';

usageContract('redis', async () => {
  const undo: Array<() => unknown> = [];
  const { url } = await redisServer({ after: (step) => undo.unshift(step) });
  let store: RedisStore = await openRedis(url);
  return {
    usage: createRedisUsage(store),
    async reopen() {
      await store.close();
      store = await openRedis(url);
      return createRedisUsage(store);
    },
    async close() {
      await store.close();
      for (const step of undo) await step();
    },
  };
});
