import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { holdDataFolder } from '../../src/store/lock.ts';
import { openStore } from '../../src/store/sqlite.ts';
import { tempFolder } from '../support/temp.ts';

const first = { version: 1, sql: 'CREATE TABLE notes (text TEXT NOT NULL) STRICT' };
const second = { version: 2, sql: 'ALTER TABLE notes ADD COLUMN author TEXT' };

test('an older database is brought up to date, and a copy of it is kept', (t) => {
  const path = join(tempFolder(t), 'service.db');
  const old = openStore(path, [first]);
  old.run('INSERT INTO notes (text) VALUES (?)', 'kept');
  old.close();
  const store = openStore(path, [second, first]);
  assert.deepEqual(store.all('SELECT * FROM notes'), [{ text: 'kept', author: null }]);
  store.close();
  const backup = openStore(`${path}.schema-1.backup`, [first]);
  assert.deepEqual(backup.all('SELECT * FROM notes'), [{ text: 'kept' }]);
  backup.close();
});

test('a database of a newer version is refused by naming the backup to restore', (t) => {
  const path = join(tempFolder(t), 'service.db');
  openStore(path, [first, second]).close();
  assert.throws(() => openStore(path, [first]), {
    code: 'store_newer',
    remedy: /service\.db\.schema-1\.backup/,
  });
});

test('a damaged file is an error with a remedy', (t) => {
  const path = join(tempFolder(t), 'service.db');
  writeFileSync(path, 'this is no database '.repeat(100));
  assert.throws(() => openStore(path, [first]), {
    code: 'store_damaged',
    remedy: /campfire-ai-bot restore FILE/,
  });
});

test('a transaction is everything or nothing', (t) => {
  const store = openStore(join(tempFolder(t), 'service.db'), [first]);
  t.after(() => store.close());
  const add = (text: string) => store.run('INSERT INTO notes (text) VALUES (?)', text);
  assert.throws(() =>
    store.transaction(() => {
      add('a');
      store.transaction(() => add('b'));
      throw new Error('no');
    }),
  );
  assert.deepEqual(store.all('SELECT * FROM notes'), []);
});

test('a data folder has one holder, and is free again when the holder dies', (t) => {
  const path = join(tempFolder(t), 'data');
  const module = JSON.stringify(join(import.meta.dirname, '../../src/store/lock.ts'));
  const holdElsewhere = (then: string) =>
    spawnSync(process.execPath, [
      ...['--no-warnings', '--input-type=module', '-e'],
      `import { holdDataFolder } from ${module}; try { holdDataFolder(process.argv[1]); ${then} } catch (e) { console.log(e.code + ': ' + e.message) }`,
      path,
    ]);
  assert.equal(holdElsewhere('process.kill(process.pid, "SIGKILL")').signal, 'SIGKILL');
  const folder = holdDataFolder(path);
  assert.ok(existsSync(path));
  const refused = holdElsewhere('').stdout.toString();
  assert.match(refused, new RegExp(`^data_dir_in_use: .* \\(pid ${process.pid}\\)`));
  folder.release();
  const again = holdDataFolder(path);
  assert.equal(again.instance, folder.instance, 'the same folder keeps its name');
  again.release();
});
