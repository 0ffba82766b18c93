import { buildConsole, type Console } from './app/console.ts';
import { type BuiltParts, buildParts, type PartsGiven } from './app/parts.ts';
import {
  describeState,
  reapUnowned,
  reportPublicUrl,
  reportRefusal,
  reportSurroundings,
  sweepDownloads,
} from './app/reports.ts';
import { openRelay } from './app/sessions.ts';
import { intakeRoutes } from './campfire/intake.ts';
import { sessionList } from './console/api.ts';
import { healthReport, readiness } from './console/health.ts';
import { downloadRoutes } from './downloads/routes.ts';
import { createHttp, type HttpParts, type ListenAt, listen, remoteAddress } from './http.ts';
import { type Cancel, type Clock, within } from './lib/clock.ts';
import { createHeapTrim } from './processes/own-heap.ts';
import { type Emit, fanOut, type ReapCause } from './telemetry/events.ts';
import { emitFailure } from './telemetry/failure.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { VERSION } from './version.ts';

/**
 * The composition root: every part is built here by hand, top to bottom, and closed in reverse.
 *
 * Intake opens before anything slow: while leftovers of an earlier life are being ended, messages are already
 * accepted; only session starts wait. In a drain intake closes last.
 */

/** How often processes that nobody owns are looked for while the service runs. */
const reapPeriodMs = 60_000;
/** How often the bots folder is looked at when no turn asks for it. */
const botsPeriodMs = 2_000;
/** How often expired files are deleted. */
const sweepPeriodMs = 60_000;
/** What closing all sessions may take at the end of a drain (interrupt, end of input, TERM, KILL, margin). */
const closeReserveMs = 8_000;
/** What leaving the machines' common Redis may take. */
const lastWordsMs = 1_000;
/** Posts under way at the end of a drain get this long; the rest is sent after the next start. */
const deliveryGraceMs = 2_000;

export interface App {
  /** Where it listens. */
  port: number;
  /** Resolves when leftovers are gone and sessions may start. */
  ready: Promise<void>;
  /** What `/health` and `/api/sessions` answer. */
  snapshot(): Promise<{ health: Record<string, unknown>; sessions: unknown[] }>;
  /** Drains within the grace period and closes everything. Calling it again gives the same promise. */
  close(): Promise<void>;
}

export interface AppParts extends PartsGiven {
  /** A listening socket to use in place of HOST and PORT. */
  socketFd: number | null;
  /** Routes of the playground, in a demo. */
  extraRoutes: HttpParts['routes'];
}

