import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type FilesNear, openCampfireStorage, type Question } from '../../src/campfire/storage.ts';
import { chooseContainment } from '../../src/processes/containment.ts';
import { openForeign } from '../../src/store/foreign.ts';
import { campfireStorage } from '../support/campfire-storage.ts';
import { tempFolder } from '../support/temp.ts';

const noon = Date.UTC(2026, 10, 24, 12);
const minutes = (count: number) => noon + count * 60_000;
const report = { name: 'report.xlsx', type: 'application/xlsx', bytes: Buffer.from('cells') };
const asked = (given: Partial<Question> = {}): Question => ({
  ...{ roomId: 7, messageIds: [50], authorId: 1, botUserId: 900, quotedIds: [], ...given },
});
const namesIn = (found: FilesNear) =>
  found.kind === 'found' ? found.files.map(({ filename }) => filename) : found;

test('files posted shortly before a question are found, with what they are and where', (t) => {
  for (const users of ['status', 'active'] as const) {
    for (const at of ['', 'storage']) {
      const campfire = campfireStorage(t, { 7: [1, 2, 900] }, { users, at });
      campfire.postFile(
        { id: 40, roomId: 7, creatorId: 2, at: minutes(-5) },
        { ...report, pixels: [30, 20] },
      );
      campfire.say({ id: 50, roomId: 7, creatorId: 1, at: noon });
      const found = openCampfireStorage(campfire.folder).filesNear(asked());
      assert.equal(found.kind, 'found');
      const [{ path, ...file } = { path: '' }, ...others] = found.kind === 'found' ? found.files : [];
      assert.deepEqual(file, {
        ...{ messageId: 40, author: 'Ben', filename: 'report.xlsx', mediaType: 'application/xlsx', bytes: 5 },
        ...{ pixels: { width: 30, height: 20 }, postedAtMs: minutes(-5) },
      });
      assert.deepEqual(others, []);
      assert.equal(readFileSync(path, 'utf8'), 'cells');
    }
  }
});

test('near is ten minutes before for everybody, half a minute after for the author, and what is quoted', (t) => {
  const campfire = campfireStorage(t, { 7: [1, 2, 900], 8: [1, 2, 900] });
  const post = (id: number, name: string, at: number, creatorId = 1, roomId = 7) =>
    campfire.postFile({ id, roomId, creatorId, at }, { ...report, name });
  post(10, 'quoted long ago', minutes(-9_000), 2);
  post(11, 'long ago', minutes(-11));
  post(12, 'of the bot', minutes(-2), 900);
  post(13, 'elsewhere', minutes(-1), 1, 8);
  post(14, 'before', minutes(-9), 2);
  post(15, 'landed after', noon + 20_000);
  post(16, 'landed much later', noon + 40_000);
  post(17, 'somebody else’s later', noon + 10_000, 2);
  campfire.say({ id: 50, roomId: 7, creatorId: 1, at: noon });
  const storage = openCampfireStorage(campfire.folder);
  assert.deepEqual(namesIn(storage.filesNear(asked())), ['before', 'landed after']);
  assert.deepEqual(namesIn(storage.filesNear(asked({ quotedIds: [10, 12, 13] }))), [
    ...['quoted long ago', 'before', 'of the bot', 'landed after'],
  ]);
});

test('in a burst the window reaches from the first message to the last, and ten files are the most', (t) => {
  const campfire = campfireStorage(t, { 7: [1, 900] });
  for (let id = 1; id <= 12; id++)
    campfire.postFile({ id, roomId: 7, creatorId: 1, at: minutes(-8) + id }, { ...report, name: `${id}` });
  campfire.say({ id: 49, roomId: 7, creatorId: 1, at: minutes(0) });
  campfire.say({ id: 50, roomId: 7, creatorId: 1, at: minutes(9) });
  const found = openCampfireStorage(campfire.folder).filesNear(asked({ messageIds: [49, 50] }));
  assert.deepEqual(namesIn(found), ['3', '4', '5', '6', '7', '8', '9', '10', '11', '12']);
  assert.equal(found.kind === 'found' && found.left, 2);
});

test('nobody gets files of a room through a question that Campfire does not have, or would not show there', (t) => {
  const campfire = campfireStorage(t, { 7: [1, 2, 900], 8: [2, 900], 9: [1, 2] });
  for (const roomId of [7, 8, 9])
    campfire.postFile({ id: roomId, roomId, creatorId: 2, at: minutes(-1) }, report);
  campfire.say({ id: 50, roomId: 7, creatorId: 1, at: noon });
  campfire.say({ id: 51, roomId: 8, creatorId: 1, at: noon });
  campfire.say({ id: 52, roomId: 9, creatorId: 1, at: noon });
  campfire.say({ id: 53, roomId: 7, creatorId: 2, at: noon });
  const storage = openCampfireStorage(campfire.folder);
  const kindOf = (given: Partial<Question>) => storage.filesNear(asked(given)).kind;
  assert.equal(kindOf({}), 'found');
  assert.equal(kindOf({ roomId: 8, messageIds: [51] }), 'not-allowed', 'the author is not in the room');
  assert.equal(kindOf({ roomId: 9, messageIds: [52] }), 'not-allowed', 'the bot is not in the room');
  assert.equal(kindOf({ messageIds: [51] }), 'not-allowed', 'the message is of another room');
  assert.equal(kindOf({ messageIds: [53] }), 'not-allowed', 'the message is of another author');
  assert.equal(kindOf({ messageIds: [50, 999] }), 'not-allowed', 'there is no such message');
  assert.equal(kindOf({ messageIds: [] }), 'not-allowed', 'there is no message');
  assert.equal(kindOf({ botUserId: 1 }), 'not-allowed', 'the bot is not the author');
  campfire.database.exec('UPDATE users SET status = 2 WHERE id = 1');
  assert.equal(kindOf({}), 'not-allowed', 'the author is banned');
});

