import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { Ownership } from '../mail/ownership.ts';
import type { RedisStore } from '../store/redis.ts';
import { type KeptConversations, keptFolders, lastTouched } from './kept.ts';
import { rootOf, runFenced } from './redis-fenced.ts';
import { conversationOf, eraseAll, nameOf, readKnown } from './redis-records.ts';
import type { Conversation } from './resume.ts';
import { isUnusedSpare } from './slots.ts';

/**
 * A folder that Redis has never heard of may belong to a conversation that it has lost, or that was not moved there yet:
 * it is not deleted in haste.
 */
const unknownMs = 180 * 86_400_000;

/** Conversations on record in Redis; their folders are those of this machine, which other machines may have as well. */
export function createRedisKept(parts: {
  store: RedisStore;
  ownership: Ownership;
  dataDir: string;
  clock: Clock;
}): KeptConversations {
  const { store, dataDir, clock } = parts;
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
      const slot = await runFenced<string | null>(
        eraseAll,
        conversation,
        [nameOf(conversation), clock.now()],
        parts,
      );
      return slot === null ? null : join(parent, slot);
    },
    async unnamedFolders(untouchedSince) {
      const ids = await readdir(parent).catch(() => []);
      if (ids.length === 0) return [];
      const names = await store.call<(string | null)[]>('HMGET', `${root}:slots`, ...ids);
      const gone = await store.call<(string | null)[]>('ZMSCORE', `${root}:gone`, ...ids);
      const found: string[] = [];
      for (const [at, id] of ids.entries()) {
        if (names[at] !== null) continue;
        const folder = join(parent, id);
        const isKnown = gone[at] !== null || isUnusedSpare(folder);
        if ((await lastTouched(folder)) < untouchedSince - (isKnown ? 0 : unknownMs)) found.push(folder);
      }
      return found;
    },
    ...keptFolders(parent),
  };
}
