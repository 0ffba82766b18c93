import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from '../store/sqlite.ts';
import { removeTree } from './remove-tree.ts';
import type { Conversation } from './resume.ts';
import { asideSuffix } from './slots.ts';

/** What is kept on disk of conversations that are not live: which there are, and how they are let go. */
export interface KeptConversations {
  /** Conversations that had no turn since that time (epoch ms), the longest idle first. */
  idleSince(time: number, max: number): Promise<Conversation[]>;
  /** Conversations of a bot. */
  ofBot(botId: string, max: number): Promise<Conversation[]>;
  /** Ids of all bots that have conversations. */
  botIds(): Promise<string[]>;
  /** The folder that the conversation lives in; null when it has none. */
  folderOf(conversation: Conversation): Promise<string | null>;
  /** Takes the conversation off the record; its folder is then nobody's. Returns the folder. */
  release(conversation: Conversation): Promise<string | null>;
  /** Folders that no conversation names and that nobody has touched since that time. */
  unnamedFolders(untouchedSince: number): Promise<string[]>;
  /** Transcripts that were given up and that nobody has written to since that time. */
  transcriptsGivenUp(untouchedSince: number): AsyncIterable<string>;
  deleteTranscript(path: string): Promise<void>;
  /** Deletes such a folder; one that is gone already is no error. */
  deleteFolder(folder: string): Promise<void>;
}

export function createKeptConversations(store: Store, dataDir: string): KeptConversations {
  const parent = join(dataDir, 'sessions');
  const folderOf = ({ botId, roomId }: Conversation): string | null => {
    const known = store.get<{ slotId: string }>(
      'SELECT slot_id AS slotId FROM conversations WHERE bot_id = ? AND room_id = ?',
      ...[botId, roomId],
    );
    return known ? join(parent, known.slotId) : null;
  };
  return {
    folderOf: async (conversation) => folderOf(conversation),
    idleSince: async (time, max) =>
      store.all<Conversation>(
        `SELECT bot_id AS botId, room_id AS roomId FROM conversations WHERE used_at < ? ORDER BY used_at LIMIT ?`,
        ...[time, max],
      ),
    ofBot: async (botId, max) =>
      store.all<Conversation>(
        'SELECT bot_id AS botId, room_id AS roomId FROM conversations WHERE bot_id = ? LIMIT ?',
        ...[botId, max],
      ),
    botIds: async () =>
      store.all<{ id: string }>('SELECT DISTINCT bot_id AS id FROM conversations').map(({ id }) => id),
    async release(conversation) {
      const folder = folderOf(conversation);
      store.run(
        'DELETE FROM conversations WHERE bot_id = ? AND room_id = ?',
        ...[conversation.botId, conversation.roomId],
      );
      return folder;
    },
    async unnamedFolders(untouchedSince) {
      const named = new Set(
        store.all<{ id: string }>('SELECT slot_id AS id FROM conversations').map(({ id }) => id),
      );
      const found: string[] = [];
      for (const id of await listOf(parent)) {
        const folder = join(parent, id);
        if (!named.has(id) && (await lastTouched(folder)) < untouchedSince) found.push(folder);
      }
      return found;
    },
    ...keptFolders(parent),
  };
}

/** What has to do with this machine's folders alone, wherever conversations are on record. */
export function keptFolders(
  parent: string,
): Pick<KeptConversations, 'transcriptsGivenUp' | 'deleteTranscript' | 'deleteFolder'> {
  return {
    async *transcriptsGivenUp(untouchedSince) {
      for (const slot of await listOf(parent)) {
        for (const project of await listOf(join(parent, slot, 'config', 'projects'))) {
          const folder = join(parent, slot, 'config', 'projects', project);
          for (const name of await listOf(folder)) {
            const path = join(folder, name);
            if (name.endsWith(asideSuffix) && (await timeOf(path)) < untouchedSince) yield path;
          }
        }
      }
    },
    deleteTranscript: (path) => rm(path, { force: true }),
    deleteFolder: removeTree,
  };
}

/** Newer of the folder's own time and those of its parts, which change with every file made in them; 0 when gone. */
export async function lastTouched(folder: string): Promise<number> {
  const times = await Promise.all(['', 'config', 'work', 'temp'].map((part) => timeOf(join(folder, part))));
  return Math.max(...times);
}

/** Of the last change; 0 when it is gone. */
function timeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

function listOf(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
