import type { HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import { apiRoutes, metricsRoutes } from '../console/api.ts';
import { botEntries } from '../console/bots.ts';
import { createDoor } from '../console/door.ts';
import { createLocalSource, type LocalSource } from '../console/local-source.ts';
import { consoleRoutes } from '../console/routes.ts';
import { createSharedSource, type ManyMachines } from '../console/shared-source.ts';
import type { MachineSeen } from '../console/source.ts';
import { usageReport } from '../console/usage.ts';
import { remoteAddress } from '../http.ts';
import type { Conversation } from '../mail/mail.ts';
import { emitFailure } from '../telemetry/failure.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { replayFor } from '../turns/replay.ts';
import { VERSION } from '../version.ts';
import type { SilentMachine } from './heartbeats.ts';
import type { Machines } from './machines.ts';
import type { BuiltParts, PartsGiven } from './parts.ts';

/** The operator's window on this process. */
export interface Console {
  /** What this process tells it. */
  source: Pick<LocalSource, 'hear' | 'heard'>;
  /** The pages and the API behind them. */
  routes: Hono<{ Bindings: HttpBindings }>[];
  metrics: Hono<{ Bindings: HttpBindings }>;
  /** Lets open pages go, so that connections can end. */
  stop(): void;
}

/** Null without ADMIN_TOKEN: then nothing is measured and nothing remembered either. */
export function buildConsole(
  { settings, clock, emit, secrets }: PartsGiven,
  built: BuiltParts,
  { metrics, isServing }: { metrics: Metrics; isServing: () => boolean },
): Console | null {
  const { adminToken, publicUrl = null } = settings;
  if (adminToken === undefined) return null;
  const { pool, mail, bots, health, downloads, containment, faces, storage, spending } = built;
  const { machines } = built;
  const onError = (error: unknown) => emitFailure(emit, 'console', error);
  const showText = settings.consoleShowText;
  const local = createLocalSource({
    ...{ version: VERSION, containment: containment.layer, pool, bots, health, clock, secrets },
    mail: { counts: built.countMail },
    downloads: machines.others ? { list: lastKnown(() => downloads.list()) } : downloads,
    ...{ face: faces.known, storage: storage.guard.state, isServing, onError },
    ...{ isConnected: machines.isConnected, highPercent: settings.memoryHighPercent, showText },
  });
  const source = machines.others
    ? createSharedSource({ local, machines: manyMachines(machines), showText, clock })
    : local;
  machines.show(local.share);
  const door = createDoor({ adminToken, publicUrl, clock });
  const closing = new AbortController();
  return {
    source: local,
    routes: [
      apiRoutes({
        ...{
          door,
          downloads,
          sessions: () => machines.sessions(),
          bots: () => botEntries(bots, health),
        },
        ...{ closeSession: machines.closeSession, reloadBots: source.reloadBots },
        usage: (days) =>
          usageReport(days, {
            ...{ spending, bots: () => bots.all(), timeZone: settings.timeZone },
            budgetUsdPerDay: settings.budgetUsdPerDay ?? null,
          }),
        async replay(request) {
          const botIds = () => bots.all().map(({ id }) => id);
          const onReplayed = (conversation: Conversation) => {
            if (isServing()) machines.tell({ ...conversation, atOnce: false });
          };
          return replayFor(request, { mail, botIds, emit, onReplayed });
        },
      }),
      consoleRoutes({ door, source, clock, closing: closing.signal, remoteAddress, onError }),
    ],
    metrics: metricsRoutes(door, metrics),
    stop() {
      local.stop();
      closing.abort();
    },
  };
}

/** While Redis is away the page is needed most. */
function lastKnown<T>(read: () => Promise<T[]>): () => Promise<T[]> {
  let known: T[] = [];
  return async () => {
    known = await read().catch(() => known);
    return known;
  };
}

function manyMachines(machines: Machines): ManyMachines {
  return {
    rows: () => [
      ...machines.states().map(({ label, version, role, startedAt, memory, isOpen, isBusy }): MachineSeen => {
        const state = isOpen ? (isBusy ? 'waiting' : 'open') : 'closed';
        return { label, version, role, startedAt, memory, state, seenAt: null };
      }),
      ...machines.silent().map(missing),
    ],
    sessions: machines.sessions,
    closeSession: machines.closeSession,
    async looks(limits) {
      const looks = await machines.looks(limits);
      return new Map(
        machines.states().flatMap(({ name, label }) => (looks.has(name) ? [[label, looks.get(name)]] : [])),
      );
    },
  };
}

function missing({ label, version, role, seenAt }: SilentMachine): MachineSeen {
  return { label, version, role, seenAt, state: 'missing', startedAt: null, memory: null };
}
