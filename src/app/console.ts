import type { HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import { apiRoutes, metricsRoutes } from '../console/api.ts';
import { botEntries } from '../console/bots.ts';
import { createDoor } from '../console/door.ts';
import { createLocalSource, type LocalSource } from '../console/local-source.ts';
import { consoleRoutes } from '../console/routes.ts';
import { usageReport } from '../console/usage.ts';
import { remoteAddress } from '../http.ts';
import { messageOf } from '../lib/errors.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { replayFor } from '../turns/replay.ts';
import { VERSION } from '../version.ts';
import type { BuiltParts, PartsGiven } from './parts.ts';

/** The operator's window on this process. */
export interface Console {
  source: LocalSource;
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
  const { pool, mail, bots, health, downloads, containment, faces, storage, spending, dispatcher } = built;
  const { machines } = built;
  const onError = (error: unknown) =>
    emit({ type: 'part.failed', part: 'console', problem: messageOf(error) });
  const source = createLocalSource({
    ...{
      version: VERSION,
      containment: containment.layer,
      pool,
      mail: { counts: built.countMail },
      bots,
      health,
      downloads,
      clock,
      secrets,
    },
    ...{ face: faces.known, storage: storage.guard.state, isServing, onError },
    isConnected: machines.isConnected,
    ...{ highPercent: settings.memoryHighPercent, showText: settings.consoleShowText },
  });
  const door = createDoor({ adminToken, publicUrl, clock });
  const closing = new AbortController();
  return {
    source,
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
          const replayed = await replayFor(request, { mail, botIds, emit });
          if (isServing()) dispatcher.wake();
          return replayed;
        },
      }),
      consoleRoutes({ door, source, clock, closing: closing.signal, remoteAddress, onError }),
    ],
    metrics: metricsRoutes(door, metrics),
    stop() {
      source.stop();
      closing.abort();
    },
  };
}
