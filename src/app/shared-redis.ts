import { createRedisBytes } from '../downloads/redis-bytes.ts';
import { createRedisFileIndex } from '../downloads/redis-index.ts';
import { messageOf } from '../lib/errors.ts';
import type { Mail, MailCounts } from '../mail/mail.ts';
import { createRedisMail } from '../mail/redis.ts';
import { createRedisHistory } from '../mail/redis-history.ts';
import { createRedisMarks } from '../mail/redis-marks.ts';
import { createRedisOwnership } from '../mail/redis-ownership.ts';
import { createRedisUsage } from '../mail/redis-usage.ts';
import { readBootId } from '../processes/proc.ts';
import { createRedisConversations } from '../sessions/redis-conversations.ts';
import { createRedisKept } from '../sessions/redis-kept.ts';
import { createMirror } from '../sessions/redis-mirror.ts';
import { createRedisTranscripts } from '../sessions/redis-transcripts.ts';
import { openBells } from '../store/bells.ts';
import { openRedis, type RedisStore } from '../store/redis.ts';
import type { Emit } from '../telemetry/events.ts';
import type { SharedParts, SharedState } from './shared.ts';
import { refuseUnfinishedMove } from './unfinished-move.ts';

/** Bytes that another machine has begun to keep are on the index by then. */
const bytesGraceMs = 600_000;

/** Everything that machines share, in one Redis. @throws OperatorError when it cannot be used. */
export async function redisState(url: string, parts: SharedParts): Promise<SharedState> {
  const { settings, slots, machine, clock, emit } = parts;
  const store = await openRedis(url);
  try {
    await refuseUnfinishedMove(store);
  } catch (error) {
    await store.close();
    throw error;
  }
  const trouble = (part: string) => (problem: string) => {
    // That it is away is told once, not by everybody who notices.
    if (store.isThere()) emit({ type: 'part.failed', part, problem });
  };
  tellChanges(store, parts);
  await warnIfForgetful(store, emit);
  const ownership = createRedisOwnership({ store, machine, clock, onTrouble: trouble('ownership') });
  const bells = openBells(store, (error) => trouble('doorbell')(messageOf(error)));
  const mail = createRedisMail(store, clock, ownership);
  const transcripts = createRedisTranscripts({ store, ownership });
  const mirror = createMirror({ transcripts, slots, emit });
  return {
    mail,
    countMail: lastKnown(mail),
    history: createRedisHistory(store, clock),
    marks: createRedisMarks(store, clock),
    usage: createRedisUsage(store),
    conversations: createRedisConversations({
      ...{ store, ownership, transcripts, mirror, slots, clock, emit },
      bootId: readBootId(),
    }),
    kept: createRedisKept({ store, ownership, dataDir: settings.dataDir, clock }),
    transcripts: mirror,
    files: {
      index: createRedisFileIndex(store),
      bytes: createRedisBytes({ store, disk: parts.bytes, clock, graceMs: bytesGraceMs }),
    },
    ownership,
    redis: { store, bells },
    async close() {
      await ownership.stop();
      await bells.close();
      await store.close();
    },
  };
}

/** Each change once, however often connecting is tried. */
function tellChanges(store: RedisStore, { clock, emit, onRedisBack }: SharedParts): void {
  let awaySince: number | null = null;
  store.onChange((problem) => {
    if (problem === null && awaySince !== null) {
      emit({ type: 'redis.back' });
      onRedisBack(awaySince);
      awaySince = null;
    } else if (problem !== null && awaySince === null) {
      emit({ type: 'redis.away', problem });
      awaySince = clock.now();
    }
  });
}

function lastKnown(mail: Mail): () => Promise<MailCounts> {
  let known: MailCounts = { waiting: 0, running: 0, withoutOutcome: 0, undelivered: 0 };
  return async () => {
    try {
      known = await mail.counts();
    } catch {
      // Monitors are answered in any case, and hear of Redis elsewhere.
    }
    return known;
  };
}

export const forgetfulRemedy =
  'Start it with --appendonly yes and --maxmemory-policy noeviction, as compose.yaml does.';

/** A Redis that writes nothing down loses at its next restart what was promised to be kept. */
async function warnIfForgetful(store: RedisStore, emit: Emit): Promise<void> {
  const problem = await forgetfulness(store).catch(() => null);
  if (problem === null) return;
  emit({
    ...{ type: 'service.degraded', code: 'redis_forgets', problem },
    remedy: forgetfulRemedy,
  });
}

/** How this Redis would lose what it was given, in a sentence; null when it would not. @throws RedisAwayError */
export async function forgetfulness(store: RedisStore): Promise<string | null> {
  const persistence = await store.call<string>('INFO', 'persistence');
  if (!/aof_enabled:1/.test(persistence))
    return 'The Redis of REDIS_URL keeps no append-only file: what was accepted is lost when it restarts.';
  const memory = await store.call<string>('INFO', 'memory');
  const [, policy = 'noeviction'] = /maxmemory_policy:(\S+)/.exec(memory) ?? [];
  if (policy === 'noeviction') return null;
  return `The Redis of REDIS_URL throws away keys when its memory is full (maxmemory-policy ${policy}).`;
}
