import type { Stats } from 'node:fs';
import { constants, type FileHandle, open, readlink, realpath } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import type { Refusal } from './kept.ts';

/**
 * Opens what a bot names, and nothing outside its folder, whatever the bot changes meanwhile.
 *
 * Invariants:
 * 1. The file is pinned first (`O_PATH`: nothing is read, no device is woken, no FIFO waits) and judged afterwards, by
 *    the descriptor alone. Its bytes come from that descriptor, so a path that is swapped in between changes nothing.
 * 2. Where the pinned file is, the kernel says (`/proc/self/fd`), after every link of the path was followed.
 * 3. The folder's own path is trusted only above `anchor`: below it a bot's shell may have put a link in its place.
 */

/** Linux' value on every machine that Node runs on; Node has no name for it. */
const O_PATH = 0o10000000;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
const pathMaxCharacters = 4096;

export interface WorkFolder {
  path: string;
  /** A folder above it that the bot cannot replace. */
  anchor: string;
}

export interface WorkFile extends AsyncDisposable {
  /** The last part of its path, as it is on the disk. */
  name: string;
  /** Where it is, from the folder on. */
  place: string;
  chunks(): AsyncIterable<Uint8Array>;
}

/** The regular file of this path, relative to the folder or whole. Dispose it. */
export async function openWorkFile(folder: WorkFolder, path: string): Promise<WorkFile | Refusal> {
  const wanted = resolve(folder.path, path);
  const root = join(await realpath(folder.anchor), relative(folder.anchor, folder.path));
  if (path === '' || path.includes('\0') || path.length > pathMaxCharacters) return { kind: 'missing' };
  // Before anything is looked at: whether something exists elsewhere is not the bot's business.
  if (!isInside(wanted, folder.path) && !isInside(wanted, root)) return { kind: 'outside' };
  try {
    const real = await realpath(wanted);
    if (!isInside(real, root)) return { kind: 'outside' };
    await using pin = await open(real, O_PATH | O_NOFOLLOW);
    const refusal = judge(await pin.stat(), await readlink(`/proc/self/fd/${pin.fd}`), root);
    if (refusal) return refusal;
    const file = await open(`/proc/self/fd/${pin.fd}`, O_RDONLY | O_NONBLOCK);
    return workFile(file, real, root);
  } catch (error) {
    return refusalFor((error as NodeJS.ErrnoException).code);
  }
}

function judge(stats: Stats, where: string, root: string): Refusal | null {
  if (!isInside(where, root)) return { kind: 'outside' };
  if (stats.isDirectory()) return { kind: 'folder' };
  if (!stats.isFile()) return { kind: 'special' };
  // Its other name may be outside. Without any it was deleted after it was found.
  if (stats.nlink > 1) return { kind: 'hard-linked' };
  return stats.nlink === 0 ? { kind: 'missing' } : null;
}

function workFile(file: FileHandle, real: string, root: string): WorkFile {
  return {
    name: basename(real),
    place: relative(root, real),
    chunks: () => file.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 }),
    [Symbol.asyncDispose]: () => file.close(),
  };
}

/** The folder itself counts: it is refused as a folder. */
function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder + sep);
}

function refusalFor(code: string | undefined): Refusal {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return { kind: 'missing' };
    case 'ENXIO':
    case 'ENODEV':
      return { kind: 'special' };
    default:
      return { kind: 'unreadable' };
  }
}
