import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { migrations } from '../app/migrations.ts';
import { onRecord } from '../app/unfinished-move.ts';
import { createDiskBytes } from '../downloads/bytes.ts';
import { createRedisBytes } from '../downloads/redis-bytes.ts';
import { createRedisFileIndex } from '../downloads/redis-index.ts';
import { keptFilesWithTokens } from '../downloads/sqlite.ts';
import { systemClock } from '../lib/clock.ts';
import { OperatorError } from '../lib/errors.ts';
import type { Conversation } from '../mail/mail.ts';
import type { Ownership } from '../mail/ownership.ts';
import { createRedisHistory } from '../mail/redis-history.ts';
import { createRedisOwnership } from '../mail/redis-ownership.ts';
import { moveUsage } from '../mail/redis-usage.ts';
import { createSqliteMail } from '../mail/sqlite.ts';
import { keptMessages, keptRooms } from '../mail/sqlite-export.ts';
import { createSqliteUsage } from '../mail/sqlite-usage.ts';
import type { UsageEntry } from '../mail/usage.ts';
import { readBootId } from '../processes/proc.ts';
import { adopt } from '../sessions/redis-adopt.ts';
import { keptMemories } from '../sessions/resume.ts';
import { createSlots } from '../sessions/slots.ts';
import { type DataFolder, holdDataFolder } from '../store/lock.ts';
import { openRedis, type RedisStore } from '../store/redis.ts';
import { openStore, type Store } from '../store/sqlite.ts';
import { moveMessages } from './migrate-mail.ts';

/**
 * `campfire-ai-bot migrate --to redis`: what a machine that was alone has kept goes where many machines share it. Nothing
 * is taken away here, so that the way back is open, and doing it again moves what is missing. No service starts there
 * before it is finished.
 */

/** How much there is, or was moved; `there` was in Redis before. */
interface Counts {
  conversations: number;
  waiting: number;
  settled: number;
  files: number;
  rooms: number;
  /** Days of which there is usage. */
  days: number;
  there: number;
}

/** The report. @throws OperatorError when a service runs, posts are still to be sent, or Redis cannot be used. */
export async function migrateToRedis(given: {
  dataDir: string;
  redisUrl: string | undefined;
  dryRun: boolean;
}): Promise<string> {
  const { dataDir, redisUrl, dryRun } = given;
  if (redisUrl === undefined)
    throw new OperatorError(
      'redis_url_missing',
      'REDIS_URL is not set.',
      'Set it to the Redis that the machines will share, as they will have it.',
    );
  const path = join(dataDir, 'service.db');
  if (!existsSync(path))
    throw new OperatorError(
      'nothing_to_migrate',
      `There is no database in ${dataDir}.`,
      'Set DATA_DIR to the folder of the service whose conversations are to be moved.',
    );
  const folder = holdDataFolder(dataDir);
  try {
    const store = openStore(path, migrations);
    try {
      await refuseUnsent(store);
      const redis = await openRedis(redisUrl);
      try {
        if (dryRun) return `${sentence('Would move', await countsOf(store))} Nothing was changed.`;
        const origin = { name: folder.instance, place: `${hostname()}:${resolve(dataDir)}` };
        return sentence('Moved', await onRecord(redis, origin, () => move(store, redis, folder)));
      } finally {
        await redis.close();
      }
    } finally {
      store.close();
    }
  } finally {
    folder.release();
  }
}

async function refuseUnsent(store: Store): Promise<void> {
  const { undelivered } = await createSqliteMail(store, systemClock).counts();
  if (undelivered === 0) return;
  throw new OperatorError(
    'posts_unsent',
    `${undelivered} ${undelivered === 1 ? 'post has' : 'posts have'} not been sent to Campfire yet.`,
    'Start the service as it was, without REDIS_URL, wait until its metric outbox_undelivered is 0, and stop it again.',
  );
}

