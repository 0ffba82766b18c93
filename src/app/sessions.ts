import { availableParallelism } from 'node:os';
import { agentEnvironment } from '../agent/environment.ts';
import type { TranscriptSink } from '../agent/mirror.ts';
import { type Relay, startRelay } from '../agent/relay.ts';
import { createSdkAgents } from '../agent/sdk.ts';
import type { Bots } from '../config/bots.ts';
import { inheritedEnvironment, type Settings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';
import { type Census, createCensus } from '../processes/census.ts';
import { createSupervisor, type Supervisor } from '../processes/child.ts';
import type { Containment, HiddenFolders } from '../processes/containment.ts';
import { createLedger } from '../processes/ledger.ts';
import { createOomWatch, type MemoryReading, readMemory } from '../processes/memory.ts';
import { memoryOf } from '../processes/proc.ts';
import { createReaper } from '../processes/reaper.ts';
import { createTreeMeasure } from '../processes/trees.ts';
import type { Peaks } from '../sessions/peaks.ts';
import { createPool, type Pool } from '../sessions/pool.ts';
import type { Conversations } from '../sessions/resume.ts';
import type { Slots } from '../sessions/slots.ts';
import type { Store } from '../store/sqlite.ts';
import type { Emit } from '../telemetry/events.ts';
import { VERSION } from '../version.ts';

/** How memory is read, given the operator's limit and what is our own. */
export type ReadMemory = (limitBytes: number | null, ownBytes: () => number) => MemoryReading;

/** What starts, counts and ends processes. */
export function buildProcesses(parts: {
  store: Store;
  /** Names this data folder's processes. */
  instance: string;
  layer: Containment;
  hidden: HiddenFolders;
  clock: Clock;
  emit: Emit;
}) {
  const { store, instance, layer, hidden, clock, emit } = parts;
  const ledger = createLedger(store);
  const census = createCensus({ ledger, instance, clock });
  const reaper = createReaper({ ledger, census, clock });
  const supervisor = createSupervisor({
    ...{ ledger, reaper, instance, layer, hidden, clock },
    onReaped: (pids) => emit({ type: 'processes.reaped', count: pids.length, cause: 'close', pids }),
  });
  return { census, reaper, supervisor };
}

/** Starts what agents reach Claude through. */
export function openRelay(
  { settings, secrets }: { settings: Settings; secrets: Set<string> },
  emit: Emit,
): Promise<Relay> {
  const { anthropicApiKey: apiKey, claudeCodeOauthToken: oauthToken, anthropicBaseUrl } = settings;
  return startRelay({
    ...{ credentials: { apiKey, oauthToken }, proxies: inheritedEnvironment(), secrets, emit },
    upstreamUrl: anthropicBaseUrl ?? 'https://api.anthropic.com',
  });
}

/** A machine sold as 4 GB has some 3.8. */
const spareFromBytes = 3.7 * 1024 ** 3;
/** The counter of OOM kills is looked at once a second, and a death is heard of within another. */
const oomKillFreshMs = 3_000;

function sparesFor({ role, spareSessions }: Settings, limitBytes: number): number {
  if (role === 'web') return 0;
  return spareSessions ?? (limitBytes >= spareFromBytes ? 1 : 0);
}

export function buildPool({
  readMemory: read = readMemory,
  ...parts
}: {
  settings: Settings;
  clock: Clock;
  emit: Emit;
  /** `readMemory` but in a test. */
  readMemory?: ReadMemory | undefined;
  conversations: Conversations;
  /** Where transcripts are copied to; null when nobody else goes on with them. */
  transcripts: TranscriptSink | null;
  slots: Slots;
  relay: Relay;
  supervisor: Supervisor;
  census: Census;
  /** A shell whose children nobody can hold together is only for those who ask for it. */
  bashAllowed: boolean;
  bots: Bots;
  peaks: Peaks;
}): Pool {
  const { settings, relay, conversations, transcripts, slots, supervisor, bashAllowed } = parts;
  const { clock, emit, bots, peaks } = parts;
  const environment = agentEnvironment(VERSION);
  const oom = createOomWatch();
  const readNow = (treeBytes: number): MemoryReading => {
    const own = () => treeBytes + memoryOf(process.pid).pssBytes;
    const reading = read(settings.memoryLimitBytes ?? null, own);
    const count = oom.look(reading, clock.monotonicMs());
    // A tool server that the kernel ended is missed by nobody else: its agent answers without it.
    if (count > 0) emit({ type: 'memory.oom_kill', count });
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
      spares: sparesFor(settings, limitBytes),
      cores: availableParallelism(),
      readMemory: readNow,
      measureTrees: createTreeMeasure(parts.census),
      revisionOf: (botId) => bots.byId(botId)?.revision ?? null,
    },
    {
      openAgent: createSdkAgents({
        ...{ supervisor, clock, environment, bashAllowed, oomKilled },
        admit: relay.admit,
        ...(transcripts ? { transcripts } : {}),
      }),
      ...{ conversations, slots, clock, emit, peaks },
    },
  );
}
