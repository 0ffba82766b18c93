import type { Settings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { MailHistory } from '../mail/history.ts';
import type { Mail, MailCounts } from '../mail/mail.ts';
import type { Marks } from '../mail/marks.ts';
import { type Ownership, soleOwnership } from '../mail/ownership.ts';
import { createSqliteMail } from '../mail/sqlite.ts';
import { createSqliteHistory } from '../mail/sqlite-history.ts';
import { createSqliteMarks } from '../mail/sqlite-marks.ts';
import type { Bells } from '../store/bells.ts';
import type { RedisStore } from '../store/redis.ts';
import type { Store } from '../store/sqlite.ts';
import type { Emit } from '../telemetry/events.ts';

/**
 * What machines share, where there are many: the one place that decides between this machine's own database and Redis.
 * What is not here is this machine's own in either case.
 */
export interface SharedState {
  mail: Mail;
  /** As `mail.counts`, and what was last known while Redis is away. */
  countMail(): Promise<MailCounts>;
  history: MailHistory;
  marks: Marks;
  ownership: Ownership;
  /** Null for a machine that is alone. */
  redis: SharedRedis | null;
  /** Lets go of everything; call it last. */
  close(): Promise<void>;
}

export interface SharedRedis {
  store: RedisStore;
  bells: Bells;
}

export interface SharedParts {
  settings: Settings;
  /** This machine's own database. */
  store: Store;
  /** This machine's name. */
  machine: string;
  clock: Clock;
  emit: Emit;
  /** Nothing was accepted since then (epoch ms), and now it is. */
  onRedisBack: (awaySince: number) => void;
}

/** @throws OperatorError when REDIS_URL is set and leads to no Redis. */
export function openShared(parts: SharedParts): Promise<SharedState> {
  const { redisUrl } = parts.settings;
  return redisUrl === undefined ? Promise.resolve(localState(parts)) : redisState(redisUrl, parts);
}

function localState({ store, machine, clock }: SharedParts): SharedState {
  const mail = createSqliteMail(store, clock);
  return {
    mail,
    countMail: mail.counts,
    history: createSqliteHistory(store, clock),
    marks: createSqliteMarks(store),
    ownership: soleOwnership(machine),
    redis: null,
    async close() {},
  };
}

/** Loaded only here: a machine that is alone pays no memory for it. */
async function redisState(url: string, parts: SharedParts): Promise<SharedState> {
  const [redis, redisBells, redisOwnership, redisMail, redisHistory, redisMarks] = await Promise.all([
    import('../store/redis.ts'),
    import('../store/bells.ts'),
    import('../mail/redis-ownership.ts'),
    import('../mail/redis.ts'),
    import('../mail/redis-history.ts'),
    import('../mail/redis-marks.ts'),
  ]);
  const { machine, clock, emit } = parts;
  const store = await redis.openRedis(url);
  const trouble = (part: string) => (problem: string) => {
    // That it is away is told once, not by everybody who notices.
    if (store.isThere()) emit({ type: 'part.failed', part, problem });
  };
  tellChanges(store, parts);
  await warnIfForgetful(store, emit);
  const ownership = redisOwnership.createRedisOwnership({
    store,
    machine,
    clock,
    onTrouble: trouble('ownership'),
  });
  const bells = redisBells.openBells(store, (error) => trouble('doorbell')(messageOf(error)));
  const mail = redisMail.createRedisMail(store, clock, ownership);
  return {
    mail,
    countMail: lastKnown(mail),
    history: redisHistory.createRedisHistory(store, clock),
    marks: redisMarks.createRedisMarks(store, clock),
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

/** A Redis that writes nothing down loses at its next restart what was promised to be kept. */
async function warnIfForgetful(store: RedisStore, emit: Emit): Promise<void> {
  const problem = await forgetfulness(store).catch(() => null);
  if (problem === null) return;
  emit({
    ...{ type: 'service.degraded', code: 'redis_forgets', problem },
    remedy: 'Start it with --appendonly yes and --maxmemory-policy noeviction, as compose.yaml does.',
  });
}

async function forgetfulness(store: RedisStore): Promise<string | null> {
  const persistence = await store.call<string>('INFO', 'persistence');
  if (!/aof_enabled:1/.test(persistence))
    return 'The Redis of REDIS_URL keeps no append-only file: what was accepted is lost when it restarts.';
  const memory = await store.call<string>('INFO', 'memory');
  const [, policy = 'noeviction'] = /maxmemory_policy:(\S+)/.exec(memory) ?? [];
  if (policy === 'noeviction') return null;
  return `The Redis of REDIS_URL throws away keys when its memory is full (maxmemory-policy ${policy}).`;
}
