import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openRedis, RedisAwayError } from '../../src/store/redis.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { redisServer, redisStore } from '../support/redis.ts';
import { signal } from '../support/signal.ts';

describe('the connection to Redis', () => {
  test('runs commands and scripts, and hears what is published', async (t) => {
    const { url } = await redisServer(t);
    const store = await redisStore(t, url);
    const key = store.key('a', 1);
    assert.equal(key, 'campfire-ai-bot:a:1');
    await store.call('SET', key, 'x');
    const script = { name: 'testAppend', lua: `return redis.call('APPEND', KEYS[1], ARGV[1])` };
    assert.equal(await store.run(script, [key], ['yz']), 3);
    assert.equal(await store.run(script, [key], [Buffer.from('!')]), 4);
    assert.deepEqual(await store.callBuffer('GET', key), Buffer.from('xyz!'));
    const heard: string[] = [];
    await store.subscribe('news', (message) => heard.push(message));
    await store.call('PUBLISH', 'news', 'hello');
    await eventually('the message is heard', () => heard.length === 1);
  });

  test('says at once that Redis is away, and goes on when it is back with what it had', async (t) => {
    const server = await redisServer(t);
    const store = await redisStore(t, server.url);
    const changes: (string | null)[] = [];
    store.onChange((problem) => changes.push(problem));
    const script = { name: 'testCount', lua: `return redis.call('INCR', KEYS[1])` };
    assert.equal(await store.run(script, ['n'], []), 1);
    await store.call('CONFIG', 'SET', 'appendfsync', 'always');
    assert.equal(await store.run(script, ['n'], []), 2);
    await server.kill();
    await eventually('Redis is away', () => !store.isThere());
    await assert.rejects(store.call('GET', 'n'), RedisAwayError);
    assert.equal(typeof changes[0], 'string');
    await server.start();
    await eventually('Redis is back', () => store.isThere());
    assert.equal(changes.at(-1), null);
    assert.equal(await store.run(script, ['n'], []), 3);
  });

  test('a Redis that went silent is away, and back when it answers', async (t) => {
    const server = await redisServer(t);
    const store = await redisStore(t, server.url);
    const changes: (string | null)[] = [];
    store.onChange((problem) => changes.push(problem));
    signal(server.pid(), 'SIGSTOP');
    t.after(() => server.kill());
    await assert.rejects(store.call('GET', 'n'), RedisAwayError);
    await eventually('Redis is away', () => !store.isThere());
    assert.equal(typeof changes[0], 'string');
    signal(server.pid(), 'SIGCONT');
    await eventually('Redis is back', () => store.isThere());
    assert.equal(changes.at(-1), null);
  });

  test('a refusal of Redis is no absence', async (t) => {
    const { url } = await redisServer(t);
    const store = await redisStore(t, url);
    await store.call('SET', 'text', 'x');
    await assert.rejects(store.call('LPUSH', 'text', 'y'), /WRONGTYPE/);
  });

  test('an unreachable Redis stops the start with a remedy and without a password', async () => {
    const port = await freePort();
    await assert.rejects(openRedis(`redis://:secret@127.0.0.1:${port}/0`), (error: Error) => {
      assert.match(error.message, new RegExp(`127.0.0.1:${port}`));
      assert.doesNotMatch(error.message, /secret/);
      return 'code' in error && error.code === 'redis_unreachable';
    });
  });
});
