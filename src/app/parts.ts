import { basename, join } from 'node:path';
import type { Relay } from '../agent/relay.ts';
import { createMentions } from '../campfire/mentions.ts';
import { openCampfireStorage } from '../campfire/storage.ts';
import { type Bots, openBots } from '../config/bots.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';
import { OperatorError } from '../lib/errors.ts';
import { type ContainmentChoice, chooseContainment, type HiddenFolders } from '../processes/containment.ts';
import { createPeaks } from '../sessions/peaks.ts';
import { createSlots } from '../sessions/slots.ts';
import { holdDataFolder } from '../store/lock.ts';
import { openStore, type Store } from '../store/sqlite.ts';
import type { Emit } from '../telemetry/events.ts';
import { emitFailure } from '../telemetry/failure.ts';
import type { AcceptParts } from '../turns/accept.ts';
import { createDispatcher, type Dispatcher } from '../turns/dispatcher.ts';
import { createOpsRoom } from '../turns/ops-room.ts';
import { createPostedFiles } from '../turns/posted-files.ts';
import { createFinder } from './find-bot.ts';
import { buildKeeping, buildKept } from './keeping.ts';
import { buildDownloads } from './kept-files.ts';
import { createMachines, type Machines } from './machines.ts';
import { migrations } from './migrations.ts';
import { openShared } from './open-shared.ts';
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

type AllGiven = PartsGiven & { relay: Relay } & Pick<AcceptParts, 'onAccepted' | 'onDecided'> & {
    /** This machine looks through the mail for all of them. */
    onLook: () => void;
  };

export type BuiltParts = Awaited<ReturnType<typeof buildParts>>;

/** Everything below HTTP, from the data folder up to dispatcher and delivery. */
export async function buildParts(given: AllGiven) {
  const { settings, variable, clock, emit, secrets } = given;
  const folder = holdDataFolder(settings.dataDir);
  const { campfireStorage, campfireUrl } = settings;
  const { hidden, containment, bashAllowed } = holdTogether(settings);
  const bots: Bots = openBots({
    dir: settings.botsDir,
    variable,
    onChange(change) {
      const fresh = [...change.added, ...change.changed];
      reportBots(bots, change, emit, secrets);
      if (!bashAllowed) reportBashRefused(fresh, emit);
      for (const { id } of fresh) outgoing.health.probeNow(id);
    },
  });
  reportBots(bots, null, emit, secrets);
  const store = openStore(join(settings.dataDir, 'service.db'), migrations);
  const slots = createSlots(settings.dataDir, (error) => emitFailure(emit, 'deleting folders', error));
  const shared = await openShared({
    ...{ settings, store, slots, machine: folder.instance, clock, emit },
    onRedisBack: (awaySince) => void keeping.catchUp.run(awaySince),
  });
  const { mail, history, marks, conversations, kept, transcripts, ownership } = shared;
  const processes = buildProcesses({
    ...{ store, instance: folder.instance, layer: containment.layer, hidden, clock, emit },
  });
  const peaks = createPeaks(store, settings.sessionMemoryMaxBytes);
  const held = { transcripts, conversations, slots, bashAllowed, bots, peaks };
  const pool = buildPool({ ...given, ...processes, ...held });
  const findBot = createFinder({ bots, mayBeElsewhere: () => machines.mayHaveBot, clock });
  const downloads = buildDownloads({ ...shared.files, settings, secrets, clock, emit });
  const outgoing = buildOutgoing({
    ...{ campfireUrl, marks, ownership, bots, findBot, mail, files: downloads, clock, emit },
    onCampfireBack: (awayFrom) => void keeping.catchUp.run(awayFrom),
  });
  const { health, client, faces, seen, delivery } = outgoing;
  const { workspaces, spending } = buildKept({ settings, kept, usage: shared.usage, clock, emit });
  const { timeZone, turnTimeoutMs, workspaceMaxBytes, opsRoom: room, publicUrl = null } = settings;
  const late = { dispatcher: () => dispatcher, onLook: given.onLook };
  const machines: Machines = await createMachines(
    { machine: folder.instance, settings, pool, ownership, bots, clock, emit, ...late },
    shared.redis,
  );
  const dispatcher: Dispatcher = createDispatcher({
    ...{ mail, pool, conversations, client, faces, findBot, clock, emit, secrets, timeZone, turnTimeoutMs },
    ...{ ownership, others: machines.others, onDecided: delivery.wake, workspaces, workspaceMaxBytes },
    ...{ spending, downloads, publicUrl },
    onLost: (conversation) => transcripts?.unbind(conversation),
    mentions: createMentions(store, clock, client),
    postedFiles: buildPostedFiles({ campfireStorage, store, clock, emit }),
  });
  const keeping = buildKeeping({
    ...{ settings, store, mail, history, ownership, kept, pool, bots, findBot, client, seen, downloads },
    ...{ spending, clock, emit },
    ...{ onAccepted: given.onAccepted, onDecided: given.onDecided },
  });
  const opsRoom = room ? createOpsRoom({ room, client, findBot, clock, emit }) : null;
  return {
    ...{ folder, opsRoom, relay: given.relay },
    ...{ containment, bashAllowed, bots, store, mail },
    ...processes,
    /** What a session left in its temp folder when nobody closed it. */
    emptySlot: (path: string) => slots.emptyTemp(slots.at(basename(path))),
    ...{ pool, downloads, peaks, spending, health, faces, seen, delivery, dispatcher, machines },
    ...keeping,
    /** Leaves what the machines share. */
    closeShared: shared.close,
    countMail: shared.countMail,
  };
}

/** What agents are held together with, and what they do not see. */
function holdTogether({ role, containment: wanted, dataDir, botsDir, campfireStorage, ...rest }: Settings) {
  const storage = campfireStorage === undefined ? [] : [campfireStorage];
  const hidden = { paths: [dataDir, botsDir, ...storage] };
  // Where no session starts, none has to be held together.
  const containment = containmentFor(role === 'web' ? 'group' : wanted, dataDir, hidden);
  const bashAllowed = containment.layer === 'namespace' || rest.allowUncontainedBash;
  return { hidden, containment, bashAllowed };
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

function containmentFor(
  layer: Settings['containment'],
  dataDir: string,
  hidden: HiddenFolders,
): ContainmentChoice {
  const choice = chooseContainment(layer, dataDir, hidden);
  if (choice) return choice;
  throw new OperatorError(
    'containment_unavailable',
    'CONTAINMENT=namespace is set, but bubblewrap cannot make a pid namespace here.',
    'Ask `campfire-ai-bot doctor` what is missing, or set CONTAINMENT=auto.',
  );
}
