import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { createLogSync } from '../../src/store/log-sync.ts';
import { carryOver, openStore } from '../../src/store/sqlite.ts';
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

test('commits that come while two syncs are under way share the next one', async (t) => {
  const store = openStore(join(tempFolder(t), 'service.db'), [notes]);
  t.after(() => store.close());
  const log = brokenLog(t, () => {});
  const [first, second, third, fourth] = [log.synced(), log.synced(), log.synced(), log.synced()];
  assert.equal(third, fourth);
  assert.equal(new Set([first, second, third]).size, 3);
  await Promise.allSettled([first, second, third]);
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

test('a sync that was under way when another failed has failed, too, and the next one carries the log over', async (t) => {
  const database = join(tempFolder(t), 'service.db');
  writeFileSync(`${database}-wal`, '');
  const syncs: PromiseWithResolvers<void>[] = [];
  let carried = 0;
  const sync = () => {
    syncs.push(Promise.withResolvers());
    return syncs.at(-1)?.promise ?? Promise.resolve();
  };
  const log = createLogSync(database, () => carried++, sync);
  t.after(() => log.close());
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  const [failing, beside, next] = [log.synced(), log.synced(), log.synced()];
  syncs[0]?.reject(full);
  await assert.rejects(failing, full);
  await next;
  assert.deepEqual([carried, syncs.length], [1, 2]);
  syncs[1]?.resolve();
  await assert.rejects(beside, full);
  const after = log.synced();
  syncs[2]?.resolve();
  await after;
  assert.equal(carried, 1);
});

test('nobody shares a sync that began before the call, whenever it comes', async (t) => {
  let began = 0;
  const log = brokenLog(t, () => {
    began++;
    throw new Error('no');
  });
  await assert.rejects(log.synced(), { code: 'EINVAL' });
  const asked: Promise<void>[] = [];
  const ask = () => {
    const before = began;
    asked.push(log.synced().catch(() => assert.ok(began > before, 'a sync began after the call')));
  };
  for (let ticks = 0; ticks < 12; ticks++) {
    ask();
    ask();
    for (let tick = 0; tick < ticks; tick++) await null;
    ask();
    ask();
    await Promise.all(asked);
  }
});

test('closing lets a queued sync come to its end', async (t) => {
  const store = openStore(join(tempFolder(t), 'service.db'), [notes]);
  const waiting = [store.synced(), store.synced()];
  store.close();
  await Promise.all(waiting);
});

test('a log that is being read is not carried over, and nobody waits for its reader', (t) => {
  const path = join(tempFolder(t), 'service.db');
  const store = openStore(path, [notes]);
  const database = new DatabaseSync(path);
  const reader = new DatabaseSync(path);
  t.after(() => [reader, database, store].map((one) => one.close()));
  const timeout = () => database.prepare('PRAGMA busy_timeout').get();
  database.exec('PRAGMA busy_timeout = 5000');
  store.lazily(() => store.run("INSERT INTO notes VALUES ('read')"));
  reader.exec('BEGIN');
  assert.equal(reader.prepare('SELECT * FROM notes').all().length, 1);
  const startedMs = performance.now();
  assert.throws(() => carryOver(database), /being read/);
  assert.ok(performance.now() - startedMs < 2_500);
  assert.deepEqual({ ...timeout() }, { timeout: 5000 });
  reader.exec('COMMIT');
  carryOver(database);
  assert.deepEqual({ ...timeout() }, { timeout: 5000 });
});

test('what was carried over survives a power cut that finds none of the lost frames on disk', (t) => {
  const folder = tempFolder(t);
  const [path, copy] = [join(folder, 'service.db'), join(folder, 'after.db')];
  const log = () => readFileSync(`${path}-wal`);
  const store = openStore(path, [notes]);
  const database = new DatabaseSync(path);
  t.after(() => [database, store].map((one) => one.close()));
  store.run("INSERT INTO notes VALUES ('on disk')");
  const kept = log();
  store.lazily(() => store.run("INSERT INTO notes VALUES ('lost by a sync')"));
  const believed = log();
  carryOver(database);

  const found = log();
  for (let at = kept.length; at < believed.length; at++) if (found[at] === believed[at]) found[at] = 0;
  copyFileSync(path, copy);
  writeFileSync(`${copy}-wal`, found);
  const after = openStore(copy, [notes]);
  t.after(() => after.close());
  assert.deepEqual(after.all('SELECT text FROM notes'), [{ text: 'on disk' }, { text: 'lost by a sync' }]);
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
