import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRedisUsage } from '../../src/mail/redis-usage.ts';
import { openRedis, type RedisStore } from '../../src/store/redis.ts';
import { usageContract } from '../contract/usage.ts';
import { redisServer, redisStore } from '../support/redis.ts';

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

test('what a turn cost is counted by a Redis that is full', async (t) => {
  const store = await redisStore(t, (await redisServer(t)).url);
  const usage = createRedisUsage(store);
  await store.call('CONFIG', 'SET', 'maxmemory', 1);
  await usage.record({
    ...{ day: '2026-11-24', botId: 'helper', roomId: 7, authorId: 1, roomName: null, authorName: null },
    ...{ turns: 1, microUsd: 1500, tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 } },
  });
  assert.equal(await usage.spentOn('2026-11-24', 'helper'), 1500);
});
