import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { agentEnvironment } from './agent/environment.ts';
import { createSdkAgents } from './agent/sdk.ts';
import { createCampfireClient } from './campfire/client.ts';
import { intakeRoutes, type Refusal } from './campfire/intake.ts';
import type { Bot } from './config/bot.ts';
import { type Bots, type BotsChange, openBots } from './config/bots.ts';
import type { Settings } from './config/settings.ts';
import { apiRoutes, sessionList } from './console/api.ts';
import { healthReport } from './console/health.ts';
import { createHttp, type HttpParts, listen, remoteAddress, stopListening } from './http.ts';
import type { Clock } from './lib/clock.ts';
import { messageOf, OperatorError } from './lib/errors.ts';
import { mailMigrations } from './mail/schema.ts';
import { createSqliteMail } from './mail/sqlite.ts';
import { createSupervisor, type Supervisor } from './processes/child.ts';
import { type ContainmentChoice, chooseContainment } from './processes/containment.ts';
import { createLedger, ledgerMigrations } from './processes/ledger.ts';
import { readMemory } from './processes/memory.ts';
import { createReaper, type Reaper } from './processes/reaper.ts';
import { createPool, type Pool } from './sessions/pool.ts';
import { conversationMigrations, createConversations } from './sessions/resume.ts';
import { createSlots } from './sessions/slots.ts';
import { holdDataFolder } from './store/lock.ts';
import { openStore, type Store } from './store/sqlite.ts';
import type { Emit } from './telemetry/events.ts';
import { accept } from './turns/accept.ts';
import { createDelivery } from './turns/delivery.ts';
import { createDispatcher } from './turns/dispatcher.ts';
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
/** What closing all sessions may take at the end of a drain (interrupt, end of input, TERM, KILL, margin). */
const closeReserveMs = 8_000;
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

export interface AppParts {
  settings: Settings;
  clock: Clock;
  emit: Emit;
  /** Strings that must never leave; the log asks for them anew with every line. */
  secrets: Set<string>;
  /** Routes of the playground, in a demo. */
  extraRoutes: HttpParts['routes'];
  /** Looks up an environment variable for bot files. */
  variable: (name: string) => string | undefined;
}

