import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { buildStorage } from '../../src/app/storage.ts';
import { openStore } from '../../src/store/sqlite.ts';
import type { LifecycleEvent } from '../../src/telemetry/events.ts';
import { testClock } from '../support/clock.ts';
import { tempFolder } from '../support/temp.ts';

const kept = { kind: 'accepted' as const };

function setStorage(t: TestContext) {
  const clock = testClock();
  const store = openStore(':memory:', []);
  const events: LifecycleEvent[] = [];
  const recovered: number[] = [];
  const storage = buildStorage({
    ...{ store, dataDir: tempFolder(t), clock, emit: (event) => events.push(event) },
    onRecovered: (since) => recovered.push(since),
  });
  t.after(() => {
    storage.guard.stop();
    store.close();
  });
  const failing = (name: string, message: string) => () =>
    Promise.reject(Object.assign(new Error(message), { name }));
  return { clock, storage, events, recovered, failing };
}

test('a Redis that is full is told once and aloud, and what was missed meanwhile is fetched', async (t) => {
  const { clock, storage, events, recovered, failing } = setStorage(t);
  const full = failing('ReplyError', 'OOM command not allowed when used memory > maxmemory');
  const closedAt = clock.now();
  assert.deepEqual(await storage.keep(full), { kind: 'refused', status: 503, reason: 'redis_full' });
  clock.advance(5000);
  await storage.keep(full);
  assert.deepEqual(await storage.keep(async () => kept), kept);
  assert.deepEqual(
    events.map((event) => (event.type === 'storage.trouble' ? [event.type, event.kind] : [event.type])),
    [['storage.trouble', 'full'], ['storage.recovered']],
  );
  assert.match(JSON.stringify(events[0]), /REDIS_URL is full.*maxmemory/);
  assert.deepEqual(recovered, [closedAt]);
});

test('a Redis that is away costs a 503 and no word here; a defect is no trouble of the storage', async (t) => {
  const { storage, events, failing } = setStorage(t);
  const away = await storage.keep(failing('RedisAwayError', 'Redis does not answer'));
  assert.deepEqual(away, { kind: 'refused', status: 503, reason: 'redis_away' });
  assert.deepEqual(events, []);
  await assert.rejects(storage.keep(failing('ReplyError', 'WRONGTYPE Operation against a key')), /WRONGTYPE/);
});

test('what was refused while Redis was silent is fetched once it is taken again', async (t) => {
  const { clock, storage, recovered, failing } = setStorage(t);
  const closedAt = clock.now();
  await storage.keep(failing('RedisAwayError', 'Command timed out'));
  clock.advance(5000);
  await storage.keep(async () => kept);
  await storage.keep(async () => kept);
  assert.deepEqual(recovered, [closedAt]);
});
