import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { agentEnvironment } from '../agent/environment.ts';
import { createSdkAgents } from '../agent/sdk.ts';
import { createCampfireClient } from '../campfire/client.ts';
import { type Bots, openBots } from '../config/bots.ts';
import type { Settings } from '../config/settings.ts';
import { createDiskBytes } from '../downloads/bytes.ts';
import { createDownloads, type Downloads } from '../downloads/downloads.ts';
import { downloadMigrations } from '../downloads/schema.ts';
import { createSqliteFileIndex } from '../downloads/sqlite.ts';
import type { Clock } from '../lib/clock.ts';
import { OperatorError } from '../lib/errors.ts';
import { mailMigrations } from '../mail/schema.ts';
import { createSqliteMail } from '../mail/sqlite.ts';
import { createSupervisor, type Supervisor } from '../processes/child.ts';
import { type ContainmentChoice, chooseContainment } from '../processes/containment.ts';
import { createLedger, ledgerMigrations } from '../processes/ledger.ts';
import { readMemory } from '../processes/memory.ts';
import { createReaper } from '../processes/reaper.ts';
import { createPool, type Pool } from '../sessions/pool.ts';
import { conversationMigrations, createConversations } from '../sessions/resume.ts';
import { createSlots } from '../sessions/slots.ts';
import { holdDataFolder } from '../store/lock.ts';
import { openStore, type Store } from '../store/sqlite.ts';
import type { Emit } from '../telemetry/events.ts';
import { createDelivery } from '../turns/delivery.ts';
import { createDispatcher } from '../turns/dispatcher.ts';
import { VERSION } from '../version.ts';
import { reportBots } from './reports.ts';

export interface PartsGiven {
  settings: Settings;
  clock: Clock;
  emit: Emit;
  /** Strings that must never leave; the log asks for them anew with every line. */
  secrets: Set<string>;
  /** Looks up an environment variable for bot files. */
  variable: (name: string) => string | undefined;
}

export type BuiltParts = ReturnType<typeof buildParts>;

/** Everything below HTTP, from the data folder up to dispatcher and delivery. */
export function buildParts({ settings, variable, clock, emit, secrets }: PartsGiven) {
  const folder = holdDataFolder(settings.dataDir);
  const containment = containmentFor(settings);
  const bashAllowed = containment.layer === 'namespace' || settings.allowUncontainedBash;
  const bots: Bots = openBots({
    dir: settings.botsDir,
    variable,
    onChange: (change) => reportBots(bots, change, emit, secrets),
  });
  reportBots(bots, null, emit, secrets);
  const migrations = [mailMigrations, ledgerMigrations, conversationMigrations, downloadMigrations].flat();
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
  const downloads = buildDownloads({ settings, store, secrets, clock, emit });
  const delivery = createDelivery({
    ...{ mail, client, files: downloads, findBot, clock, emit, random: Math.random },
  });
  const { timeZone, turnTimeoutMs, publicUrl = null } = settings;
  const dispatcher = createDispatcher({
    ...{ mail, pool, downloads, findBot, clock, emit, secrets, timeZone, turnTimeoutMs, publicUrl },
    onDecided: delivery.wake,
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
    downloads,
    delivery,
    dispatcher,
  };
}

/** What one conversation, and all together, may keep for people. */
const conversationFilesMaxBytes = 256 * 1024 * 1024;
const allFilesMaxBytes = 1024 * 1024 * 1024;

function buildDownloads(parts: {
  settings: Settings;
  store: Store;
  secrets: Set<string>;
  clock: Clock;
  emit: Emit;
}): Downloads {
  const { settings, store, secrets, clock, emit } = parts;
  const { downloadMaxBytes: fileMaxBytes, downloadTtlMs: linkTtlMs, publicUrl = null } = settings;
  return createDownloads({
    index: createSqliteFileIndex(store),
    bytes: createDiskBytes(join(settings.dataDir, 'downloads')),
    limits: {
      ...{ fileMaxBytes, linkTtlMs },
      conversationMaxBytes: Math.max(conversationFilesMaxBytes, fileMaxBytes),
      totalMaxBytes: Math.max(allFilesMaxBytes, fileMaxBytes),
    },
    ...{ publicUrl, secrets: () => secrets, clock, emit },
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
