import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A disk of its own of that size; null where this process may not mount. */
export function smallDisk(t: Pick<TestContext, 'after'>, megabytes: number): string | null {
  const path = mkdtempSync(join(tmpdir(), 'campfire-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path]).status === 0;
  t.after(() => {
    if (mounted) spawnSync('umount', ['-l', path]);
    rmSync(path, { recursive: true, force: true });
  });
  return mounted ? path : null;
}

/** Fills the disk to the last byte, as an agent with a loop in its script would; frees it when called. */
export function fillUp(folder: string, name = 'filler'): () => void {
  const path = join(folder, name);
  const file = openSync(path, 'w');
  for (const size of [1 << 20, 4096]) {
    const block = Buffer.alloc(size);
    for (;;) {
      try {
        writeSync(file, block);
      } catch {
        break;
      }
    }
  }
  closeSync(file);
  return () => rmSync(path);
}
