import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { createSlots } from '../../src/sessions/slots.ts';
import { tempFolder } from '../support/temp.ts';

test('a slot can be opened whatever its agent has put in place of its folders, and nothing elsewhere is touched', (t) => {
  const dataDir = tempFolder(t);
  const slots = createSlots(dataDir);
  const elsewhere = join(dataDir, 'elsewhere');
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, 'precious'), '');
  const { work, temp, config } = slots.open('one');
  for (const folder of [work, temp, config]) rmSync(folder, { recursive: true });
  writeFileSync(work, 'a file');
  symlinkSync(join(dataDir, 'nowhere'), temp);
  symlinkSync(elsewhere, config);
  slots.open('one');
  for (const folder of [work, temp, config]) assert.deepEqual(readdirSync(folder), []);
  symlinkSync(elsewhere, join(temp, 'link'));
  slots.emptyTemp(slots.at('one'));
  assert.deepEqual([readdirSync(temp), existsSync(join(elsewhere, 'precious'))], [[], true]);
});

test('what is deleted is out of the way at once and gone soon, and what an earlier life left goes as well', async (t) => {
  const dataDir = tempFolder(t);
  const failures: unknown[] = [];
  const slots = createSlots(dataDir, (error) => failures.push(error));
  const { root, temp } = slots.open('one');
  writeFileSync(join(temp, 'socket'), '');
  const other = slots.open('two');
  mkdirSync(join(dataDir, 'deleting', 'what an earlier life left', 'deep'), { recursive: true });
  slots.clearRemains();
  slots.emptyTemp(other);
  slots.delete({ id: 'one' });
  slots.delete({ id: 'one' });
  assert.equal(existsSync(root), false);
  await slots.settled();
  assert.deepEqual([readdirSync(dirname(root)), failures], [['two'], []]);
  assert.deepEqual(readdirSync(join(dataDir, 'deleting')), []);
});

/** What Go leaves in its module cache: folders without the right to write, which only root can delete as they are. */
const readOnly = `
  import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
  import { createSlots } from ${JSON.stringify(join(import.meta.dirname, '../../src/sessions/slots.ts'))};
  const slots = createSlots(process.env.DATA_DIR, (error) => {
    throw error;
  });
  for (const id of ['one', 'two']) {
    const { root, config, temp } = slots.open(id);
    for (const folder of [config, temp]) {
      mkdirSync(folder + '/go/pkg/mod', { recursive: true });
      writeFileSync(folder + '/go/pkg/mod/file', '');
      for (const part of ['/go/pkg/mod', '/go/pkg', '/go', '']) chmodSync(folder + part, 0o500);
    }
    chmodSync(root, 0o500);
  }
  try {
    rmSync(slots.at('two').root, { recursive: true });
    process.exit(9);
  } catch {}
  slots.emptyTemp(slots.at('one'));
  slots.delete({ id: 'two' });
  await slots.settled();
`;

test('folders that their agent has made read-only are emptied and deleted, without the rights of root', (t) => {
  const dataDir = tempFolder(t);
  const withoutRights = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--'];
  const [program = '', ...args] = [
    ...(process.getuid?.() === 0 ? withoutRights : []),
    ...[process.execPath, '--no-warnings', '--input-type=module', '-e', readOnly],
  ];
  const env = { PATH: process.env.PATH, DATA_DIR: dataDir };
  execFileSync(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  assert.deepEqual(
    ['sessions/one/temp', 'sessions', 'deleting'].map((name) => readdirSync(join(dataDir, name))),
    [[], ['one'], []],
  );
  assert.equal(statSync(join(dataDir, 'sessions/one/temp')).mode & 0o777, 0o700);
});
