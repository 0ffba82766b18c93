import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { backUpStore, restoreStore } from '../../src/store/backup.ts';
import { decideSpace, guardStorage, type StorageState } from '../../src/store/space.ts';
import { openStore } from '../../src/store/sqlite.ts';
import { storeTrouble } from '../../src/store/trouble.ts';
import { testClock } from '../support/clock.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';

const megabyte = 1024 * 1024;
const notes = [{ version: 1, sql: 'CREATE TABLE notes (text TEXT NOT NULL) STRICT' }];

function guarded(t: TestContext) {
  const dataDir = tempFolder(t);
  const clock = testClock();
  const store = openStore(join(dataDir, 'service.db'), notes);
  const disk = { freeMb: 1000 };
  const told: StorageState['kind'][] = [];
  const guard = guardStorage({
    ...{ store, dataDir, clock, freeBytes: () => disk.freeMb * megabyte },
    onChange: ({ kind }) => told.push(kind),
  });
  t.after(() => {
    guard.stop();
    store.close();
  });
  const held = () => store.all('SELECT 1 FROM reserve').length / 4;
  return { dataDir, clock, store, disk, told, guard, held };
}

for (const [freeMb, heldMb, kind] of [
  [500, 56, 'whole'],
  [8, 56, 'whole'],
  [7, 56, 'full'],
  [500, 0, 'fill'],
  [72, 0, 'fill'],
  [71, 0, 'full'],
  [17, 55, 'fill'],
  [16, 55, 'full'],
] as const) {
  test(`${freeMb} MB free and ${heldMb} MB held: ${kind}`, () => {
    assert.equal(decideSpace({ freeBytes: freeMb * megabyte, heldBytes: heldMb * megabyte }).kind, kind);
  });
}

test('the reserve is held in the database’s own files, given up when the disk is full, and whole before it is open again', async (t) => {
  const { dataDir, clock, disk, told, guard, held } = guarded(t);
  assert.ok(statSync(join(dataDir, 'service.db-wal')).size >= 8 * megabyte, 'the log is long enough');
  clock.advance(10_000);
  assert.equal(held(), 56);
  disk.freeMb = 2;
  clock.advance(1_000);
  assert.deepEqual([guard.state().kind, held()], ['full', 0]);
  disk.freeMb = 60;
  clock.advance(10_000);
  assert.deepEqual([guard.state().kind, held()], ['full', 0], 'not room for all of it');
  disk.freeMb = 100;
  clock.advance(1_000);
  assert.equal(guard.state().kind, 'full', 'not before it is whole');
  clock.advance(10_000);
  await eventually('it to be open', () => guard.state().kind === 'ok');
  assert.equal(held(), 56);
  assert.deepEqual(told, ['full', 'ok']);
});

test('a statement that meets a full disk closes at once, a damaged file for good', async (t) => {
  const { dataDir, clock, store, told, guard } = guarded(t);
  const failWith = (limit: string) => {
    store.run(`PRAGMA max_page_count = ${limit}`);
    assert.throws(() => store.run(`INSERT INTO notes VALUES (hex(zeroblob(${2 * megabyte})))`));
  };
  failWith('1');
  assert.equal(guard.state().kind, 'full');
  store.run('PRAGMA max_page_count = 1000000');
  clock.advance(10_000);
  await eventually('it to be open', () => guard.state().kind === 'ok');
  // More than the cache holds, so that what is damaged on disk is read from there.
  for (let row = 0; row < 8; row++) store.run(`INSERT INTO notes VALUES (hex(zeroblob(${megabyte / 2})))`);
  store.get('PRAGMA wal_checkpoint(TRUNCATE)');
  const file = openSync(join(dataDir, 'service.db'), 'r+');
  const { size } = statSync(join(dataDir, 'service.db'));
  for (let at = 16 * 4096; at < size - 4096; at += 4096) writeSync(file, 'xxxx', at);
  closeSync(file);
  assert.throws(() => store.all('SELECT sum(length(CAST(text AS BLOB))), max(text) FROM notes'));
  assert.equal(guard.state().kind, 'damaged');
  clock.advance(60_000);
  assert.deepEqual([guard.state().kind, told], ['damaged', ['full', 'ok', 'damaged']]);
});

