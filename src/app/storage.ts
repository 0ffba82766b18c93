import type { Acceptance } from '../campfire/intake.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { guardStorage, type StorageGuard, type StorageState } from '../store/space.ts';
import type { Store } from '../store/sqlite.ts';
import { storeTrouble } from '../store/trouble.ts';
import type { Emit } from '../telemetry/events.ts';

/** The database's disk as the rest of the service sees it: told when it changes, and asked before each acceptance. */
export interface Storage {
  guard: StorageGuard;
  /** Accepts with `accept` what can be kept; 503 for what cannot. */
  keep<A extends Acceptance>(accept: () => Promise<A>): Promise<A | Refused>;
}

type Refused = Extract<Acceptance, { kind: 'refused' }>;

export function buildStorage(parts: {
  store: Store;
  dataDir: string;
  clock: Clock;
  emit: Emit;
  /** Nothing was accepted since then (epoch ms), and now it is. */
  onRecovered: (closedSince: number) => void;
}): Storage {
  const { clock, emit, onRecovered } = parts;
  let closedSince: number | null = null;
  let redisIsWell = true;
  const reopen = (): void => {
    if (closedSince === null) return;
    onRecovered(closedSince);
    closedSince = null;
  };
  const guard = guardStorage({
    ...parts,
    onChange(state) {
      report(state, parts);
      if (state.kind !== 'ok') closedSince ??= clock.now();
      else if (redisIsWell) reopen();
    },
  });
  /** Redis says so with every message, and takes the next one when it can. */
  const hearRedis = (kind: 'full' | 'failing', error: unknown): void => {
    if (!redisIsWell) return;
    redisIsWell = false;
    closedSince ??= clock.now();
    emit({ type: 'storage.trouble', kind, ...wordsForRedis(kind, messageOf(error)) });
  };
  const hearRedisIsWell = (): void => {
    if (redisIsWell) return;
    redisIsWell = true;
    emit({ type: 'storage.recovered' });
  };
  return {
    guard,
    async keep(accept) {
      const state = guard.state();
      if (state.kind !== 'ok') return refused(`storage_${state.kind}`);
      try {
        const kept = await accept();
        hearRedisIsWell();
        if (guard.state().kind === 'ok') reopen();
        return kept;
      } catch (error) {
        const trouble = storeTrouble(error);
        if (trouble === null) throw error;
        // That Redis is away is told by whoever holds the connection.
        if (trouble === 'away') {
          closedSince ??= clock.now();
          return refused('redis_away');
        }
        const { kind } = guard.state();
        if (kind !== 'ok') return refused(`storage_${kind}`);
        hearRedis(trouble === 'full' ? 'full' : 'failing', error);
        return refused(`redis_${trouble}`);
      }
    },
  };
}

function refused(reason: string): Refused {
  return { kind: 'refused', status: 503, reason };
}

function report(state: StorageState, { dataDir, emit }: { dataDir: string; emit: Emit }): void {
  if (state.kind === 'ok') emit({ type: 'storage.recovered' });
  else emit({ type: 'storage.trouble', kind: state.kind, ...wordsFor(state, dataDir) });
}

function wordsFor(state: Exclude<StorageState, { kind: 'ok' }>, dataDir: string) {
  switch (state.kind) {
    case 'full':
      return {
        problem: `The disk of ${dataDir} is full (${Math.floor(state.freeBytes / 1024 ** 2)} MB left).`,
        remedy:
          'Make room: 80 MB are enough. What was accepted goes on, and new messages are taken again by themselves.',
      };
    case 'failing':
      return {
        problem: state.problem,
        remedy: 'Check the disk of DATA_DIR. Messages are accepted again as soon as it can be written.',
      };
    case 'damaged':
      return {
        problem: state.problem,
        remedy: 'Stop the service and put back a backup: campfire-ai-bot restore FILE (docs/storage.md).',
      };
  }
}

function wordsForRedis(kind: 'full' | 'failing', problem: string) {
  return kind === 'full'
    ? {
        problem: `The Redis of REDIS_URL is full: ${problem}`,
        remedy:
          'Give it more memory (maxmemory), or shorten RETENTION_DAYS. What was accepted goes on, and new messages are taken again by themselves.',
      }
    : {
        problem: `The Redis of REDIS_URL cannot write its file: ${problem}`,
        remedy: 'Check its disk. New messages are taken again by themselves.',
      };
}
