import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readlink, realpath, rename } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { Slot } from '../agent/agent.ts';
import { parseLine, type TranscriptLine } from '../agent/mirror.ts';
import { removeTree } from './remove-tree.ts';

/**
 * A transcript as files in a slot, read and written by the service.
 *
 * Invariant: nothing outside of the slot is read or written, whatever the agent has made of its folders. What is opened
 * is asked where it really is; and before anything is written, folders that the agent had are gone. No process may live
 * in the slot meanwhile.
 */

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const suffix = '.jsonl';

export interface LocalPart {
  subpath: string;
  lines: TranscriptLine[];
}

/** All parts of the transcript at that path of the slot, the conversation's own first. */
export async function* readTranscript(slot: Slot, memoryId: string, path: string): AsyncIterable<LocalPart> {
  yield { subpath: '', lines: linesOf(await readInside(slot, path)) };
  const folder = join(dirname(path), memoryId);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isFile() || !entry.name.endsWith(suffix)) continue;
    const partPath = join(entry.parentPath, entry.name);
    const subpath = relative(folder, partPath).slice(0, -suffix.length).split(sep).join('/');
    yield { subpath, lines: linesOf(await readInside(slot, partPath)) };
  }
}

/** The text of a file of the slot. @throws Error when it is something else than that. */
async function readInside(slot: Slot, path: string): Promise<string> {
  await using file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  const [real, root] = [await readlink(`/proc/self/fd/${file.fd}`), await realpath(slot.root)];
  if (!real.startsWith(root + sep) || !(await file.stat()).isFile())
    throw new Error('The transcript is not a file of its slot.');
  return file.readFile('utf8');
}

function linesOf(text: string): TranscriptLine[] {
  return text.split('\n').flatMap((line) => parseLine(line) ?? []);
}

export interface IncomingPart {
  subpath: string;
  /** Lines in order, some at a time. */
  lines: AsyncIterable<string[]>;
}

/** Puts a transcript into the slot in place of whatever configuration is there. Whole or not at all. */
export async function writeTranscript(
  slot: Slot,
  memoryId: string,
  parts: AsyncIterable<IncomingPart>,
): Promise<void> {
  const half = `${slot.root}.incoming`;
  await removeTree(half);
  // Any name serves: `claude` looks through all of them.
  const project = join(half, 'projects', slot.work.replace(/[^a-zA-Z0-9]/g, '-'));
  for await (const { subpath, lines } of parts) {
    const path = join(project, subpath === '' ? memoryId : join(memoryId, safePart(subpath))) + suffix;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await using file = await open(path, 'wx', 0o600);
    for await (const some of lines) await writeLines(file, some);
  }
  await removeTree(slot.config);
  await rename(half, slot.config);
}

function safePart(subpath: string): string {
  if (subpath.split('/').some((name) => name === '' || name === '.' || name === '..'))
    throw new Error('Not the name of a part of a transcript.');
  return subpath;
}

async function writeLines(file: FileHandle, lines: readonly string[]): Promise<void> {
  await file.writeFile(lines.map((line) => `${line}\n`).join(''));
}
