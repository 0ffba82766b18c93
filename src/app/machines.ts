import { hostname } from 'node:os';
import type { Bots } from '../config/bots.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';
import type { Conversation } from '../mail/mail.ts';
import type { Ownership } from '../mail/ownership.ts';
import type { SessionSnapshot } from '../sessions/parts.ts';
import type { Pool } from '../sessions/pool.ts';
import type { Emit } from '../telemetry/events.ts';
import type { Dispatcher } from '../turns/dispatcher.ts';
import type { Others } from '../turns/others.ts';
import { VERSION } from '../version.ts';
import { type Calls, createCalls } from './calls.ts';
import { createDoorbell, type Doorbell } from './doorbell.ts';
import { createHeartbeats, type Heartbeats, type MachineState, type SilentMachine } from './heartbeats.ts';
import type { SharedRedis } from './shared.ts';

/** A live session and where it is. */
export interface MachineSession extends SessionSnapshot {
  /** The machine's label. */
  machine: string;
}

/** What became of a wish to close a session; `unknown` when there is none of this name. */
export type Closing = 'closed' | 'unknown' | 'failed';

/** All machines, this one included, as an operator and the dispatcher see them. */
export interface Machines {
  /** Null for a machine that is alone. */
  others: Others | null;
  /** How many there are. */
  count(): number;
  /** This one first. */
  states(): MachineState[];
  /** Whether another one may have a bot's file; null for a machine that is alone. */
  mayHaveBot: ((botId: string) => boolean) | null;
  /** Those that are missing. */
  silent(): readonly SilentMachine[];
  /** Of all machines. Without Redis only this one's are known. */
  sessions(): Promise<MachineSession[]>;
  /** Closes a session wherever it is. */
  closeSession(id: string): Promise<Closing>;
  /** From now on other machines that ask are shown this. */
  show(look: (limits: unknown) => Promise<unknown>): void;
  /** What the other machines show, by name; those that show nothing are left out. */
  looks(limits: unknown): Promise<Map<string, unknown>>;
  /** Something has come that concerns a conversation. */
  tell(news: Conversation & { atOnce: boolean }): void;
  /** Whether Redis, if there is one, can be asked. */
  isConnected(): boolean;
  /** From now on turns are begun here. */
  open(): void;
  /** Begins no more: others do. */
  shut(): Promise<void>;
  close(): Promise<void>;
}

export interface MachinesParts {
  machine: string;
  settings: Settings;
  pool: Pool;
  ownership: Pick<Ownership, 'fenceOf'>;
  bots: Pick<Bots, 'all'>;
  dispatcher: () => Dispatcher;
  /** To look for what is to be sent. */
  onLook: () => void;
  clock: Clock;
  emit: Emit;
}

export function createMachines(parts: MachinesParts, redis: SharedRedis | null): Promise<Machines> {
  return redis ? manyMachines(parts, redis) : Promise.resolve(aloneMachine(parts));
}

function aloneMachine(parts: MachinesParts): Machines {
  const { pool, dispatcher } = parts;
  const own = ownState(parts, () => true);
  return {
    others: null,
    count: () => 1,
    states: () => [own()],
    mayHaveBot: null,
    silent: () => [],
    sessions: async () => pool.snapshot().map((session) => ({ ...session, machine: own().label })),
    closeSession: (id) => closeHere(id, pool),
    show() {},
    looks: async () => new Map(),
    tell: (news) => dispatcher().wake(news),
    isConnected: () => true,
    open() {},
    async shut() {},
    async close() {},
  };
}

