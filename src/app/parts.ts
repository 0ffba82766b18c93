import { basename, join } from 'node:path';
import type { Relay } from '../agent/relay.ts';
import { createMentions } from '../campfire/mentions.ts';
import { openCampfireStorage } from '../campfire/storage.ts';
import { type Bots, openBots } from '../config/bots.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';
import { OperatorError } from '../lib/errors.ts';
import { createSqliteMail } from '../mail/sqlite.ts';
import { type ContainmentChoice, chooseContainment, type HiddenFolders } from '../processes/containment.ts';
import { createPeaks } from '../sessions/peaks.ts';
import { createConversations } from '../sessions/resume.ts';
import { createSlots } from '../sessions/slots.ts';
import { holdDataFolder } from '../store/lock.ts';
import { openStore, type Store } from '../store/sqlite.ts';
import type { Emit } from '../telemetry/events.ts';
import type { AcceptParts } from '../turns/accept.ts';
import { createDispatcher } from '../turns/dispatcher.ts';
import { createOpsRoom } from '../turns/ops-room.ts';
import { createPostedFiles } from '../turns/posted-files.ts';
import { buildKeeping, buildKept } from './keeping.ts';
import { buildDownloads } from './kept-files.ts';
import { migrations } from './migrations.ts';
import { buildOutgoing } from './outgoing.ts';
import { reportBashRefused, reportBots, reportStorage } from './reports.ts';
import { buildPool, buildProcesses, type ReadMemory } from './sessions.ts';

export interface PartsGiven {
  settings: Settings;
  clock: Clock;
  emit: Emit;
  /** Strings that must never leave; the log asks for them anew with every line. */
  secrets: Set<string>;
  /** Looks up an environment variable for bot files. */
  variable: (name: string) => string | undefined;
  /** `readMemory` but in a test. */
  readMemory?: ReadMemory | undefined;
}

type AllGiven = PartsGiven & { relay: Relay } & Pick<AcceptParts, 'onAccepted' | 'onDecided'>;

export type BuiltParts = ReturnType<typeof buildParts>;

/** Everything below HTTP, from the data folder up to dispatcher and delivery. */
export function buildParts(given: AllGiven) {
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
  const { instance } = folder;
  const processes = buildProcesses({ store, instance, layer: containment.layer, hidden, clock, emit });
  const peaks = createPeaks(store, settings.sessionMemoryMaxBytes);
  const slots = createSlots(settings.dataDir);
  const conversations = createConversations(store, slots, clock);
  const pool = buildPool({ ...given, ...processes, conversations, slots, bashAllowed, bots, peaks });
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
  const { kept, workspaces, spending } = buildKept({ settings, store, clock, emit });
  const { timeZone, turnTimeoutMs, workspaceMaxBytes, publicUrl = null } = settings;
  const dispatcher = createDispatcher({
    ...{ mail, pool, conversations, client, faces, findBot, clock, emit, secrets, timeZone, turnTimeoutMs },
    ...{ onDecided: delivery.wake, workspaces, workspaceMaxBytes, spending, downloads, publicUrl },
    mentions: createMentions(store, clock, client),
    postedFiles: buildPostedFiles({ campfireStorage, store, clock, emit }),
  });
  const keeping = buildKeeping({
    ...{ settings, store, mail, kept, pool, bots, findBot, client, seen, downloads, spending, clock, emit },
    ...{ onAccepted: given.onAccepted, onDecided: given.onDecided },
  });
  const { opsRoom: room } = settings;
  const opsRoom = room ? createOpsRoom({ room, client, findBot, clock, emit }) : null;
  return {
    ...{ folder, opsRoom, relay: given.relay },
    containment,
    bashAllowed,
    bots,
    store,
    mail,
    ...processes,
    /** What a session left in its temp folder when nobody closed it. */
    emptySlot: (path: string) => slots.emptyTemp(slots.open(basename(path))),
    pool,
    downloads,
    ...{ peaks, spending, health, faces, seen },
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
