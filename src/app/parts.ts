import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { agentEnvironment } from '../agent/environment.ts';
import { createSdkAgents } from '../agent/sdk.ts';
import { createMentions } from '../campfire/mentions.ts';
import { openCampfireStorage } from '../campfire/storage.ts';
import { type Bots, openBots } from '../config/bots.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';
import { OperatorError } from '../lib/errors.ts';
import { createSqliteMail } from '../mail/sqlite.ts';
import { type Census, createCensus } from '../processes/census.ts';
import { createSupervisor, type Supervisor } from '../processes/child.ts';
import { type ContainmentChoice, chooseContainment, type HiddenFolders } from '../processes/containment.ts';
import { createLedger } from '../processes/ledger.ts';
import { createOomWatch, type MemoryReading, readMemory } from '../processes/memory.ts';
import { memoryOf } from '../processes/proc.ts';
import { createReaper } from '../processes/reaper.ts';
import { createTreeMeasure } from '../processes/trees.ts';
import { createPeaks, type Peaks } from '../sessions/peaks.ts';
import { createPool, type Pool } from '../sessions/pool.ts';
import { type Conversations, createConversations } from '../sessions/resume.ts';
import { createSlots, type Slots } from '../sessions/slots.ts';
import { holdDataFolder } from '../store/lock.ts';
import { openStore, type Store } from '../store/sqlite.ts';
import type { Emit } from '../telemetry/events.ts';
import type { AcceptParts } from '../turns/accept.ts';
import { createDispatcher } from '../turns/dispatcher.ts';
import { createOpsRoom } from '../turns/ops-room.ts';
import { createPostedFiles } from '../turns/posted-files.ts';
import { VERSION } from '../version.ts';
import { buildKeeping, buildKept } from './keeping.ts';
import { buildDownloads } from './kept-files.ts';
import { migrations } from './migrations.ts';
import { buildOutgoing } from './outgoing.ts';
import { reportBashRefused, reportBots, reportStorage } from './reports.ts';

export interface PartsGiven {
  settings: Settings;
  clock: Clock;
  emit: Emit;
  /** Strings that must never leave; the log asks for them anew with every line. */
  secrets: Set<string>;
  /** Looks up an environment variable for bot files. */
  variable: (name: string) => string | undefined;
  /** How memory is read, given the operator's limit and what is our own; `readMemory` but in a test. */
  readMemory?: ((limitBytes: number | null, ownBytes: () => number) => MemoryReading) | undefined;
}

export type BuiltParts = ReturnType<typeof buildParts>;

/** Everything below HTTP, from the data folder up to dispatcher and delivery. */
export function buildParts(given: PartsGiven & Pick<AcceptParts, 'onAccepted' | 'onDecided'>) {
  const { settings, variable, clock, emit, secrets } = given;
  const folder = holdDataFolder(settings.dataDir);
  const { campfireStorage, campfireUrl } = settings;
  const storage = campfireStorage === undefined ? [] : [campfireStorage];
  const hidden = { paths: [settings.dataDir, settings.botsDir, ...storage] };
  const containment = containmentFor(settings, hidden);
  const bashAllowed = containment.layer === 'namespace' || settings.allowUncontainedBash;
  const bots: Bots = openBots({
    dir: settings.botsDir,
    variable,
    onChange(change) {
      reportBots(bots, change, emit, secrets);
      if (!bashAllowed) reportBashRefused([...change.added, ...change.changed], emit);
      for (const { id } of [...change.added, ...change.changed]) outgoing.health.probeNow(id);
    },
  });
  reportBots(bots, null, emit, secrets);
  const store = openStore(join(settings.dataDir, 'service.db'), migrations);
  const mail = createSqliteMail(store, clock);
  const ledger = createLedger(store);
  const { instance } = folder;
  const census = createCensus({ ledger, instance });
  const reaper = createReaper({ ledger, census, clock });
  const supervisor = createSupervisor({
    ...{ ledger, reaper, instance, layer: containment.layer, hidden, clock },
    onReaped: (pids) => emit({ type: 'processes.reaped', count: pids.length, cause: 'close', pids }),
  });
  const peaks = createPeaks(store, settings.sessionMemoryMaxBytes);
  const slots = createSlots(settings.dataDir);
  const conversations = createConversations(store, slots, clock);
  const pool = buildPool({ ...given, conversations, slots, supervisor, census, bashAllowed, bots, peaks });
  const findBot = (id: string) => {
    bots.refresh();
    return bots.byId(id) ?? (bots.problems().length > 0 ? ('unclear' as const) : ('gone' as const));
  };
  const downloads = buildDownloads({ settings, store, secrets, clock, emit });
  const outgoing = buildOutgoing({
    ...{ campfireUrl, store, bots, findBot, mail, files: downloads, clock, emit },
    onCampfireBack: (awayFrom) => void keeping.catchUp.run(awayFrom),
  });
  const { health, client, faces, seen, delivery } = outgoing;
  const { kept, workspaces } = buildKept({ settings, store, emit });
  const { timeZone, turnTimeoutMs, workspaceMaxBytes, publicUrl = null } = settings;
  const dispatcher = createDispatcher({
    ...{ mail, pool, conversations, client, faces, findBot, clock, emit, secrets, timeZone, turnTimeoutMs },
    ...{ onDecided: delivery.wake, workspaces, workspaceMaxBytes, downloads, publicUrl },
    mentions: createMentions(store, clock, client),
    postedFiles: buildPostedFiles({ campfireStorage, store, clock, emit }),
  });
  const keeping = buildKeeping({
    ...{ settings, store, mail, kept, pool, bots, findBot, client, seen, downloads, clock, emit },
    ...{ onAccepted: given.onAccepted, onDecided: given.onDecided },
  });
  const { opsRoom: room } = settings;
  const opsRoom = room ? createOpsRoom({ room, client, findBot, clock, emit }) : null;
  return {
    folder,
    opsRoom,
    containment,
    bashAllowed,
    bots,
    store,
    mail,
    reaper,
    supervisor,
    /** What a session left in its temp folder when nobody closed it. */
    emptySlot: (path: string) => slots.emptyTemp(slots.open(basename(path))),
    pool,
    downloads,
    peaks,
    health,
    seen,
    ...keeping,
    delivery,
    dispatcher,
  };
}

