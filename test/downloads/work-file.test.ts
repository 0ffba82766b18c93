import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { openWorkFile, type WorkFolder } from '../../src/downloads/work-file.ts';
import { tempFolder } from '../support/temp.ts';

/** A conversation's folder with one file, a secret beside it, and nothing else. */
function setFolder(t: TestContext): WorkFolder & { outside: string; root: string } {
  const root = tempFolder(t);
  const anchor = join(root, 'sessions');
  const path = join(anchor, 'slot/work');
  mkdirSync(join(path, 'reports'), { recursive: true });
  writeFileSync(join(path, 'reports/季度 报告.txt'), 'inside');
  const outside = join(root, 'secret.txt');
  writeFileSync(outside, 'outside');
  return { path, anchor, outside, root };
}

/** What is read, or why nothing is. */
async function read(folder: WorkFolder, path: string): Promise<string> {
  const opened = await openWorkFile(folder, path);
  if ('kind' in opened) return opened.kind;
  await using file = opened;
  return await text(Readable.from(file.chunks()));
}

test('a file is read by a path from the folder and by its whole path', async (t) => {
  const folder = setFolder(t);
  assert.equal(await read(folder, 'reports/季度 报告.txt'), 'inside');
  assert.equal(await read(folder, './reports/../reports/季度 报告.txt'), 'inside');
  assert.equal(await read(folder, join(folder.path, 'reports/季度 报告.txt')), 'inside');
});

test('a folder that is reached through links of the operator is the same folder', async (t) => {
  const folder = setFolder(t);
  const linked = join(folder.root, 'data');
  symlinkSync(folder.anchor, linked);
  const throughLink = { path: join(linked, 'slot/work'), anchor: linked };
  for (const base of [throughLink.path, folder.path])
    assert.equal(await read(throughLink, join(base, 'reports/季度 报告.txt')), 'inside');
});

test('a link inside the folder to a file inside the folder is that file', async (t) => {
  const folder = setFolder(t);
  symlinkSync('reports/季度 报告.txt', join(folder.path, 'latest.txt'));
  assert.equal(await read(folder, 'latest.txt'), 'inside');
});

for (const [what, path] of [
  ['a path that climbs out', '../../../secret.txt'],
  ['a path that climbs out to what is not there', '../../../nothing.txt'],
  ['another place', '/etc/passwd'],
  ['a place that is not there', '/etc/nothing-of-this-name'],
  ['a process', '/proc/self/environ'],
  ['the root of a process', '/proc/self/root/etc/passwd'],
  ['a folder whose name begins the same', '../work-2/x.txt'],
  ['a link to a file outside', 'link-to-file'],
  ['a path through a link to a folder outside', 'link-to-folder/secret.txt'],
  ['a link to a link to a file outside', 'link-to-link'],
  ['a link into /proc', 'link-to-environ'],
  ['a link to a device', 'link-to-zero'],
] as const) {
  test(`${what} is refused as outside`, async (t) => {
    const folder = setFolder(t);
    mkdirSync(join(dirname(folder.path), 'work-2'));
    writeFileSync(join(dirname(folder.path), 'work-2/x.txt'), 'outside');
    symlinkSync(folder.outside, join(folder.path, 'link-to-file'));
    symlinkSync(folder.root, join(folder.path, 'link-to-folder'));
    symlinkSync('link-to-file', join(folder.path, 'link-to-link'));
    symlinkSync('/proc/self/environ', join(folder.path, 'link-to-environ'));
    symlinkSync('/dev/zero', join(folder.path, 'link-to-zero'));
    assert.equal(await read(folder, path), 'outside');
  });
}

test('a folder that was replaced by a link is not followed', async (t) => {
  const folder = setFolder(t);
  renameSync(folder.path, `${folder.path}-moved`);
  symlinkSync(folder.root, folder.path);
  assert.equal(await read(folder, 'secret.txt'), 'outside');
  assert.equal(await read(folder, join(folder.path, 'secret.txt')), 'outside');
});

test('only regular files with one name are taken', async (t) => {
  const folder = setFolder(t);
  const at = (name: string) => join(folder.path, name);
  linkSync(folder.outside, at('hard'));
  execFileSync('mkfifo', [at('fifo')]);
  const server = createServer().listen(at('socket'));
  await once(server, 'listening');
  t.after(() => server.close());
  assert.equal(await read(folder, 'hard'), 'hard-linked');
  assert.equal(await read(folder, 'fifo'), 'special', 'and nobody waits for a writer');
  assert.equal(await read(folder, 'socket'), 'special');
  assert.equal(await read(folder, 'reports'), 'folder');
  assert.equal(await read(folder, '.'), 'folder');
  assert.equal(await read(folder, 'nothing.txt'), 'missing');
  assert.equal(await read(folder, 'reports/季度 报告.txt/x'), 'missing');
  assert.equal(await read(folder, ''), 'missing');
  assert.equal(await read(folder, 'a\0b'), 'missing');
  assert.equal(await read(folder, 'x'.repeat(5000)), 'missing');
  assert.equal(await read(folder, 'x'.repeat(300)), 'missing');
});

test('a device in the folder is refused without being opened', async (t) => {
  const folder = setFolder(t);
  try {
    execFileSync('mknod', [join(folder.path, 'zero'), 'c', '1', '5'], { stdio: 'ignore' });
  } catch {
    // Only root makes devices; without one there is nothing to refuse.
    return assert.notEqual(process.getuid?.(), 0);
  }
  assert.equal(await read(folder, 'zero'), 'special');
});

for (const [what, name, path] of [
  ['the file', 'reports/race.txt', 'reports/race.txt'],
  ['a folder on its way', 'reports', 'reports/race.txt'],
] as const) {
  test(`whoever swaps ${what} for a link while it is opened gains nothing`, async (t) => {
    const folder = setFolder(t);
    writeFileSync(join(folder.path, 'reports/race.txt'), 'inside');
    const elsewhere = join(folder.root, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'race.txt'), 'stolen');
    const target = name === 'reports' ? elsewhere : join(elsewhere, 'race.txt');
    const swapper = spawn(
      process.execPath,
      [
        '--no-warnings',
        join(import.meta.dirname, '../fixtures/children/swapper.ts'),
        folder.path,
        name,
        target,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    t.after(() => swapper.kill('SIGKILL'));
    await once(swapper.stdout, 'data');
    const seen = new Map<string, number>();
    for (let round = 0; round < 3000; round++) {
      const result = await read(folder, path);
      seen.set(result, (seen.get(result) ?? 0) + 1);
    }
    assert.equal(swapper.exitCode, null, 'it swapped to the end');
    assert.equal(seen.get('stolen'), undefined);
    assert.ok((seen.get('inside') ?? 0) > 0 && (seen.get('outside') ?? 0) > 0, 'both were met');
  });
}

test('no descriptor is left open, whatever was asked for', async (t) => {
  const folder = setFolder(t);
  symlinkSync(folder.outside, join(folder.path, 'link'));
  const open = () => readdirSync('/proc/self/fd').length;
  const ask = async () => {
    for (const path of ['reports/季度 报告.txt', 'link', 'reports', '/etc/passwd', 'nothing'])
      await read(folder, path);
  };
  await ask();
  const before = open();
  for (let round = 0; round < 50; round++) await ask();
  // Fewer when something of an earlier test was closed meanwhile.
  assert.ok(open() <= before, `${open()} are open, ${before} were`);
});