test('a key of another form leads nowhere', (t) => {
  const campfire = campfireStorage(t, { 7: [1, 900] });
  campfire.postFile(
    { id: 40, roomId: 7, creatorId: 1, at: noon },
    { ...report, bytes: 5, key: '../../etc/passwd' },
  );
  campfire.say({ id: 50, roomId: 7, creatorId: 1, at: noon });
  const found = openCampfireStorage(campfire.folder).filesNear(asked());
  assert.equal(found.kind === 'found' && found.files[0]?.path, '');
});

test('what keeps it from being read is said in words, and is over when it is over', (t) => {
  const storage = openCampfireStorage(join(tempFolder(t), 'nothing'));
  assert.match(storage.problem() ?? '', /^there is no db\/production\.sqlite3 in \//);
  assert.equal(storage.filesNear(asked()).kind, 'unreadable');
  const campfire = campfireStorage(t, { 7: [1, 900] });
  const present = openCampfireStorage(campfire.folder);
  assert.equal(present.problem(), null);
  campfire.database.exec('ALTER TABLE active_storage_blobs RENAME COLUMN byte_size TO size');
  assert.equal(present.problem(), 'its database has no active_storage_blobs.byte_size');
  assert.equal(present.filesNear(asked()).kind, 'not-allowed');
  campfire.say({ id: 50, roomId: 7, creatorId: 1, at: noon });
  const found = present.filesNear(asked());
  assert.match(found.kind === 'unreadable' ? found.problem : '', /byte_size/);
});

test('somebody else’s database cannot be written, and shows what was committed while it is written to', (t) => {
  const { database, folder } = campfireStorage(t, {});
  using foreign = openForeign(join(folder, 'db/production.sqlite3'));
  assert.throws(() => foreign.all("INSERT INTO users (id, name) VALUES (5, 'Eve')"), /readonly/);
  assert.throws(() => foreign.all('CREATE TABLE x (y)'), /readonly/);
  const names = () => foreign.all<{ n: number }>('SELECT count(*) AS n FROM users')[0]?.n;
  assert.equal(names(), 5);
  database.exec("BEGIN; INSERT INTO users (id, name, created_at, updated_at) VALUES (5, 'Eve', '', '')");
  assert.equal(names(), 5, 'not before it is committed');
  database.exec('COMMIT');
  assert.equal(names(), 6);
});

test('what a Campfire that was killed left beside its database is read, and left to it', (t) => {
  const { folder } = campfireStorage(t, {});
  const left = join(tempFolder(t), 'db');
  cpSync(join(folder, 'db'), left, { recursive: true });
  const log = join(left, 'production.sqlite3-wal');
  const before = readFileSync(log);
  assert.ok(before.length > 0);
  {
    using foreign = openForeign(join(left, 'production.sqlite3'));
    assert.equal(foreign.all('SELECT id FROM users').length, 5);
  }
  assert.deepEqual(readFileSync(log), before);
});

test('on a read-only mount it is read while its owner runs, and told from one that is not running', (t) => {
  const data = tempFolder(t);
  if (chooseContainment('namespace', data, { paths: [data] }) === null)
    return t.skip('there is no bubblewrap to mount with');
  const campfire = campfireStorage(t, { 7: [1, 900] });
  campfire.postFile({ id: 40, roomId: 7, creatorId: 1, at: noon }, report);
  campfire.say({ id: 50, roomId: 7, creatorId: 1, at: noon });
  const module = join(import.meta.dirname, '../../src/campfire/storage.ts');
  const script = `
    const { openCampfireStorage } = await import(${JSON.stringify(module)});
    const found = openCampfireStorage(${JSON.stringify(campfire.folder)}).filesNear(${JSON.stringify(asked())});
    process.stdout.write(found.problem ?? found.files.map(({ filename }) => filename).join());`;
  const mounted = () => {
    const run = spawnSync(
      'bwrap',
      [
        ...'--ro-bind / / --dev /dev --proc /proc --'.split(' '),
        process.execPath,
        '--no-warnings',
        '-e',
        script,
      ],
      { encoding: 'utf8' },
    );
    return run.stdout + run.stderr;
  };
  assert.equal(mounted(), 'report.xlsx');
  campfire.database.close();
  assert.match(mounted(), /unable to open database file/);
  rmSync(join(campfire.folder, 'db'), { recursive: true });
  assert.match(mounted(), /there is no db/);
});