function buildPostedFiles(parts: {
  campfireStorage: string | undefined;
  store: Store;
  clock: Clock;
  emit: Emit;
}) {
  const { campfireStorage, ...rest } = parts;
  const storage = campfireStorage === undefined ? null : openCampfireStorage(campfireStorage);
  if (storage) reportStorage(storage, rest.emit);
  return createPostedFiles({ storage, ...rest });
}

function containmentFor(settings: Settings, hidden: HiddenFolders): ContainmentChoice {
  const choice = chooseContainment(settings.containment, settings.dataDir, hidden);
  if (choice) return choice;
  throw new OperatorError(
    'containment_unavailable',
    'CONTAINMENT=namespace is set, but bubblewrap cannot make a pid namespace here.',
    'Ask `campfire-ai-bot doctor` what is missing, or set CONTAINMENT=auto.',
  );
}

/** A machine sold as 4 GB has some 3.8. */
const spareFromBytes = 3.7 * 1024 ** 3;
/** The counter of OOM kills is looked at once a second, and a death is heard of within another. */
const oomKillFreshMs = 3_000;

function buildPool({
  readMemory: read = readMemory,
  ...parts
}: PartsGiven & {
  conversations: Conversations;
  slots: Slots;
  supervisor: Supervisor;
  census: Census;
  /** A shell whose children nobody can hold together is only for those who ask for it. */
  bashAllowed: boolean;
  bots: Bots;
  peaks: Peaks;
}): Pool {
  const { settings, conversations, slots, supervisor, bashAllowed, clock, emit, bots, peaks } = parts;
  const environment = agentEnvironment(settings, VERSION);
  const oom = createOomWatch();
  const readNow = (treeBytes: number): MemoryReading => {
    const own = () => treeBytes + memoryOf(process.pid).pssBytes;
    const reading = read(settings.memoryLimitBytes ?? null, own);
    oom.look(reading, clock.monotonicMs());
    return reading;
  };
  const oomKilled = () => {
    readNow(0);
    return oom.killedWithin(oomKillFreshMs, clock.monotonicMs());
  };
  const { limitBytes } = readNow(0);
  return createPool(
    {
      ...{ idleTtlMs: settings.sessionTtlMs, maxSessions: settings.maxSessions ?? null },
      ...{ highPercent: settings.memoryHighPercent, sessionMaxBytes: settings.sessionMemoryMaxBytes },
      spares: settings.spareSessions ?? (limitBytes >= spareFromBytes ? 1 : 0),
      cores: availableParallelism(),
      readMemory: readNow,
      measureTrees: createTreeMeasure(parts.census),
      revisionOf: (botId) => bots.byId(botId)?.revision ?? null,
    },
    {
      openAgent: createSdkAgents({ supervisor, clock, environment, bashAllowed, oomKilled }),
      ...{ conversations, slots, clock, emit, peaks },
    },
  );
}
