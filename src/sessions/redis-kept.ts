import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ownership } from '../mail/ownership.ts';
import type { RedisStore } from '../store/redis.ts';
import { type KeptConversations, keptFolders, lastTouched } from './kept.ts';
import { rootOf, runFenced } from './redis-fenced.ts';
import { conversationOf, eraseAll, nameOf, readKnown } from './redis-records.ts';
import type { Conversation } from './resume.ts';

/** Conversations on record in Redis; their folders are those of this machine, which other machines may have as well. */
export function createRedisKept(parts: {
  store: RedisStore;
  ownership: Ownership;
  dataDir: string;
}): KeptConversations {
  const { store, dataDir } = parts;
  const root = rootOf(store);
  const parent = join(dataDir, 'sessions');
  const all = async () =>
    (await store.call<string[]>('ZRANGE', `${root}:used`, 0, -1)).map((name) => conversationOf(name));
  return {
    async idleSince(time, max) {
      const names = await store.call<string[]>(
        ...(['ZRANGE', `${root}:used`, '-inf', `(${time}`, 'BYSCORE', 'LIMIT', 0, max] as const),
      );
      return names.map((name) => conversationOf(name));
    },
    ofBot: async (botId, max) => (await all()).filter((one) => one.botId === botId).slice(0, max),
    botIds: async () => [...new Set((await all()).map(({ botId }) => botId))],
    async folderOf(conversation: Conversation) {
      const known = await readKnown(store, conversation);
      return known && join(parent, known.slot);
    },
    async release(conversation) {
      const slot = await runFenced<string | null>(eraseAll, conversation, [nameOf(conversation)], parts);
      return slot === null ? null : join(parent, slot);
    },
    async unnamedFolders(untouchedSince) {
      const ids = await readdir(parent).catch(() => []);
      if (ids.length === 0) return [];
      const names = await store.call<(string | null)[]>('HMGET', `${root}:slots`, ...ids);
      const found: string[] = [];
      for (const [at, id] of ids.entries()) {
        const folder = join(parent, id);
        if (names[at] === null && (await lastTouched(folder)) < untouchedSince) found.push(folder);
      }
      return found;
    },
    ...keptFolders(parent),
  };
}
