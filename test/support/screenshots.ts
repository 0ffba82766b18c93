import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'docs/screenshots');

/**
 * Pictures in docs/screenshots are as good as what they were taken of: beside them lies a hash of its sources. With
 * UPDATE_SCREENSHOTS=1 they are taken anew (and have to be looked at), else the hash must be that of the sources now.
 * `sources` are files and folders, relative to the root; `take` writes pictures into the folder that it is given.
 */
export async function keepScreenshots(
  stampName: string,
  sources: readonly string[],
  take: (folder: string) => Promise<void>,
): Promise<void> {
  const stamp = join(folder, `${stampName}.sha256`);
  const hash = hashOf(sources);
  if (process.env.UPDATE_SCREENSHOTS === '1') {
    mkdirSync(folder, { recursive: true });
    await take(folder);
    writeFileSync(stamp, `${hash}\n`);
  }
  const taken = existsSync(stamp) ? readFileSync(stamp, 'utf8').trim() : 'never taken';
  assert.equal(
    taken,
    hash,
    `The pictures of ${stampName} in docs/screenshots are older than what they show: take them anew with UPDATE_SCREENSHOTS=1`,
  );
}

function hashOf(sources: readonly string[]): string {
  const hash = createHash('sha256');
  for (const source of sources) {
    const path = join(root, source);
    const names = statSync(path).isDirectory()
      ? readdirSync(path, { recursive: true, encoding: 'utf8' })
      : [''];
    for (const name of names.sort()) {
      if (statSync(join(path, name)).isFile()) hash.update(name).update(readFileSync(join(path, name)));
    }
  }
  return hash.digest('hex');
}
