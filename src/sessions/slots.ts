import { randomUUID } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Slot } from '../agent/agent.ts';
import { removeTree } from './remove-tree.ts';

/** What a transcript that was given up has behind its name. */
export const asideSuffix = '.set-aside';

/**
 * The folders that sessions live in: `<data folder>/sessions/<slot id>/{config,work,temp}`.
 *
 * Invariants:
 * 1. Whatever an agent has made of its folders, they can be opened again, emptied and deleted.
 * 2. What is deleted is out of the way at once; the rest, which may be a million files, is done beside everything else.
 */
export interface Slots {
  /** The slot of this id, whether its folders are there or not. */
  at(id: string): Slot;
  /** The same, its folders made if they are missing or something else is in their place. */
  open(id: string): Slot;
  newId(): string;
  /** Of a slot that no conversation has yet; an unclean end may leave some behind. */
  newSpareId(): string;
  /** Ids of slots that were made for spares. */
  spareIds(): string[];
  /** Deletes what a closed session left in its temp folder: sockets, probes, task files. */
  emptyTemp(slot: Slot): void;
  /** Where the agent's transcript of this id is; null when the slot has none. */
  transcriptPath(slot: Slot, memoryId: string): string | null;
  /** The same for one that was set aside. */
  asidePath(slot: Slot, memoryId: string): string | null;
  /** Renames a transcript so that the agent does not find it; nothing when there is none. */
  setAside(slot: Slot, memoryId: string): void;
  takeBack(slot: Slot, memoryId: string): void;
  /** Deletes the slot with all that is in it. */
  delete(slot: Pick<Slot, 'id'>): void;
  /** Deletes what an earlier life had no time to delete. */
  clearRemains(): void;
  /** Resolves when everything that is being deleted is gone, or could not be deleted. */
  settled(): Promise<void>;
}

const sparePrefix = 'spare-';

/** Whether the slot at this path was made for a spare that was never given a prompt: no conversation can miss it. */
export function isUnusedSpare(root: string): boolean {
  return isOfSpare(basename(root)) && listOf(join(root, 'config', 'projects')).length === 0;
}

function isOfSpare(id: string): boolean {
  return id.startsWith(sparePrefix);
}

/** `onFailure` is told what could not be deleted; it is tried again at the next start. */
export function createSlots(dataDir: string, onFailure: (error: unknown) => void = () => {}): Slots {
  const parent = join(dataDir, 'sessions');
  const remains = join(dataDir, 'deleting');
  const at = (id: string): Slot => {
    const root = join(parent, id);
    const [config, work, temp] = [join(root, 'config'), join(root, 'work'), join(root, 'temp')];
    return { id, root, config, work, temp };
  };
  const deletions = new Set<Promise<void>>();
  const deleteBeside = (folder: string) => {
    const deletion = removeTree(folder)
      .catch(onFailure)
      .finally(() => deletions.delete(deletion));
    deletions.add(deletion);
  };
  const remove = (folder: string) => {
    if (!lstatSync(folder, { throwIfNoEntry: false })) return;
    const aside = join(remains, randomUUID());
    mkdirSync(remains, { recursive: true, mode: 0o700 });
    // A folder that cannot be written to cannot be moved elsewhere either.
    makeOurs(folder);
    try {
      renameSync(folder, aside);
      deleteBeside(aside);
    } catch (error) {
      // Where sessions/ is a disk of its own.
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
      rmSync(folder, { recursive: true, force: true });
    }
  };
  const open = (id: string): Slot => {
    const slot = at(id);
    for (const folder of [slot.root, slot.config, slot.work, slot.temp]) makeOurs(folder);
    return slot;
  };
  return {
    ...{ at, open },
    newId: () => randomUUID(),
    newSpareId: () => `${sparePrefix}${randomUUID()}`,
    spareIds: () => listOf(parent).filter(isOfSpare),
    emptyTemp({ id, root, temp }) {
      makeOurs(root);
      remove(temp);
      open(id);
    },
    transcriptPath: (slot, memoryId) => findIn(slot, `${memoryId}.jsonl`),
    asidePath: (slot, memoryId) => findIn(slot, `${memoryId}.jsonl${asideSuffix}`),
    setAside(slot, memoryId) {
      const path = findIn(slot, `${memoryId}.jsonl`);
      if (path !== null) renameSync(path, path + asideSuffix);
    },
    takeBack(slot, memoryId) {
      const path = findIn(slot, `${memoryId}.jsonl${asideSuffix}`);
      if (path !== null) renameSync(path, path.slice(0, -asideSuffix.length));
    },
    delete: ({ id }) => remove(at(id).root),
    clearRemains() {
      for (const name of listOf(remains)) deleteBeside(join(remains, name));
    },
    async settled() {
      await Promise.all(deletions);
    },
  };
}

/** Makes the folder, in place of anything else that has its name, or makes it one that we can write to. */
function makeOurs(folder: string): void {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found && !found.isDirectory()) rmSync(folder);
  if (!found?.isDirectory()) mkdirSync(folder, { recursive: true, mode: 0o700 });
  else if ((found.mode & 0o700) !== 0o700) chmodSync(folder, 0o700);
}

/** `claude` files transcripts under a folder named after the working folder's path. */
function findIn(slot: Slot, name: string): string | null {
  const projects = join(slot.config, 'projects');
  const project = listOf(projects).find((folder) => listOf(join(projects, folder)).includes(name));
  return project === undefined ? null : join(projects, project, name);
}

function listOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
