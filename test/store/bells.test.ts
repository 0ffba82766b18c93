import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { openBells } from '../../src/store/bells.ts';
import { eventually } from '../support/eventually.ts';
import { redisServer, redisStore } from '../support/redis.ts';

test('a Redis that dies while bells wait keeps nobody busy, and all are heard when it is back', async (t) => {
  const server = await redisServer(t);
  const store = await redisStore(t, server.url);
  let errors = 0;
  const bells = openBells(store, () => {
    errors++;
    // Whoever tries again without waiting never lets anything else happen in this process, the test's end included.
    if (errors > 1000) process.exit(1);
  });
  t.after(() => bells.close());
  const rung = Array.from({ length: 60 }, (_, index) => `bell ${index}`);
  for (const bell of rung) await bells.ring('here', bell);
  const heard = new Set<string>();
  const answering = bells.answer('here', 4, async (bell) => {
    // Somebody looks.
    await clock.sleep(30);
    heard.add(bell);
  });
  await eventually('some to be heard', () => heard.size > 8);
  await server.kill();
  await eventually('Redis to be away', () => !store.isThere());
  await eventually('it to be tried several times', () => errors > 10);
  assert.ok(heard.size < rung.length, 'some still waited');
  await server.start();
  await eventually('all to be heard', () => heard.size === rung.length, 20_000);
  await answering.stop();
});
