import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redisChecks } from '../../src/cli/doctor/redis.ts';
import { readSettings } from '../../src/config/settings.ts';
import { OperatorError } from '../../src/lib/errors.ts';
import { redisServer, redisStore } from '../support/redis.ts';

const lookAt = (redisUrl: string | undefined) =>
  redisChecks({ ...readSettings({ CAMPFIRE_URL: 'http://127.0.0.1:1' }), redisUrl })[0]?.run();

test('one machine alone has no Redis to look at', () => {
  assert.equal(lookAt(undefined), undefined);
});

test('a Redis is well while it keeps what it is given, and is missed when it is away', async (t) => {
  const redis = await redisServer(t);
  const store = await redisStore(t, redis.url);
  const well = await lookAt(redis.url);
  assert.equal(well?.verdict, 'ok');
  assert.match(well?.detail ?? '', /^Redis \d+\.\d+/);
  await store.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
  const evicting = await lookAt(redis.url);
  assert.deepEqual([evicting?.verdict, /allkeys-lru/.test(evicting?.detail ?? '')], ['warn', true]);
  await store.call('CONFIG', 'SET', 'appendonly', 'no');
  const forgetful = await lookAt(redis.url);
  assert.match(forgetful?.detail ?? '', /no append-only file/);
  assert.match(forgetful?.remedy ?? '', /--appendonly yes/);
  await redis.kill();
  await assert.rejects(
    async () => lookAt(redis.url),
    (error) => error instanceof OperatorError && error.code === 'redis_unreachable',
  );
});