async function countsOf(store: Store): Promise<Counts> {
  const messages = [...keptMessages(store)];
  const count = (isSettled: boolean) =>
    messages.filter(({ outcome }) => (outcome !== null) === isSettled).flatMap((one) => one.messages).length;
  return {
    ...{ conversations: keptMemories(store).length, waiting: count(false), settled: count(true), there: 0 },
    ...{ files: keptFilesWithTokens(store).length, rooms: keptRooms(store).length },
    days: daysOf(await keptUsage(store)),
  };
}

function keptUsage(store: Store): Promise<UsageEntry[]> {
  return createSqliteUsage(store).since('');
}

function daysOf(entries: readonly UsageEntry[]): number {
  return new Set(entries.map(({ day }) => day)).size;
}

async function move(store: Store, redis: RedisStore, folder: DataFolder): Promise<Counts> {
  const counts: Counts = { conversations: 0, waiting: 0, settled: 0, files: 0, rooms: 0, days: 0, there: 0 };
  const ownership = createRedisOwnership({
    ...{ store: redis, machine: folder.instance, clock: systemClock },
    onTrouble: () => {},
  });
  try {
    await moveMemories(store, redis, folder, ownership, counts);
    await moveMail(store, redis, ownership, counts);
    await moveFiles(store, redis, folder, counts);
    counts.days = daysOf(await moveUsage(await keptUsage(store), folder.instance, redis));
  } finally {
    await ownership.stop();
  }
  return counts;
}

async function moveMemories(
  store: Store,
  redis: RedisStore,
  folder: DataFolder,
  ownership: Ownership,
  counts: Counts,
): Promise<void> {
  const parts = { store: redis, ownership, slots: createSlots(folder.path), bootId: readBootId() };
  for (const memory of keptMemories(store)) {
    await using _hold = await holdOf(memory, ownership);
    if ((await adopt(memory, parts)) === 'adopted') counts.conversations++;
    else counts.there++;
  }
}

async function moveMail(
  store: Store,
  redis: RedisStore,
  ownership: Ownership,
  counts: Counts,
): Promise<void> {
  const history = createRedisHistory(redis, systemClock);
  for (const room of keptRooms(store)) {
    await history.see(room);
    counts.rooms++;
  }
  const byConversation = Object.groupBy(keptMessages(store), ({ roomId, botId }) => `${roomId}:${botId}`);
  for (const messages of Object.values(byConversation)) {
    if (!messages?.[0]) continue;
    await using _hold = await holdOf(messages[0], ownership);
    const { waiting, settled, there } = await moveMessages(messages, redis, ownership);
    counts.waiting += waiting;
    counts.settled += settled;
    counts.there += there;
  }
}

async function moveFiles(store: Store, redis: RedisStore, folder: DataFolder, counts: Counts): Promise<void> {
  const disk = createDiskBytes(join(folder.path, 'downloads'));
  const index = createRedisFileIndex(redis);
  const bytes = createRedisBytes({ store: redis, disk, clock: systemClock, graceMs: 0 });
  for (const { file, tokenHash } of keptFilesWithTokens(store)) {
    const content = await disk.open(file.id);
    if (!content) continue;
    if (await index.byId(file.id)) {
      counts.there++;
      continue;
    }
    await bytes.put(file.id, content.stream(), file.bytes);
    await index.add(file, tokenHash);
    counts.files++;
  }
}

async function holdOf(conversation: Conversation, ownership: Ownership): Promise<AsyncDisposable> {
  const hold = await ownership.hold(conversation);
  if (hold) return hold;
  throw new OperatorError(
    'conversation_held',
    `Another machine works in conversation ${conversation.roomId}:${conversation.botId} at present.`,
    'Stop all machines that use this Redis, wait 10 seconds and try again; what was moved stays moved.',
  );
}

function sentence(verb: string, counts: Counts): string {
  const { conversations, waiting, settled, files, rooms, days, there } = counts;
  const moved = `${verb} ${conversations} conversations with their transcripts, ${waiting} waiting and ${settled} settled messages, ${files} shared files, ${rooms} rooms and the usage of ${days} days.`;
  return there === 0 ? moved : `${moved} ${there} were there already.`;
}