/** Takes the data folder, builds every part and listens. @throws OperatorError when something stands in the way. */
export async function startApp(outside: AppParts): Promise<App> {
  const metrics = createMetrics();
  const listeners = [outside.emit, metrics.emit];
  const emit = fanOut(listeners);
  const given = { ...outside, emit, relay: await openRelay(outside, emit) };
  const { settings, clock } = given;
  const startedAt = clock.now();
  // Until leftovers of an earlier life are gone messages are kept, and only that.
  const state = { serving: false };
  const deliver = () => state.serving && settings.role !== 'web' && built.delivery.wake();
  const built = await buildParts({
    ...given,
    // The answer to the webhook goes first: starting a session takes a while.
    onAccepted: (news) => clock.after(0, () => state.serving && built.machines.tell(news)),
    onDecided: deliver,
    onLook: deliver,
  });
  const console = buildConsole(given, built, { metrics, isServing: () => state.serving });
  listeners.push(...[built.opsRoom, console?.source.hear].filter((hear) => hear != null));
  const { containment, bots, pool, dispatcher, machines } = built;
  const health = () => healthNow(built, state.serving);
  describeState(metrics, built);
  const http = buildHttp(given, built, { health, console, isServing: () => state.serving });
  const listener = await listen(http, placeOf(outside), clock);
  reportSurroundings(built, process.pid, emit);
  void reportPublicUrl(settings.publicUrl ?? null, built.folder.instance, clock, emit);

  const reap = (cause: ReapCause) => reapUnowned(built, emit, cause);
  const sweep = () => sweepDownloads(built.downloads, emit);
  void sweep();
  const ready = reap('boot').then(async () => {
    await pool.clearLeftovers();
    state.serving = true;
    const url = `http://${settings.host}:${listener.port}`;
    const { layer, reason: detail } = containment;
    emit({ type: 'service.started', version: VERSION, url, containment: layer, detail });
    machines.open();
    deliver();
    built.seen.sweep();
    dispatcher.wake();
    if (settings.role !== 'worker') void built.catchUp.run(startedAt);
  });
  const stopTimers = [
    clock.every(reapPeriodMs, () => void reap('clock')),
    clock.every(botsPeriodMs, () => void bots.refresh()),
    clock.every(sweepPeriodMs, () => void sweep()),
    trimHeap(clock, listeners),
  ];

  const close = async () => {
    await ready;
    await drain(built, settings.shutdownGraceMs, clock);
    state.serving = false;
    for (const stop of stopTimers) stop();
    console?.stop();
    await listener.stop();
    await reap('close');
    await leave(built, clock);
  };
  let closing: Promise<void> | null = null;
  return {
    port: listener.port,
    ready,
    snapshot: async () => ({ health: await health(), sessions: sessionList(await machines.sessions()) }),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** Lets go of what is shared and of the data folder: others may take both. */
async function leave(
  { machines, closeShared, storage, store, folder }: BuiltParts,
  clock: Clock,
): Promise<void> {
  await within(clock, lastWordsMs, machines.close());
  await within(clock, lastWordsMs, closeShared());
  storage.guard.stop();
  store.close();
  folder.release();
}

function placeOf({ socketFd, settings: { host, port } }: AppParts): ListenAt {
  return socketFd === null ? { host, port } : { fd: socketFd };
}

async function healthNow(
  { containment, storage, pool, countMail, machines }: BuiltParts,
  isServing: boolean,
): Promise<Record<string, unknown>> {
  return healthReport({
    ...{ version: VERSION, containment: containment.layer, isServing, storage: storage.guard.state() },
    ...{ sessions: pool.snapshot(), spares: pool.spares(), memory: pool.memory() },
    ...{ isConnected: machines.isConnected(), machines: machines.count(), mail: await countMail() },
  });
}

function trimHeap(clock: Clock, listeners: Emit[]): Cancel {
  const heap = createHeapTrim(clock);
  listeners.push(heap.touch);
  return heap.stop;
}

/** Running turns get their time, then every session closes and what was decided is posted as far as time allows. */
async function drain(built: BuiltParts, graceMs: number, clock: Clock): Promise<void> {
  const { pool, relay, dispatcher, delivery } = built;
  await within(clock, lastWordsMs, built.machines.shut());
  pool.stopAdmitting();
  built.catchUp.stop();
  await within(clock, deliveryGraceMs, built.retention.stop());
  await dispatcher.stop(Math.max(0, graceMs - closeReserveMs - deliveryGraceMs));
  await pool.drain();
  await relay.close();
  // A store that is away keeps whoever decides; what is not decided is found in the transcript.
  await within(clock, deliveryGraceMs, dispatcher.settled());
  await Promise.all([delivery.stop(deliveryGraceMs), within(clock, deliveryGraceMs, built.seen.stop())]);
}

interface HttpGiven {
  health: HttpParts['health'];
  console: Console | null;
  isServing: () => boolean;
}

function buildHttp(
  { settings, emit, extraRoutes }: AppParts,
  { bots, machines, keep, storage, downloads, folder }: BuiltParts,
  { health, console, isServing }: HttpGiven,
) {
  const forEverybody = [
    intakeRoutes({
      bots,
      settings: { webhookToken: settings.webhookToken, publicUrl: settings.publicUrl },
      accept(bot, message) {
        console?.source.heard(bot.id, message);
        return keep(bot, message);
      },
      remoteAddress,
      onRefused: (refusal) => reportRefusal(refusal, emit),
    }),
    ...(console?.routes ?? []),
    downloadRoutes({ downloads, publicUrl: settings.publicUrl ?? null, instance: folder.instance }),
    ...extraRoutes,
  ];
  return createHttp({
    routes: [...(console ? [console.metrics] : []), ...(settings.role === 'worker' ? [] : forEverybody)],
    health,
    readiness: () => readiness(isServing(), storage.guard.state(), machines.isConnected()),
    onError: (error) => emitFailure(emit, 'http', error),
  });
}
