import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { chooseContainment } from '../../src/processes/containment.ts';
import { holdDataFolder } from '../../src/store/lock.ts';
import { openStore, type Store } from '../../src/store/sqlite.ts';
import { fillUp, smallDisk } from '../support/small-disk.ts';

const notes = [{ version: 1, sql: 'CREATE TABLE notes (text TEXT NOT NULL) STRICT' }];

/** As `space.ts` does: a log that is as long as it gets. */
function lengthen(store: Store): void {
  const more = () =>
    store.transaction(() => {
      for (let row = 0; row < 6; row++) store.run(`INSERT INTO notes VALUES (hex(zeroblob(${512 * 1024})))`);
      throw new Error('rolled back');
    });
  assert.throws(more, /rolled back/);
}

test('on a disk without a free byte a start finds what it needs: lock, layer, and room for the log', (t) => {
  const disk = smallDisk(t, 24);
  if (disk === null) return t.skip('this process may not mount a disk of its own');
  const path = join(disk, 'service.db');
  const hidden = { paths: [disk] };
  const first = holdDataFolder(disk);
  const layer = chooseContainment('auto', disk, hidden)?.layer;
  const before = openStore(path, notes);
  lengthen(before);
  before.close();
  first.release();

  const freeUp = fillUp(disk);
  for (let start = 1; start <= 3; start++) {
    const folder = holdDataFolder(disk);
    assert.equal(folder.instance, first.instance);
    assert.throws(() => holdDataFolder(disk), { code: 'data_dir_in_use' });
    assert.equal(chooseContainment('auto', disk, hidden)?.layer, layer, 'no weaker layer for want of room');
    const store = openStore(path, notes);
    store.run("INSERT INTO notes VALUES ('kept')");
    assert.equal(store.all('SELECT * FROM notes').length, start);
    assert.equal(existsSync(`${path}.room`), false, 'the room is the log’s again');
    store.close();
    folder.release();
  }
  freeUp();
});

test('what is missing and has no room is an error that names the disk, never a weaker layer', (t) => {
  const disk = smallDisk(t, 1);
  if (disk === null) return t.skip('this process may not mount a disk of its own');
  fillUp(disk);
  const full = { code: 'data_dir_unusable', message: new RegExp(disk), remedy: /[Mm]ake room/ };
  assert.throws(() => holdDataFolder(disk), full);
  // A file where a folder has to be stands for a disk without room for one.
  const folder = join(disk, 'filler');
  assert.throws(() => chooseContainment('auto', folder, { paths: [folder] }), full);
});
