import { OperatorError } from '../lib/errors.ts';
import type { RedisStore } from '../store/redis.ts';

/**
 * What `migrate` has begun to move into a Redis and not finished. Between the two, messages that were answered long ago
 * may wait there, so no service starts on it.
 *
 * Key: migrating (a hash, the data folder's name → where it is).
 */

const keyOf = (store: RedisStore) => store.key('migrating');

/** Moves what a data folder has; a move that fails or is cut off stays on record until one of that folder is finished. */
export async function onRecord<T>(
  store: RedisStore,
  folder: { name: string; place: string },
  move: () => Promise<T>,
): Promise<T> {
  await store.call('HSET', keyOf(store), folder.name, folder.place);
  const moved = await move();
  await store.call('HDEL', keyOf(store), folder.name);
  return moved;
}

/** @throws OperatorError `migration_unfinished` */
export async function refuseUnfinishedMove(store: RedisStore): Promise<void> {
  const [place] = await store.call<string[]>('HVALS', keyOf(store));
  if (place === undefined) return;
  throw new OperatorError(
    'migration_unfinished',
    `The move of ${place} into the Redis of REDIS_URL was begun and not finished.`,
    'Run `campfire-ai-bot migrate --to redis` there again, with the same DATA_DIR, then start the service.',
  );
}
