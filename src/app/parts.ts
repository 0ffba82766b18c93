import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { agentEnvironment } from '../agent/environment.ts';
import { createSdkAgents } from '../agent/sdk.ts';
import { type Bots, openBots } from '../config/bots.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';
import { OperatorError } from '../lib/errors.ts';
import { createSqliteMail } from '../mail/sqlite.ts';
import { createCensus } from '../processes/census.ts';
import { createSupervisor, type Supervisor } from '../processes/child.ts';
import { type ContainmentChoice, chooseContainment, type HiddenFolders } from '../processes/containment.ts';
import { createLedger } from '../processes/ledger.ts';
import { readMemory } from '../processes/memory.ts';
import { createReaper } from '../processes/reaper.ts';
import { createPool, type Pool } from '../sessions/pool.ts';
import { type Conversations, createConversations } from '../sessions/resume.ts';
import { createSlots, type Slots } from '../sessions/slots.ts';
import { holdDataFolder } from '../store/lock.ts';
import { openStore } from '../store/sqlite.ts';
import type { Emit } from '../telemetry/events.ts';
import type { AcceptParts } from '../turns/accept.ts';
import { createDispatcher } from '../turns/dispatcher.ts';
import { VERSION } from '../version.ts';
import { buildKeeping, buildKept } from './keeping.ts';
import { migrations } from './migrations.ts';
import { buildOutgoing } from './outgoing.ts';
import { reportBashRefused, reportBots } from './reports.ts';

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
export function buildParts(given: PartsGiven & Pick<AcceptParts, 'onAccepted' | 'onDecided'>) {
  const { settings, variable, clock, emit, secrets } = given;
  const folder = holdDataFolder(settings.dataDir);
  const hidden = { paths: [settings.dataDir, settings.botsDir] };
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
  const reaper = createReaper({ ledger, census: createCensus({ ledger, instance }), clock });
  const supervisor = createSupervisor({
    ...{ ledger, reaper, instance, layer: containment.layer, hidden, clock },
    onReaped: (pids) => emit({ type: 'processes.reaped', count: pids.length, cause: 'close', pids }),
  });
  const slots = createSlots(settings.dataDir);
  const conversations = createConversations(store, slots, clock);
  const pool = buildPool({ settings, conversations, slots, supervisor, bashAllowed, clock, emit });
  const findBot = (id: string) => {
    bots.refresh();
    return bots.byId(id) ?? (bots.problems().length > 0 ? ('unclear' as const) : ('gone' as const));
  };
  const { campfireUrl } = settings;
  const outgoing = buildOutgoing({
    ...{ campfireUrl, store, bots, findBot, mail, clock, emit },
    onCampfireBack: (awayFrom) => void keeping.catchUp.run(awayFrom),
  });
  const { health, client, faces, seen, delivery } = outgoing;
  const { kept, workspaces } = buildKept({ settings, store, emit });
  const { timeZone, turnTimeoutMs, workspaceMaxBytes } = settings;
  const dispatcher = createDispatcher({
    ...{ mail, pool, conversations, client, faces, findBot, clock, emit, secrets, timeZone, turnTimeoutMs },
    ...{ onDecided: delivery.wake, workspaces, workspaceMaxBytes },
  });
  const keeping = buildKeeping({
    ...{ settings, store, mail, kept, pool, bots, findBot, client, seen, clock, emit },
    ...{ onAccepted: given.onAccepted, onDecided: given.onDecided },
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
    /** What a session left in its temp folder when nobody closed it. */
    emptySlot: (path: string) => slots.emptyTemp(slots.open(basename(path))),
    pool,
    health,
    seen,
    ...keeping,
    delivery,
    dispatcher,
  };
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

function buildPool(parts: {
  settings: Settings;
  conversations: Conversations;
  slots: Slots;
  supervisor: Supervisor;
  /** A shell whose children nobody can hold together is only for those who ask for it. */
  bashAllowed: boolean;
  clock: Clock;
  emit: Emit;
}): Pool {
  const { settings, conversations, slots, supervisor, bashAllowed, clock, emit } = parts;
  const environment = agentEnvironment(settings, VERSION);
  return createPool(
    {
      ...{ idleTtlMs: settings.sessionTtlMs, maxSessions: settings.maxSessions ?? null },
      cores: availableParallelism(),
      readMemory: () => readMemory(settings.memoryLimitBytes ?? null),
    },
    {
      openAgent: createSdkAgents({ supervisor, clock, environment, bashAllowed }),
      ...{ conversations, slots, clock, emit },
    },
  );
}