for (const code of ['EIO', 'ENOSPC'])
  test(`after ${code} nothing is in order before a sync says so, and trouble meanwhile counts`, async (t) => {
    const dataDir = tempFolder(t);
    const clock = testClock();
    const store = openStore(join(dataDir, 'service.db'), notes);
    t.after(() => store.close());
    const trouble = Object.assign(new Error(`${code}: fdatasync`), { code });
    const syncs: PromiseWithResolvers<void>[] = [];
    let hear = (_error: unknown): void => {};
    const guard = guardStorage({
      ...{ dataDir, clock, onChange: () => {}, freeBytes: () => 1000 * megabyte },
      store: {
        ...store,
        synced() {
          const sync = Promise.withResolvers<void>();
          syncs.push(sync);
          return sync.promise;
        },
        onFailure(listener) {
          hear = listener;
        },
      },
    });
    t.after(() => guard.stop());
    const sync = async (count: number) => {
      clock.advance(10_000);
      assert.equal(syncs.length, count);
      assert.notEqual(guard.state().kind, 'ok');
      return syncs.at(-1) as PromiseWithResolvers<void>;
    };
    clock.advance(10_000);
    hear(trouble);
    (await sync(1)).reject(trouble);
    await setImmediate();
    const second = await sync(2);
    hear(trouble);
    second.resolve();
    await setImmediate();
    (await sync(3)).resolve();
    await eventually('it to be open', () => guard.state().kind === 'ok');
    hear(trouble);
    const last = await sync(4);
    guard.stop();
    last.resolve();
    await setImmediate();
    clock.advance(10_000);
    assert.equal(syncs.length, 4, 'it has stopped');
  });

test('a transaction that the disk ended fails with the disk’s error', (t) => {
  const { store } = guarded(t);
  store.run('PRAGMA max_page_count = 1');
  let thrown: unknown;
  try {
    store.transaction(() => store.run(`INSERT INTO notes VALUES (hex(zeroblob(${2 * megabyte})))`));
  } catch (error) {
    thrown = error;
  }
  assert.equal(storeTrouble(thrown), 'full');
  assert.deepEqual(store.all('SELECT * FROM notes'), []);
});

test('a backup is one moment of a database in use, holds no reserve, and comes back by restore', (t) => {
  const { dataDir, clock, store } = guarded(t);
  const path = join(dataDir, 'service.db');
  const file = join(dataDir, 'copy');
  clock.advance(10_000);
  store.run("INSERT INTO notes VALUES ('before')");
  backUpStore(path, file);
  store.run("INSERT INTO notes VALUES ('after')");
  assert.ok(statSync(file).size < megabyte);
  assert.throws(() => backUpStore(path, file), { code: 'backup_exists' });
  assert.throws(() => backUpStore(join(dataDir, 'none'), `${file}2`), { code: 'no_store' });
  store.close();

  const keepAs = `${path}.old`;
  assert.throws(() => restoreStore(file, path, { newestSchema: 0, keepAs }), { code: 'backup_newer' });
  assert.equal(restoreStore(file, path, { newestSchema: 1, keepAs }), keepAs);
  assert.equal(existsSync(`${path}-wal`), false);
  const restored = openStore(path, notes);
  assert.deepEqual(restored.all('SELECT * FROM notes'), [{ text: 'before' }]);
  restored.close();
  const kept = new DatabaseSync(keepAs);
  assert.equal(kept.prepare('SELECT count(*) AS n FROM notes').get()?.n, 2);
  kept.close();
  // The guard of the test looks at its store once more when the test ends.
  Object.assign(store, { close: () => {} });
});

test('a file that is no backup is refused, and nothing is changed', (t) => {
  const { dataDir, store } = guarded(t);
  const path = join(dataDir, 'service.db');
  for (const [file, code] of [
    [join(dataDir, 'none'), 'no_backup'],
    [import.meta.filename, 'backup_damaged'],
  ] as const)
    assert.throws(() => restoreStore(file, path, { newestSchema: 1, keepAs: `${path}.old` }), { code });
  store.run("INSERT INTO notes VALUES ('still there')");
});
