import type { Acceptance } from '../campfire/intake.ts';
import type { Clock } from '../lib/clock.ts';
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
  const { clock, onRecovered } = parts;
  let closedSince: number | null = null;
  const guard = guardStorage({
    ...parts,
    onChange(state) {
      report(state, parts);
      if (state.kind !== 'ok') closedSince ??= clock.now();
      else if (closedSince !== null) {
        onRecovered(closedSince);
        closedSince = null;
      }
    },
  });
  const refused = (state: StorageState): Refused => ({
    ...{ kind: 'refused', status: 503, reason: `storage_${state.kind}` },
  });
  return {
    guard,
    async keep(accept) {
      const state = guard.state();
      if (state.kind !== 'ok') return refused(state);
      try {
        return await accept();
      } catch (error) {
        if (storeTrouble(error) === null) throw error;
        return refused(guard.state());
      }
    },
  };
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
