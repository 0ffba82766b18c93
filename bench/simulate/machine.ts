import type { Clock } from '../../src/lib/clock.ts';
import type { MemoryReading } from '../../src/processes/memory.ts';
import type { SessionBot } from '../../src/sessions/parts.ts';
import { createPeaks, peakMigrations } from '../../src/sessions/peaks.ts';
import { createPool, type Pool } from '../../src/sessions/pool.ts';
import type { Conversation } from '../../src/sessions/resume.ts';
import { openStore } from '../../src/store/sqlite.ts';
import type { LifecycleEvent } from '../../src/telemetry/events.ts';
import { createSimulatedAgents, type SimulatedAgents, type Work } from './agent.ts';
import { measured } from './measured.ts';
import type { Memories } from './memories.ts';
import { createRandom } from './random.ts';
import type { BotName } from './trace.ts';

const megabyte = 1024 * 1024;
const gigabyte = 1024 * megabyte;

/** What is usual for a machine of this memory, and the service's own defaults. */
export function machineOfSize(memoryGb: number) {
  return {
    memoryBytes: memoryGb * gigabyte,
    cores: Math.max(2, memoryGb / 2),
    spares: memoryGb >= 4 ? 1 : 0,
    idleTtlMs: 300_000,
    highPercent: 80,
    sessionMaxBytes: 700 * megabyte,
  };
}

export type MachineSize = ReturnType<typeof machineOfSize>;

export interface MachineParts {
  name: string;
  seed: number;
  size: MachineSize;
  /** Its timers stop with it. */
  clock: Clock;
  memories: Memories;
  workOf: (uuid: string) => Work;
}

/** One machine of many: the real pool over simulated agents. */
export class Machine {
  readonly name: string;
  readonly pool: Pool;
  readonly agents: SimulatedAgents;
  isDead = false;
  /** Turns that were taken up here and have no session yet. */
  beginning = 0;
  oomKills = 0;
  evictions = 0;
  mostUsedBytes = 0;
  readonly #size: MachineSize;
  readonly #store = openStore(':memory:', peakMigrations);

  constructor({ name, seed, size, clock, memories, workOf }: MachineParts) {
    this.name = name;
    this.#size = size;
    this.agents = createSimulatedAgents({
      ...{ clock, cores: size.cores, random: createRandom(seed), workOf },
      grew: () => this.#grew(),
      remembered: memories.remembered,
    });
    const peaks = createPeaks(this.#store, size.sessionMaxBytes);
    const { cores, spares, idleTtlMs, highPercent, sessionMaxBytes } = size;
    this.pool = createPool(
      {
        ...{ cores, spares, idleTtlMs, highPercent, sessionMaxBytes, maxSessions: null },
        readMemory: () => this.reading(),
        measureTrees: (tags) => this.agents.measure(tags),
        revisionOf: () => 'r1',
      },
      {
        ...{ openAgent: this.agents.open, clock, peaks, emit: (event) => this.#count(event) },
        ...{ slots: memories.slots, conversations: memories.conversations },
      },
    );
  }

  reading(): MemoryReading {
    const limitBytes = this.#size.memoryBytes;
    const usedBytes = measured.machineBytes + this.agents.heldBytes();
    return {
      ...{ source: 'host', limitBytes, usedBytes, availableBytes: Math.max(0, limitBytes - usedBytes) },
      ...{ oomKills: this.oomKills, stallPercent: null },
    };
  }

  /** What placement asks of a machine. */
  listener({ roomId, botId }: Conversation): { isBusy: boolean; hasSession: boolean } {
    return {
      isBusy: this.isBusy(),
      hasSession: this.pool.snapshot().some(({ id }) => id === `${roomId}:${botId}`),
    };
  }

  /** It takes no more of what all hear than it can start at once. */
  mayAnswerShared(): boolean {
    return this.beginning < this.#size.cores;
  }

  isBusy(): boolean {
    return this.pool.waiting().length > 0;
  }

  close(): void {
    this.isDead = true;
    this.#store.close();
  }

  #grew(): void {
    const { usedBytes, limitBytes } = this.reading();
    this.mostUsedBytes = Math.max(this.mostUsedBytes, usedBytes);
    if (usedBytes <= limitBytes) return;
    this.oomKills++;
    this.agents.endLargest();
  }

  #count({ type }: LifecycleEvent): void {
    if (type === 'session.evicted') this.evictions++;
  }
}

/** The bot as its file would say. */
export function botOf(id: BotName): SessionBot {
  const server = { type: 'stdio' as const, command: 'server', args: [], env: {} };
  const profile = { systemPrompt: '', model: null, maxTurns: null };
  return {
    ...{ id, revision: 'r1' },
    profile: {
      ...profile,
      tools: id === 'shell' ? ['Bash'] : [],
      mcpServers: id === 'servers' ? { files: server } : {},
    },
  };
}
