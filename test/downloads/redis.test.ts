import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { createDiskBytes } from '../../src/downloads/bytes.ts';
import { createRedisBytes } from '../../src/downloads/redis-bytes.ts';
import { createRedisFileIndex } from '../../src/downloads/redis-index.ts';
import type { RedisStore } from '../../src/store/redis.ts';
import { keptFilesContract } from '../contract/downloads.ts';
import { testClock } from '../support/clock.ts';
import { type RedisServer, redisServer, redisStore } from '../support/redis.ts';
import { tempFolder } from '../support/temp.ts';

type Test = { after(undo: () => unknown): void };

/** What one machine has of the files that all share. */
function machine(t: Test, store: RedisStore, graceMs = 0) {
  const folder = tempFolder(t);
  const clock = testClock();
  const disk = createDiskBytes(folder);
  const bytes = createRedisBytes({ store, disk, clock, graceMs });
  return { index: createRedisFileIndex(store), bytes, disk, folder, clock };
}

/** Undone by whoever opened it: a contract’s test has no context of its own here. */
function undoing(): Test & { undo(): Promise<void> } {
  const undos: (() => unknown)[] = [];
  return {
    after: (undo) => void undos.unshift(undo),
    async undo() {
      for (const undo of undos) await undo();
    },
  };
}

keptFilesContract('redis', async () => {
  const t = undoing();
  const server: RedisServer = await redisServer(t);
  const store = await redisStore(t, server.url);
  return {
    ...machine(t, store),
    // On another machine even: nothing of it lies on this one’s disk.
    reopen: async () => machine(t, store),
    close: () => t.undo(),
  };
});

async function two(t: Test, graceMs = 0) {
  const store = await redisStore(t, (await redisServer(t)).url);
  return { store, one: machine(t, store, graceMs), other: machine(t, store, graceMs) };
}

async function* chunks(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

test('any machine serves a file in any part, however many ask at once, and fetches it once', async (t) => {
  const { one, other, store } = await two(t);
  const id = randomUUID();
  const content = randomBytes(1_300_000);
  const put = await one.bytes.put(id, chunks(content.subarray(0, 700_001), content.subarray(700_001)), 2e6);
  assert.deepEqual(put, {
    bytes: content.length,
    digest: createHash('sha256').update(content).digest('base64url'),
  });
  const opened = await Promise.all(Array.from({ length: 5 }, () => other.bytes.open(id)));
  for (const blob of opened) {
    assert.ok(blob);
    const part = Buffer.from(await blob.slice(262_000, 525_000).arrayBuffer());
    assert.ok(part.equals(content.subarray(262_000, 525_000)));
  }
  await store.call('DEL', store.key('downloads', 'blob', id));
  assert.equal(await other.bytes.open(id), null, 'a copy without its original is not served');
});

test('a copy that somebody deleted is fetched again', async (t) => {
  const { one, other } = await two(t);
  const id = randomUUID();
  await one.bytes.put(id, chunks(Buffer.from('harbour')), 100);
  await other.bytes.open(id);
  rmSync(other.folder, { recursive: true });
  assert.equal(await (await other.bytes.open(id))?.text(), 'harbour');
});

test('bytes that another machine is about to put on the index are no leftovers; its copies are', async (t) => {
  const { one, other } = await two(t, 3_600_000);
  const id = randomUUID();
  await one.bytes.put(id, chunks(Buffer.from('x')), 100);
  assert.deepEqual(await Array.fromAsync(other.bytes.ids()), []);
  assert.deepEqual(await Array.fromAsync(one.bytes.ids()), [id], 'whoever puts it knows that it does');
  other.clock.advance(3_600_001);
  assert.deepEqual(await Array.fromAsync(other.bytes.ids()), [id]);
  await other.bytes.open(id);
  await one.bytes.remove(id);
  assert.equal(await other.bytes.open(id), null);
  assert.deepEqual(await Array.fromAsync(other.bytes.ids()), [id], 'its copy is swept');
});
