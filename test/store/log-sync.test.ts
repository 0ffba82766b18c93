import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLogSync } from '../../src/store/log-sync.ts';
import { openStore } from '../../src/store/sqlite.ts';
import { storeTrouble } from '../../src/store/trouble.ts';
import { tempFolder } from '../support/temp.ts';

const notes = { version: 1, sql: 'CREATE TABLE notes (text TEXT NOT NULL) STRICT' };

/** A log that nothing can be synced to: the kernel refuses it for a device. */
function brokenLog(t: Parameters<typeof tempFolder>[0], carryOver: () => void) {
  const database = join(tempFolder(t), 'service.db');
  symlinkSync('/dev/null', `${database}-wal`);
  const log = createLogSync(database, carryOver);
  t.after(() => log.close());
  return log;
}

test('commits that come while a sync is under way share the next one', async (t) => {
  const store = openStore(join(tempFolder(t), 'service.db'), [notes]);
  t.after(() => store.close());
  const log = brokenLog(t, () => {});
  const [first, second, third] = [log.synced(), log.synced(), log.synced()];
  assert.equal(second, third);
  assert.notEqual(first, second);
  await Promise.allSettled([first, second]);
  for (let commit = 0; commit < 50; commit++) {
    store.lazily(() => store.run('INSERT INTO notes (text) VALUES (?)', `${commit}`));
    if (commit % 7 === 0) await store.synced();
  }
  await Promise.all([store.synced(), store.synced()]);
  assert.equal(store.all('SELECT * FROM notes').length, 50);
});

test('after a failed sync nothing counts as kept before the log was carried over', async (t) => {
  let carried = 0;
  let works = false;
  const log = brokenLog(t, () => {
    carried++;
    if (!works) throw new Error('no');
  });
  await assert.rejects(log.synced(), { code: 'EINVAL' });
  await assert.rejects(log.synced(), /no/);
  works = true;
  await log.synced();
  assert.equal(carried, 2);
  await assert.rejects(log.synced(), { code: 'EINVAL' }, 'and then it is synced again');
});

test('a sync that fails is heard of like a failed statement', async (t) => {
  const folder = tempFolder(t);
  const store = openStore(join(folder, 'service.db'), [notes]);
  const heard: unknown[] = [];
  store.onFailure((error) => heard.push(error));
  await store.synced();
  assert.deepEqual(heard, []);
  store.close();
  await assert.rejects(store.synced());
  assert.equal(heard.length, 1);
  const refused = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
  assert.deepEqual([storeTrouble(refused), storeTrouble(new Error('x'))], ['io', null]);
});
