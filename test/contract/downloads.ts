import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { ByteStore, FileIndex, KeptFile } from '../../src/downloads/kept.ts';

/** Drivers under test. `reopen` ends this life without warning and begins the next on the same data. */
export interface KeptUnderTest {
  index: FileIndex;
  bytes: ByteStore;
  reopen(): Promise<{ index: FileIndex; bytes: ByteStore }>;
  close(): Promise<void>;
}

const helper = { botId: 'helper', roomId: 7 };

function fileOf(given: Partial<KeptFile> = {}): KeptFile {
  return {
    ...{
      ...helper,
      turnId: '3',
      id: randomUUID(),
      as: 'link',
      source: 'file a.csv',
      name: 'a.csv',
      title: 'A',
    },
    ...{
      mediaType: 'text/csv',
      bytes: 10,
      digest: 'd',
      createdAt: 1000,
      expiresAt: 5000,
      usedAt: 1000,
      hits: 0,
    },
    ...given,
  };
}

async function* chunks(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function idsOf(bytes: ByteStore): Promise<string[]> {
  return (await Array.fromAsync(bytes.ids())).sort();
}

/** The promises of the two contracts for kept files; every pair of drivers passes this suite. */
export function keptFilesContract(name: string, open: () => Promise<KeptUnderTest>): void {
  const withKept = (title: string, run: (under: KeptUnderTest) => Promise<void>) =>
    test(`${name}: ${title}`, async () => {
      const under = await open();
      try {
        await run(under);
      } finally {
        await under.close();
      }
    });

  withKept('a file is found by its id, its token’s hash and its turn, in a later life too', async (under) => {
    const [first, second] = [fileOf({ name: '季度 报告.html' }), fileOf({ as: 'attachment', source: 'b' })];
    await under.index.add(first, 'hash-1');
    await under.index.add(second, null);
    await under.index.add(fileOf({ turnId: '4' }), 'hash-2');
    const { index } = await under.reopen();
    assert.deepEqual(await index.byId(second.id), second);
    assert.deepEqual(await index.byToken('hash-1'), first);
    assert.equal(await index.byToken('hash-3'), null);
    assert.deepEqual(await index.ofTurn({ ...helper, turnId: '3' }), [first, second]);
    assert.deepEqual(await index.ofTurn({ ...helper, roomId: 8, turnId: '3' }), []);
  });

  withKept('files of a turn keep the order in which they were added', async ({ index }) => {
    const files = Array.from({ length: 12 }, () => fileOf());
    for (const [at, file] of files.entries()) await index.add(file, `hash-${at}`);
    assert.deepEqual(await index.ofTurn({ ...helper, turnId: '3' }), files);
  });

  withKept('a replaced token opens nothing, the new one does', async ({ index }) => {
    const file = fileOf();
    await index.add(file, 'old');
    await index.replaceToken(file.id, 'new');
    assert.equal(await index.byToken('old'), null);
    assert.equal((await index.byToken('new'))?.id, file.id);
  });

  withKept('lists give the least recently used first, and hits are counted', async ({ index }) => {
    const [a, b, c] = [
      fileOf(),
      fileOf({ usedAt: 2000 }),
      fileOf({ roomId: 8, usedAt: 1500, expiresAt: 9000 }),
    ];
    for (const [at, file] of [a, b, c].entries()) await index.add(file, `hash-${at}`);
    const ids = (files: KeptFile[]) => files.map(({ id }) => id);
    assert.deepEqual(ids(await index.list({})), [a.id, c.id, b.id]);
    await index.countHit(a.id, 3000);
    await index.countHit(a.id, 2500);
    const opened = await index.byId(a.id);
    assert.deepEqual([opened?.hits, opened?.usedAt], [2, 3000], 'the time of use never goes back');
    assert.deepEqual(ids(await index.list({})), [c.id, b.id, a.id]);
    assert.deepEqual(ids(await index.list({ conversation: helper })), [b.id, a.id]);
    assert.deepEqual(ids(await index.list({ expiredBy: 5000 })), [b.id, a.id]);
    assert.deepEqual(ids(await index.list({ conversation: helper, expiredBy: 4999 })), []);
  });

  withKept('used bytes are summed by conversation and in all, and given back', async ({ index }) => {
    const [mine, other] = [fileOf({ bytes: 30 }), fileOf({ botId: 'other', bytes: 5 })];
    await index.add(mine, 'a');
    await index.add(other, 'b');
    assert.equal(await index.usedBytes(helper), 30);
    assert.equal(await index.usedBytes(null), 35);
    assert.equal(await index.remove(mine.id), true);
    assert.equal(await index.remove(mine.id), false);
    assert.equal(await index.byToken('a'), null);
    assert.equal(await index.usedBytes(helper), 0);
    assert.equal(await index.usedBytes(null), 5);
  });

  withKept('bytes come back whole and in any part, in a later life too', async (under) => {
    const id = randomUUID();
    const put = await under.bytes.put(id, chunks('hello ', '', 'harbour'), 100);
    const digest = createHash('sha256').update('hello harbour').digest('base64url');
    assert.deepEqual(put, { bytes: 13, digest });
    const { bytes } = await under.reopen();
    const blob = await bytes.open(id);
    assert.equal(blob?.size, 13);
    assert.equal(await blob.text(), 'hello harbour');
    assert.equal(await blob.slice(6, 10).text(), 'harb');
    assert.deepEqual(await idsOf(bytes), [id]);
  });

  withKept('an empty file is a file', async ({ bytes }) => {
    const id = randomUUID();
    assert.equal((await bytes.put(id, chunks(), 100))?.bytes, 0);
    assert.equal(await (await bytes.open(id))?.text(), '');
  });

  withKept('more than the limit leaves nothing, exactly the limit is taken', async ({ bytes }) => {
    const [fits, exceeds] = [randomUUID(), randomUUID()];
    assert.equal((await bytes.put(fits, chunks('12345', '67890'), 10))?.bytes, 10);
    assert.equal(await bytes.put(exceeds, chunks('12345', '678901'), 10), null);
    assert.equal(await bytes.open(exceeds), null);
    assert.deepEqual(await idsOf(bytes), [fits]);
  });

  withKept('a source that breaks off leaves nothing', async ({ bytes }) => {
    const id = randomUUID();
    async function* breaking() {
      yield Buffer.from('half');
      throw new Error('gone');
    }
    await assert.rejects(bytes.put(id, breaking(), 100), /gone/);
    assert.equal(await bytes.open(id), null);
    assert.deepEqual(await idsOf(bytes), []);
  });

  withKept('removed bytes are gone, and removing nothing is no error', async ({ bytes }) => {
    const id = randomUUID();
    await bytes.put(id, chunks('x'), 100);
    await bytes.remove(id);
    await bytes.remove(id);
    assert.equal(await bytes.open(id), null);
    assert.deepEqual(await idsOf(bytes), []);
  });
}
