import assert from 'node:assert/strict';
import type { Conversation } from '../../src/mail/mail.ts';
import { openRedis, type RedisStore } from '../../src/store/redis.ts';
import { type RedisServer, redisServer } from '../support/redis.ts';

/** The conversations that the suites of mail speak of. */
export const conversations: readonly Conversation[] = [
  ...[7, 1, 2].map((roomId) => ({ botId: 'helper', roomId })),
  { botId: 'other', roomId: 7 },
];

export interface SharedRedis {
  server(): Promise<RedisServer>;
  /** A connection with keys of its own, or those of a prefix that was given out before. */
  connect(prefix?: string): Promise<{ store: RedisStore; prefix: string }>;
}

/** Of what waited, ran or was sent nothing stays but records that are pruned in time. */
export async function assertTidy(store: RedisStore): Promise<void> {
  const keys = await store.call<string[]>('KEYS', store.key('mail', '*'));
  const kinds = new Set(keys.map((key) => key.split(':')[2] ?? ''));
  const kept = ['ids', 'counts', 'c', 's', 'settled', 'turns', 'd', 'known', 'ra', 'rh', 'rb', 'told'];
  assert.deepEqual([...kinds.difference(new Set(kept))], []);
}

/** One Redis for all tests of a file; `after` is that of the file. */
export function sharedRedis(after: (undo: () => unknown) => void): SharedRedis {
  const undos: Array<() => unknown> = [];
  let started: Promise<RedisServer> | null = null;
  let prefixes = 0;
  after(async () => {
    for (const undo of undos) await undo();
  });
  const server = () => {
    started ??= redisServer({ after: (undo) => undos.push(undo) });
    return started;
  };
  return {
    server,
    async connect(prefix = `test-${++prefixes}`) {
      const { url } = await server();
      return { store: await openRedis(url, prefix), prefix };
    },
  };
}
