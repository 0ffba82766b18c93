import type { Settings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';
import type { SessionSnapshot } from '../sessions/parts.ts';
import type { RedisScript, RedisStore } from '../store/redis.ts';

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
  /** Ids of the bots whose files it has; absent from a machine of an older version. */
  bots?: readonly string[];
}

/** A machine that did not say goodbye and is not heard of. */
export interface SilentMachine extends Pick<MachineState, 'name' | 'label' | 'version' | 'role'> {
  /** When it last said something, epoch ms. */
  seenAt: number;
}

export interface Heartbeats {
  /** Says at once what has changed, instead of with the next beat. Never throws. */
  beat(): Promise<void>;
  /** The other machines as of the last beat. */
  others(): readonly MachineState[];
  /** Whether one of them may have a bot's file, as of the last beat: it says so, or it cannot be known. */
  mayHaveBot(botId: string): boolean;
  /** Those that were there within a day and are not any more, as of the last beat. */
  silent(): readonly SilentMachine[];
  /** The sessions of the other machines, as each last said. @throws RedisAwayError */
  sessions(): Promise<Array<SessionSnapshot & { machine: MachineState }>>;
  /** This machine is no more. */
  stop(): Promise<void>;
}

const beatMs = 2_000;
/** A machine that has said nothing for this long is not counted on any more. */
const silentMs = 8_000;
/** Whoever has not come back by then does not come back. */
const forgottenMs = 24 * 3_600_000;

export function heartbeatKey(store: RedisStore, name: string): string {
  return store.key('machine', name);
}

/** Whether any machine is heard of. @throws RedisAwayError */
export async function isAnybodyThere(store: RedisStore): Promise<boolean> {
  return (await readMachines(store)).others.length > 0;
}

export function createHeartbeats(parts: {
  store: RedisStore;
  clock: Clock;
  own: () => MachineState;
  ownSessions: () => SessionSnapshot[];
  /** Told of a machine that does not come back. */
  onForgotten: (name: string) => void;
}): Heartbeats {
  const { store, clock, own, ownSessions, onForgotten } = parts;
  let known: Known = nobodyKnown;
  const read = () => readMachines(store, own().name);
  let stopped = false;
  const beat = async (): Promise<void> => {
    if (stopped) return;
    try {
      await writeMachine(store, own(), ownSessions(), clock.now());
      known = await read();
      for (const name of await forgetLost(store, known.silent, clock.now())) onForgotten(name);
    } catch {
      // Redis is away, which is told elsewhere: nobody can be counted on.
      known = nobodyKnown;
    }
  };
  const stopBeating = clock.every(beatMs, () => void beat());
  return {
    beat,
    others: () => known.others,
    mayHaveBot: (botId) =>
      known === nobodyKnown || known.others.some(({ bots }) => bots?.includes(botId) ?? true),
    silent: () => known.silent,
    async sessions() {
      const { others: machines } = await read();
      if (machines.length === 0) return [];
      const keys = machines.map(({ name }) => sessionsKey(store, name));
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
        store.call('HDEL', namesKey(store), name),
        store.call('DEL', heartbeatKey(store, name), sessionsKey(store, name)),
      ]).catch(() => {});
    },
  };
}

interface Known {
  others: MachineState[];
  silent: SilentMachine[];
}

/** Before the first beat, and while Redis is away. */
const nobodyKnown: Known = { others: [], silent: [] };

const namesKey = (store: RedisStore) => store.key('machines');
const sessionsKey = (store: RedisStore, name: string) => store.key('machine-sessions', name);

/** KEYS: names, heartbeat, sessions. ARGV: machine, until when it counts, then what stands at each. */
const beatScript: RedisScript = {
  name: 'machineBeat',
  // Machines that cannot be counted on begin nothing, and what was accepted would not be finished.
  goesOnWhenFull: true,
  lua: `
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
    redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[2])
    redis.call('SET', KEYS[3], ARGV[5], 'PX', ARGV[2])
  `,
};

async function writeMachine(
  store: RedisStore,
  state: MachineState,
  sessions: SessionSnapshot[],
  now: number,
): Promise<void> {
  const { name, label, version, role } = state;
  const seen: SilentMachine = { name, label, version, role, seenAt: now };
  const keys = [namesKey(store), heartbeatKey(store, name), sessionsKey(store, name)];
  const texts = [seen, state, sessions].map((each) => JSON.stringify(each));
  await store.run(beatScript, keys, [name, silentMs, ...texts]);
}

async function readMachines(store: RedisStore, except?: string): Promise<Known> {
  const seen = (await store.call<string[]>('HVALS', namesKey(store)))
    .map((text) => JSON.parse(text) as SilentMachine)
    .filter(({ name }) => name !== except);
  if (seen.length === 0) return { others: [], silent: [] };
  const keys = seen.map(({ name }) => heartbeatKey(store, name));
  const states = await store.call<Array<string | null>>('MGET', ...keys);
  return {
    others: states.flatMap((state) => (state === null ? [] : [JSON.parse(state) as MachineState])),
    silent: seen.filter((_, i) => (states[i] ?? null) === null),
  };
}

/** The names of those that were forgotten. */
async function forgetLost(
  store: RedisStore,
  silent: readonly SilentMachine[],
  now: number,
): Promise<string[]> {
  const lost = silent.filter(({ seenAt }) => seenAt < now - forgottenMs).map(({ name }) => name);
  if (lost.length > 0) await store.call('HDEL', namesKey(store), ...lost);
  return lost;
}
