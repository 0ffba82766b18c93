import type { MailCounts } from '../mail/mail.ts';
import type { SessionSnapshot } from '../sessions/parts.ts';
import type { Pool } from '../sessions/pool.ts';
import type { StorageState } from '../store/space.ts';

/** What `GET /ready` answers: whether messages are accepted and served. `problem` is one word, for people who grep. */
export function readiness(
  isServing: boolean,
  storage: StorageState,
  isConnected: boolean,
): { ready: boolean; problem?: string } {
  if (storage.kind !== 'ok') return { ready: false, problem: `storage_${storage.kind}` };
  if (!isConnected) return { ready: false, problem: 'redis_away' };
  return isServing ? { ready: true } : { ready: false, problem: 'starting' };
}

const megabyte = 1024 * 1024;

/** What `GET /health` answers; its shape is promised to monitors. */
export function healthReport(parts: {
  version: string;
  containment: string;
  isServing: boolean;
  storage: StorageState;
  /** Whether Redis, if there is one, can be asked. */
  isConnected: boolean;
  /** How many machines there are. */
  machines: number;
  sessions: readonly SessionSnapshot[];
  spares: number;
  memory: ReturnType<Pool['memory']>;
  mail: MailCounts;
}): Record<string, unknown> {
  const { version, containment, sessions, mail } = parts;
  const { reading, level, percent } = parts.memory;
  const inState = (...states: string[]) => sessions.filter(({ state }) => states.includes(state)).length;
  return {
    status: readiness(parts.isServing, parts.storage, parts.isConnected).problem ?? 'ok',
    version,
    containment,
    sessions: {
      ...{ live: sessions.length, busy: inState('busy', 'starting'), idle: inState('idle') },
      spare: parts.spares,
    },
    memory: {
      used_mb: Math.round(reading.usedBytes / megabyte),
      limit_mb: Math.round(reading.limitBytes / megabyte),
      ...{ percent, level, source: reading.source },
      available_mb: Math.round(reading.availableBytes / megabyte),
    },
    queue: { waiting: mail.waiting, running: mail.running },
    messages_without_outcome: mail.withoutOutcome,
    machines: parts.machines,
  };
}
