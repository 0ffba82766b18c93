import { FencedOutError, type Ownership } from '../mail/ownership.ts';
import { RedisAwayError, type RedisScript, type RedisStore, type RedisValue } from '../store/redis.ts';
import type { Conversation } from './resume.ts';

/**
 * Writes that only the machine does that has the conversation.
 *
 * Every script has in KEYS[1] and KEYS[2] who has the conversation and its last fence, in KEYS[3] the root of all keys,
 * and in ARGV[1] and ARGV[2] the machine that asks and its fence. All of them belong to turns that were accepted, so they
 * go on in a Redis that is full.
 */

export interface FencedParts {
  store: RedisStore;
  ownership: Ownership;
}

/** A script that does nothing, and says why, for a machine without the right. */
export function fencedScript(name: string, lua: string): RedisScript {
  return { name, lua: `${check}\n${lua}`, goesOnWhenFull: true };
}

const check = `
  local call, root = redis.call, KEYS[3]
  local owner = call('HMGET', KEYS[1], 'machine', 'fence')
  if owner[1] ~= ARGV[1] or owner[2] ~= ARGV[2] then
    -- Its lease is over and nobody took the conversation: it may yet hold the same fence again.
    if not owner[1] and call('GET', KEYS[2]) == ARGV[2] then return 'unsure' end
    return 'fenced'
  end
`;

/** @throws FencedOutError without the right; RedisAwayError also while it is uncertain, when trying again may help. */
export async function runFenced<T>(
  script: RedisScript,
  { botId, roomId }: Conversation,
  values: readonly RedisValue[],
  { store, ownership }: FencedParts,
): Promise<T> {
  const name = `${roomId}:${botId}`;
  const fence = ownership.fenceOf({ botId, roomId });
  if (fence === null) throw new FencedOutError(`This machine has no right to ${name} (any more).`);
  const keys = [store.key('own', botId, roomId), store.key('fence', botId, roomId), rootOf(store)];
  const reply = await store.run<T | 'fenced' | 'unsure'>(script, keys, [ownership.machine, fence, ...values]);
  if (reply === 'fenced') throw new FencedOutError(`Another machine has ${name}.`);
  if (reply === 'unsure') throw new RedisAwayError(`Whether this machine still has ${name} is not certain.`);
  return reply as T;
}

export const rootOf = (store: RedisStore): string => store.key('sessions');