async function manyMachines(parts: MachinesParts, { store, bells }: SharedRedis): Promise<Machines> {
  const { machine, settings, pool, clock } = parts;
  const own = ownState(parts, () => doorbell.isOpen());
  const heartbeats = createHeartbeats({
    ...{ store, clock, own, ownSessions: () => pool.snapshot() },
    // Not dropped, its bells are answered by nobody, and are in nobody's way.
    onForgotten: (name) => void bells.drop(name).catch(() => {}),
  });
  let look = async (_limits: unknown): Promise<unknown> => null;
  const calls = await createCalls({
    ...{ store, machine, clock },
    onError: (problem) => parts.emit({ type: 'part.failed', part: 'calls', problem }),
    answers: {
      async close(id) {
        const closing = await closeHere(String(id), pool);
        await heartbeats.beat();
        return closing;
      },
      look: (limits) => look(limits),
    },
  });
  const { role, conversationRetentionMs: homeMs } = settings;
  const doorbell: Doorbell = createDoorbell({ ...parts, store, bells, heartbeats, role, homeMs });
  return {
    others: doorbell,
    count: () => 1 + heartbeats.others().length,
    states: () => [own(), ...heartbeats.others()],
    mayHaveBot: (botId) => heartbeats.mayHaveBot(botId),
    silent: () => heartbeats.silent(),
    async sessions() {
      const here = pool.snapshot().map((session) => ({ ...session, machine: own().label }));
      const elsewhere = await heartbeats.sessions().catch(() => []);
      return [...here, ...elsewhere.map((session) => ({ ...session, machine: session.machine.label }))];
    },
    closeSession: (id) => closeAnywhere(id, pool, heartbeats, calls),
    show(next) {
      look = next;
    },
    looks: (limits) => looksOf(heartbeats.others(), limits, calls),
    tell: (news) => doorbell.tell(news),
    isConnected: () => store.isThere(),
    open() {
      doorbell.open();
      void heartbeats.beat();
    },
    shut: () => doorbell.shut(),
    close: () => heartbeats.stop(),
  };
}

/** Closing a session takes a few seconds at most; an answer that has not come by then does not come. */
const closeMaxMs = 15_000;
/** Somebody waits for the page. */
const lookMaxMs = 1_500;

async function looksOf(
  machines: readonly MachineState[],
  limits: unknown,
  calls: Calls,
): Promise<Map<string, unknown>> {
  const looks = await Promise.all(
    machines.map(({ name }) => calls.ask<unknown>(name, 'look', limits, lookMaxMs).catch(() => null)),
  );
  return new Map(
    machines.flatMap(({ name }, i) => {
      const look = looks[i] ?? null;
      return look === null ? [] : [[name, look] as const];
    }),
  );
}

async function closeHere(id: string, pool: Pool): Promise<Closing> {
  if (!pool.snapshot().some((session) => session.id === id)) return 'unknown';
  return (await pool.close(id, 'operator')) ? 'closed' : 'failed';
}

async function closeAnywhere(id: string, pool: Pool, heartbeats: Heartbeats, calls: Calls): Promise<Closing> {
  const elsewhere = (await heartbeats.sessions().catch(() => [])).filter((session) => session.id === id);
  // A conversation that moved may have left an idle session behind.
  const closings = await Promise.all([
    closeHere(id, pool),
    ...elsewhere.map(({ machine }) => calls.ask<Closing>(machine.name, 'close', id, closeMaxMs)),
  ]);
  if (closings.includes('failed') || closings.includes(null)) return 'failed';
  return closings.includes('closed') ? 'closed' : 'unknown';
}

function ownState(
  { machine: name, settings, pool, bots, clock }: MachinesParts,
  isOpen: () => boolean,
): () => MachineState {
  const label = `${hostname()}-${name.slice(0, 4)}`;
  const startedAt = clock.now();
  return () => {
    const { reading, percent } = pool.memory();
    const { usedBytes, limitBytes } = reading;
    return {
      ...{ name, label, version: VERSION, role: settings.role, startedAt, isOpen: isOpen() },
      ...{ isBusy: pool.waiting().length > 0, sessions: pool.snapshot().length },
      memory: { usedBytes, limitBytes, percent },
      bots: bots.all().map(({ id }) => id),
    };
  };
}
