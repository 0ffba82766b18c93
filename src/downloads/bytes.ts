import { createHash } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { mkdir, open, opendir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ByteStore, PutBytes } from './kept.ts';

/** Only names of this shape are ever opened or deleted: what else somebody put into the folder is not ours. */
const idShape = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
const halfWritten = '.part';

/** The bytes as files of one folder, made when it is missing; nothing outside of it is ever touched. */
export function createDiskBytes(folder: string): ByteStore {
  const pathOf = (id: string) => {
    if (!idShape.test(id)) throw new Error('Not the id of a kept file.');
    return join(folder, id);
  };

  return {
    async put(id, chunks, maxBytes) {
      const path = pathOf(id);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const part = `${path}${halfWritten}`;
      try {
        const put = await write(part, chunks, maxBytes);
        if (put === null) await unlink(part);
        else await rename(part, path);
        return put;
      } catch (error) {
        await removeFile(part);
        throw error;
      }
    },
    async open(id) {
      try {
        return await openAsBlob(pathOf(id));
      } catch {
        return null;
      }
    },
    async remove(id) {
      await removeFile(pathOf(id));
      await removeFile(`${pathOf(id)}${halfWritten}`);
    },
    async *ids() {
      const entries = await opendir(folder).catch(() => null);
      if (entries === null) return;
      for await (const entry of entries) {
        const id = entry.name.endsWith(halfWritten) ? entry.name.slice(0, -halfWritten.length) : entry.name;
        if (entry.isFile() && idShape.test(id)) yield id;
      }
    },
  };
}

/** Synced to the disk before it resolves, as everything is that people have been promised. */
async function write(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<PutBytes | null> {
  await using file = await open(path, 'wx', 0o600);
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return null;
    hash.update(chunk);
    await file.writeFile(chunk);
  }
  await file.sync();
  return { bytes, digest: hash.digest('base64url') };
}

async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
