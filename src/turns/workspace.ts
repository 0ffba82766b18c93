import { type Dirent, promises as fs } from 'node:fs';
import { join } from 'node:path';
import type { Conversation } from '../mail/mail.ts';

/**
 * How large the folders of conversations are. Looked at after each turn, beside everything else; only a conversation
 * of which nothing is known, as after a start, is looked at before its turn.
 */
export interface Workspaces {
  /** Bytes on disk when they are more than allowed; null when the next turn may run. */
  excess(conversation: Conversation): Promise<number | null>;
  /** Measures in the background; call it after a turn. */
  measure(conversation: Conversation): void;
}

export interface WorkspaceParts {
  maxBytes: number;
  /** The folder that the conversation lives in; null when it has none yet. */
  folderOf: (conversation: Conversation) => Promise<string | null>;
  onError: (error: unknown) => void;
}

/** What counts: the conversation's files and the agent's own record of it. The temp folder is emptied anyway. */
const counted = ['work', 'config'];
/** More files than anybody works with: what there is beyond is not looked at. */
const entriesMax = 200_000;

export function createWorkspaces({ maxBytes, folderOf, onError }: WorkspaceParts): Workspaces {
  const known = new Map<string, number>();
  const look = async (conversation: Conversation): Promise<number> => {
    const folder = await folderOf(conversation);
    const bytes = folder === null ? 0 : await bytesOnDisk(counted.map((part) => join(folder, part)));
    known.set(nameOf(conversation), bytes);
    return bytes;
  };
  return {
    async excess(conversation) {
      const noted = known.get(nameOf(conversation));
      // What was too large may have been tidied up since.
      const bytes = noted === undefined || noted > maxBytes ? await look(conversation) : noted;
      return bytes > maxBytes ? bytes : null;
    },
    measure: (conversation) => void look(conversation).catch(onError),
  };
}

/** What the folders take up on the disk, links not followed. Files that vanish meanwhile do not count. */
async function bytesOnDisk(folders: readonly string[]): Promise<number> {
  let bytes = 0;
  let entries = 0;
  const left = [...folders];
  for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
    for (const entry of await list(folder)) {
      if (++entries > entriesMax) return bytes;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) left.push(path);
      else bytes += await blocksOf(path);
    }
  }
  return bytes;
}

async function list(folder: string): Promise<Dirent[]> {
  return fs.readdir(folder, { withFileTypes: true }).catch(() => []);
}

async function blocksOf(path: string): Promise<number> {
  return fs.lstat(path).then(
    ({ blocks }) => blocks * 512,
    () => 0,
  );
}

function nameOf({ roomId, botId }: Conversation): string {
  return `${roomId}:${botId}`;
}
