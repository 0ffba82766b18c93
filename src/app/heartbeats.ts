import type { Settings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';
import type { SessionSnapshot } from '../sessions/parts.ts';
import type { RedisStore } from '../store/redis.ts';

/** What machines know of each other: each writes its own state every other second, and what is old is nobody's. */

/** One machine as it last said. */
export interface MachineState {
  /** Unique per data folder, and the same after a restart. */
  name: string;
  /** For people. */
  label: string;
  version: string;
  role: Settings['role'];
  /** Epoch ms. */
  startedAt: number;
  /** Whether it begins turns. */
  isOpen: boolean;
  /** Whether somebody waits there for a session. */
  isBusy: boolean;
  sessions: number;
  memory: { usedBytes: number; limitBytes: number; percent: number };
}

export interface Heartbeats {
  /** Says at once what has changed, instead of with the next beat. Never throws. */
  beat(): Promise<void>;
  /** The other machines as of the last beat. */
  others(): readonly MachineState[];
  /** The sessions of the other machines, as each last said. @throws RedisAwayError */
  sessions(): Promise<Array<SessionSnapshot & { machine: MachineState }>>;
  /** This machine is no more. */
  stop(): Promise<void>;
}

const beatMs = 2_000;
/** A machine that has said nothing for this long is not counted on any more. */
const silentMs = 8_000;

export function heartbeatKey(store: RedisStore, name: string): string {
  return store.key('machine', name);
}

export function createHeartbeats(parts: {
  store: RedisStore;
  clock: Clock;
  own: () => MachineState;
  ownSessions: () => SessionSnapshot[];
}): Heartbeats {
  const { store, clock, own, ownSessions } = parts;
  const names = store.key('machines');
  const sessionsKey = (name: string) => store.key('machine-sessions', name);
  let others: readonly MachineState[] = [];

  const write = async (): Promise<void> => {
    const state = own();
    await Promise.all([
      store.call('SADD', names, state.name),
      store.call('SET', heartbeatKey(store, state.name), JSON.stringify(state), 'PX', silentMs),
      store.call('SET', sessionsKey(state.name), JSON.stringify(ownSessions()), 'PX', silentMs),
    ]);
  };
  const read = async (): Promise<readonly MachineState[]> => {
    const known = (await store.call<string[]>('SMEMBERS', names)).filter((name) => name !== own().name);
    if (known.length === 0) return [];
    const keys = known.map((name) => heartbeatKey(store, name));
    const states = await store.call<Array<string | null>>('MGET', ...keys);
    return states.flatMap((state) => (state === null ? [] : [JSON.parse(state) as MachineState]));
  };
  let stopped = false;
  const beat = async (): Promise<void> => {
    if (stopped) return;
    try {
      await write();
      others = await read();
    } catch {
      // Redis is away, which is told elsewhere: nobody can be counted on.
      others = [];
    }
  };
  const stopBeating = clock.every(beatMs, () => void beat());
  return {
    beat,
    others: () => others,
    async sessions() {
      const machines = await read();
      if (machines.length === 0) return [];
      const keys = machines.map(({ name }) => sessionsKey(name));
      const lists = await store.call<Array<string | null>>('MGET', ...keys);
      return machines.flatMap((machine, i) =>
        (JSON.parse(lists[i] ?? '[]') as SessionSnapshot[]).map((session) => ({ ...session, machine })),
      );
    },
    async stop() {
      stopped = true;
      stopBeating();
      const { name } = own();
      await Promise.all([
        store.call('SREM', names, name),
        store.call('DEL', heartbeatKey(store, name), sessionsKey(name)),
      ]).catch(() => {});
    },
  };
}