/** Takes the data folder, builds every part and listens. @throws OperatorError when something stands in the way. */
export async function startApp(given: AppParts): Promise<App> {
  const { settings, clock, emit } = given;
  const built = buildParts(given);
  const { containment, bots, reaper, supervisor, pool, dispatcher, delivery } = built;
  const state = { serving: false };
  const health = async () =>
    healthReport({
      ...{ version: VERSION, containment: containment.layer, isServing: state.serving },
      ...{ sessions: pool.snapshot(), mail: await built.mail.counts() },
      memory: readMemory(settings.memoryLimitBytes ?? null),
    });
  const http = buildHttp(given, built, { health, isServing: () => state.serving });
  const { server, port } = await listen(http, settings.host, settings.port);
  reportContainment(containment, built.bashAllowed, bots, emit);

  const reap = (cause: string) => reapUnowned(reaper, supervisor, emit, cause);
  const ready = reap('left by an earlier life').then(() => {
    state.serving = true;
    emit({
      ...{ type: 'service.started', version: VERSION, url: `http://${settings.host}:${port}` },
      ...{ containment: containment.layer, detail: containment.reason },
    });
    delivery.wake();
    dispatcher.wake();
  });
  const stopTimers = [
    clock.every(reapPeriodMs, () => void reap('found while running')),
    clock.every(botsPeriodMs, () => void bots.refresh()),
  ];

  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    await ready;
    pool.stopAdmitting();
    await dispatcher.stop(Math.max(0, settings.shutdownGraceMs - closeReserveMs - deliveryGraceMs));
    await pool.drain();
    await dispatcher.settled();
    await delivery.stop(deliveryGraceMs);
    state.serving = false;
    for (const stop of stopTimers) stop();
    await stopListening(server, clock);
    await reap('left at the end');
    built.store.close();
    built.folder.release();
  };
  return {
    port,
    ready,
    snapshot: async () => ({ health: await health(), sessions: sessionList(pool.snapshot()) }),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** Everything below HTTP, from the data folder up to dispatcher and delivery. */
function buildParts({ settings, variable, clock, emit, secrets }: AppParts) {
  const folder = holdDataFolder(settings.dataDir);
  const containment = containmentFor(settings);
  const bashAllowed = containment.layer === 'namespace' || settings.allowUncontainedBash;
  const bots: Bots = openBots({
    dir: settings.botsDir,
    variable,
    onChange: (change) => reportBots(bots, change, emit, secrets),
  });
  reportBots(bots, null, emit, secrets);
  const migrations = [...mailMigrations, ...ledgerMigrations, ...conversationMigrations];
  const store = openStore(join(settings.dataDir, 'service.db'), migrations);
  const mail = createSqliteMail(store, clock);
  const ledger = createLedger(store);
  const { instance } = folder;
  const reaper = createReaper({ ledger, instance, clock });
  const hidden = { paths: [settings.dataDir, settings.botsDir] };
  const supervisor = createSupervisor({ ledger, reaper, instance, layer: containment.layer, hidden, clock });
  const pool = buildPool({ settings, store, supervisor, bashAllowed, clock, emit });
  const findBot = (id: string) => {
    bots.refresh();
    return bots.byId(id) ?? (bots.problems().length > 0 ? ('unclear' as const) : ('gone' as const));
  };
  const client = createCampfireClient({ baseUrl: settings.campfireUrl, version: VERSION, clock });
  const delivery = createDelivery({ mail, client, findBot, clock, emit, random: Math.random });
  const { timeZone, turnTimeoutMs } = settings;
  const dispatcher = createDispatcher({
    ...{ mail, pool, findBot, clock, emit, secrets, timeZone, turnTimeoutMs, onDecided: delivery.wake },
  });
  return {
    folder,
    containment,
    bashAllowed,
    bots,
    store,
    mail,
    reaper,
    supervisor,
    pool,
    delivery,
    dispatcher,
  };
}

function buildHttp(
  { settings, clock, emit, extraRoutes }: AppParts,
  { bots, mail, pool, dispatcher }: ReturnType<typeof buildParts>,
  { health, isServing }: { health: HttpParts['health']; isServing: () => boolean },
) {
  // Until leftovers of an earlier life are gone messages are kept, and only that.
  const onAccepted = () => isServing() && dispatcher.wake();
  return createHttp({
    routes: [
      intakeRoutes({
        bots,
        settings: { webhookToken: settings.webhookToken, publicUrl: settings.publicUrl },
        accept: (bot, message) => accept(bot, message, { mail, clock, emit, onAccepted }),
        remoteAddress,
        onRefused: (refusal) => reportRefusal(refusal, emit),
      }),
      apiRoutes({
        adminToken: settings.adminToken,
        sessions: () => pool.snapshot(),
        closeSession: (id) => pool.close(id, 'operator'),
      }),
      ...extraRoutes,
    ],
    health,
    isReady: isServing,
    onError: (error) => emit({ type: 'part.failed', part: 'http', problem: messageOf(error) }),
  });
}

function containmentFor(settings: Settings): ContainmentChoice {
  const choice = chooseContainment(settings.containment);
  if (choice) return choice;
  throw new OperatorError(
    'containment_unavailable',
    'CONTAINMENT=namespace is set, but bubblewrap cannot make a pid namespace here.',
    'Install bubblewrap and allow user namespaces, or set CONTAINMENT=auto.',
  );
}

function buildPool(parts: {
  settings: Settings;
  store: Store;
  supervisor: Supervisor;
  /** A shell whose children nobody can hold together is only for those who ask for it. */
  bashAllowed: boolean;
  clock: Clock;
  emit: Emit;
}): Pool {
  const { settings, store, supervisor, bashAllowed, clock, emit } = parts;
  const slots = createSlots(settings.dataDir);
  const environment = agentEnvironment(settings, VERSION);
  return createPool(
    {
      ...{ idleTtlMs: settings.sessionTtlMs, maxSessions: settings.maxSessions ?? null },
      cores: availableParallelism(),
      readMemory: () => readMemory(settings.memoryLimitBytes ?? null),
    },
    {
      openAgent: createSdkAgents({ supervisor, clock, environment, bashAllowed }),
      conversations: createConversations(store, slots, clock),
      ...{ slots, clock, emit },
    },
  );
}

async function reapUnowned(reaper: Reaper, supervisor: Supervisor, emit: Emit, cause: string): Promise<void> {
  try {
    const { killed } = await reaper.reapUnowned((tag) => supervisor.owns(tag));
    if (killed.length > 0) emit({ type: 'processes.reaped', count: killed.length, cause, pids: killed });
  } catch (error) {
    emit({ type: 'part.failed', part: 'reaper', problem: messageOf(error) });
  }
}

function reportBots(bots: Bots, change: BotsChange | null, emit: Emit, secrets: Set<string>): void {
  for (const { key } of bots.all()) secrets.add(key);
  const ids = (list: readonly Bot[] = []) => list.map(({ id }) => id);
  emit({
    ...{ type: 'bots.loaded', bots: ids(bots.all()), added: ids(change?.added) },
    ...{ changed: ids(change?.changed), removed: ids(change?.removed) },
  });
  for (const { file, field, problem, remedy } of bots.problems()) {
    emit({ type: 'bots.problem', file, field, problem: `${problem} ${remedy}` });
  }
}

function reportRefusal({ status, reason, botId, error }: Refusal, emit: Emit): void {
  const bot = botId ?? null;
  if (status === 204) emit({ type: 'webhook.ignored', reason, bot: bot ?? '' });
  else emit({ type: 'webhook.refused', status, reason, bot });
  if (error !== undefined) emit({ type: 'part.failed', part: 'intake', problem: messageOf(error) });
}

function reportContainment(choice: ContainmentChoice, bashAllowed: boolean, bots: Bots, emit: Emit): void {
  if (choice.remedy !== null) {
    emit({
      type: 'service.degraded',
      code: 'containment_group',
      problem: choice.reason,
      remedy: choice.remedy,
    });
  }
  if (bashAllowed) return;
  for (const { id, tools } of bots.all()) {
    if (!tools.includes('Bash')) continue;
    emit({
      ...{
        type: 'service.degraded',
        code: 'bash_refused',
        problem: `${id} asks for Bash, which it does not get here.`,
      },
      remedy: 'Allow user namespaces for bubblewrap, or set ALLOW_UNCONTAINED_BASH=1.',
    });
  }
}
