import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Slot } from '../agent/agent.ts';

/** The folders that sessions live in: `<data folder>/sessions/<slot id>/{config,work,temp}`. */
export interface Slots {
  /** The slot of this id, its folders made if they are missing. */
  open(id: string): Slot;
  newId(): string;
  /** Deletes what a closed session left in its temp folder: sockets, probes, task files. */
  emptyTemp(slot: Slot): void;
  /** Whether the agent's transcript of this id is still in the slot. */
  hasTranscript(slot: Slot, memoryId: string): boolean;
}

export function createSlots(dataDir: string): Slots {
  const parent = join(dataDir, 'sessions');
  return {
    newId: () => randomUUID(),
    open(id) {
      const root = join(parent, id);
      const slot = {
        id,
        root,
        config: join(root, 'config'),
        work: join(root, 'work'),
        temp: join(root, 'temp'),
      };
      for (const folder of [slot.config, slot.work, slot.temp])
        mkdirSync(folder, { recursive: true, mode: 0o700 });
      return slot;
    },
    emptyTemp(slot) {
      rmSync(slot.temp, { recursive: true, force: true });
      mkdirSync(slot.temp, { recursive: true, mode: 0o700 });
    },
    hasTranscript(slot, memoryId) {
      // `claude` files transcripts under a folder named after the working folder's path.
      return listOf(join(slot.config, 'projects')).some((project) =>
        listOf(join(slot.config, 'projects', project)).includes(`${memoryId}.jsonl`),
      );
    },
  };
}

function listOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
