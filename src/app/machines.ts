import { hostname } from 'node:os';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';
import type { Conversation } from '../mail/mail.ts';
import type { SessionSnapshot } from '../sessions/parts.ts';
import type { Pool } from '../sessions/pool.ts';
import type { Emit } from '../telemetry/events.ts';
import type { Dispatcher } from '../turns/dispatcher.ts';
import type { Others } from '../turns/others.ts';
import { VERSION } from '../version.ts';
import { createDoorbell, type Doorbell } from './doorbell.ts';
import { createHeartbeats, type Heartbeats, type MachineState } from './heartbeats.ts';
import { type Closing, createRemoteClose, type RemoteClose } from './remote-close.ts';
import type { SharedRedis } from './shared.ts';

/** A live session and where it is. */
export interface MachineSession extends SessionSnapshot {
  /** The machine's label. */
  machine: string;
}

/** All machines, this one included, as an operator and the dispatcher see them. */
export interface Machines {
  /** Null for a machine that is alone. */
  others: Others | null;
  /** How many there are. */
  count(): number;
  /** This one first. */
  states(): MachineState[];
  /** Of all machines. Without Redis only this one's are known. */
  sessions(): Promise<MachineSession[]>;
  /** Closes a session wherever it is. */
  closeSession(id: string): Promise<Closing>;
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
    sessions: async () => pool.snapshot().map((session) => ({ ...session, machine: own().label })),
    closeSession: (id) => closeHere(id, pool),
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
  const heartbeats = createHeartbeats({ store, clock, own, ownSessions: () => pool.snapshot() });
  const remote = await createRemoteClose({
    ...{ store, machine, clock },
    async closeHere(id) {
      const closing = await closeHere(id, pool);
      await heartbeats.beat();
      return closing;
    },
  });
  const { role, conversationRetentionMs: homeMs } = settings;
  const doorbell: Doorbell = createDoorbell({ ...parts, store, bells, heartbeats, role, homeMs });
  return {
    others: doorbell,
    count: () => 1 + heartbeats.others().length,
    states: () => [own(), ...heartbeats.others()],
    async sessions() {
      const here = pool.snapshot().map((session) => ({ ...session, machine: own().label }));
      const elsewhere = await heartbeats.sessions().catch(() => []);
      return [...here, ...elsewhere.map((session) => ({ ...session, machine: session.machine.label }))];
    },
    closeSession: (id) => closeAnywhere(id, pool, heartbeats, remote),
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

async function closeHere(id: string, pool: Pool): Promise<Closing> {
  if (!pool.snapshot().some((session) => session.id === id)) return 'unknown';
  return (await pool.close(id, 'operator')) ? 'closed' : 'failed';
}

async function closeAnywhere(
  id: string,
  pool: Pool,
  heartbeats: Heartbeats,
  remote: RemoteClose,
): Promise<Closing> {
  const elsewhere = (await heartbeats.sessions().catch(() => [])).filter((session) => session.id === id);
  // A conversation that moved may have left an idle session behind.
  const closings = await Promise.all([
    closeHere(id, pool),
    ...elsewhere.map(({ machine }) => remote.close(machine.name, id)),
  ]);
  if (closings.includes('failed')) return 'failed';
  return closings.includes('closed') ? 'closed' : 'unknown';
}

function ownState(
  { machine: name, settings, pool, clock }: MachinesParts,
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
    };
  };
}
