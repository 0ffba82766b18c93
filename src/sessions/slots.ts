import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Slot } from '../agent/agent.ts';

/** What a transcript that was given up has behind its name. */
export const asideSuffix = '.set-aside';

/** The folders that sessions live in: `<data folder>/sessions/<slot id>/{config,work,temp}`. */
export interface Slots {
  /** The slot of this id, whether its folders are there or not. */
  at(id: string): Slot;
  /** The same, its folders made if they are missing. */
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
}

const sparePrefix = 'spare-';

/** Whether the slot at this path was made for a spare that was never given a prompt: no conversation can miss it. */
export function isUnusedSpare(root: string): boolean {
  return isOfSpare(basename(root)) && listOf(join(root, 'config', 'projects')).length === 0;
}

function isOfSpare(id: string): boolean {
  return id.startsWith(sparePrefix);
}

export function createSlots(dataDir: string): Slots {
  const parent = join(dataDir, 'sessions');
  const at = (id: string): Slot => {
    const root = join(parent, id);
    const [config, work, temp] = [join(root, 'config'), join(root, 'work'), join(root, 'temp')];
    return { id, root, config, work, temp };
  };
  return {
    at,
    newId: () => randomUUID(),
    newSpareId: () => `${sparePrefix}${randomUUID()}`,
    spareIds: () => listOf(parent).filter(isOfSpare),
    open(id) {
      const slot = at(id);
      for (const folder of [slot.config, slot.work, slot.temp])
        mkdirSync(folder, { recursive: true, mode: 0o700 });
      return slot;
    },
    emptyTemp(slot) {
      rmSync(slot.temp, { recursive: true, force: true });
      mkdirSync(slot.temp, { recursive: true, mode: 0o700 });
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
    delete: ({ id }) => rmSync(join(parent, id), { recursive: true, force: true }),
  };
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
