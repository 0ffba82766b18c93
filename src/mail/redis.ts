import type { Clock } from '../lib/clock.ts';
import type { RedisStore } from '../store/redis.ts';
import type { Mail } from './mail.ts';
import type { Ownership } from './ownership.ts';
import { createRedisMailbox } from './redis-mailbox.ts';
import { createRedisOutbox } from './redis-outbox.ts';
import { replay } from './redis-replay.ts';

/**
 * Mail in the Redis that machines share. What belongs to a turn is written only while this machine has the
 * conversation; @throws FencedOutError otherwise.
 */
export function createRedisMail(store: RedisStore, clock: Clock, ownership: Ownership): Mail {
  const parts = { store, clock, ownership };
  return {
    ...createRedisMailbox(parts),
    ...createRedisOutbox(parts),
    replay: (of, force) => replay(of, force, parts),
  };
}
