import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import type { Slot } from '../agent/agent.ts';

/**
 * Files that are put into a conversation's working folder by the service, under `room-files/`.
 *
 * Invariant: nothing is written outside of that folder, whatever the agent has made of its slot meanwhile. An agent
 * with a shell can put a symbolic link in the place of any folder below the slot's root, so each is opened without
 * following links, and the next one is named relative to the open folder.
 */

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_WRONLY, O_CREAT, O_EXCL } = constants;
const folderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/** Of file systems, in bytes; what is left is for a number and the extension. */
const stemMaxBytes = 180;
const extensionMaxBytes = 20;
const copiesMax = 100;
const chunkBytes = 256 * 1024;

const incomingFolder = 'room-files';

/**
 * Copies the file at `source` into the slot's working folder and gives its path relative to that. `name` may be
 * anything; the copy gets a safe one that is still free.
 * @throws Error when the source is no plain file or longer than `maxBytes`, or when the folders are not what they were.
 */
export async function takeIn(slot: Slot, name: string, source: string, maxBytes: number): Promise<string> {
  await using root = await open(slot.root, folderFlags);
  await using work = await open(pathIn(root, 'work'), folderFlags);
  const inWork = pathIn(work, incomingFolder);
  await mkdir(inWork, { mode: 0o700 }).catch(ignoreExisting);
  await using folder = await open(inWork, folderFlags);
  await using from = await open(source, O_RDONLY | O_NOFOLLOW);
  if (!(await from.stat()).isFile()) throw new Error('it is no plain file');
  const { handle, taken } = await create(folder, safeName(name));
  await using to = handle;
  try {
    await copy(from, to, maxBytes);
  } catch (error) {
    // Half a file would be read as the whole.
    await unlink(pathIn(folder, taken));
    throw error;
  }
  return `${incomingFolder}/${taken}`;
}

/** A name in an open folder, wherever that is by now. */
function pathIn(folder: FileHandle, name: string): string {
  return `/proc/self/fd/${folder.fd}/${name}`;
}

async function create(folder: FileHandle, name: string): Promise<{ handle: FileHandle; taken: string }> {
  const { stem, extension } = partsOf(name);
  for (let copy = 1; copy <= copiesMax; copy++) {
    const taken = copy === 1 ? name : `${stem} (${copy})${extension}`;
    try {
      return {
        handle: await open(pathIn(folder, taken), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600),
        taken,
      };
    } catch (error) {
      ignoreExisting(error);
    }
  }
  throw new Error('there are too many files of this name');
}

/** A name as people gave it, without what means something in a path, in a terminal or in a prompt. */
export function safeName(name: string): string {
  const last = name.slice(-1_000).normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  const plain = last
    .replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"<>|:*?]/gu, '_')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^\.+/, '_');
  const { stem, extension } = partsOf(plain);
  return `${shortened(stem, stemMaxBytes) || 'file'}${shortened(extension, extensionMaxBytes)}`;
}

function partsOf(name: string): { stem: string; extension: string } {
  const dot = name.lastIndexOf('.');
  return dot > 0 ? { stem: name.slice(0, dot), extension: name.slice(dot) } : { stem: name, extension: '' };
}

function shortened(text: string, maxBytes: number): string {
  const characters = [...text];
  while (Buffer.byteLength(characters.join('')) > maxBytes) characters.pop();
  return characters.join('');
}

async function copy(from: FileHandle, to: FileHandle, maxBytes: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await from.read(buffer);
    if (bytesRead === 0) return;
    bytes += bytesRead;
    if (bytes > maxBytes) throw new Error('it is longer than it was said to be');
    await to.writeFile(buffer.subarray(0, bytesRead));
  }
}

function ignoreExisting(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
}
