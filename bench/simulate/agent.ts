import type { Agent, AgentEnd, AgentResult, DeathCause, OpenAgent } from '../../src/agent/agent.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { TreeMemory } from '../../src/processes/trees.ts';
import { measured } from './measured.ts';
import type { Random } from './random.ts';

/** Agents without processes: they take the time and hold the memory that real ones were measured at. */
export interface SimulatedAgents {
  open: OpenAgent;
  measure(tags: readonly string[]): Map<string, TreeMemory>;
  /** What all of them hold now. */
  heldBytes(): number;
  /** Those that come up right now. */
  starting(): number;
  /** The kernel ends the largest one. */
  endLargest(): void;
  /** How many were started. */
  readonly starts: number;
}

/** What a prompt asks for, found by its uuid. */
export interface Work {
  turnMs: number;
  toolBytes: number;
}

export interface AgentParts {
  clock: Clock;
  random: Random;
  cores: number;
  workOf: (uuid: string) => Work;
  /** Called when more is held than before. */
  grew: () => void;
  /** Called when a memory has its first turn on record. */
  remembered: (memoryId: string) => void;
}

export function createSimulatedAgents(parts: AgentParts): SimulatedAgents {
  const live = new Map<string, SimulatedAgent>();
  let starts = 0;
  const starting = () => [...live.values()].filter(({ isUp }) => !isUp).length;
  return {
    starting,
    get starts() {
      return starts;
    },
    open(spec) {
      const tag = `agent-${++starts}`;
      // More starts than cores share them.
      const slowness = Math.max(1, (starting() + 1) / parts.cores);
      const agent = new SimulatedAgent(tag, spec, slowness, parts, () => live.delete(tag));
      live.set(tag, agent);
      parts.grew();
      return agent;
    },
    measure: (tags) =>
      new Map(
        tags.flatMap((tag): Array<[string, TreeMemory]> => {
          const agent = live.get(tag);
          return agent ? [[tag, { bytes: agent.heldBytes(), peakBytes: agent.peakBytes }]] : [];
        }),
      ),
    heldBytes: () => [...live.values()].reduce((sum, agent) => sum + agent.heldBytes(), 0),
    endLargest() {
      const [largest] = [...live.values()].sort((a, b) => b.heldBytes() - a.heldBytes());
      largest?.die('oom');
    },
  };
}

class SimulatedAgent implements Agent {
  isUp = false;
  peakBytes = 0;
  readonly ready: Promise<void>;
  readonly ended: Promise<AgentEnd>;
  readonly #parts: AgentParts;
  readonly #tag: string;
  readonly #memoryId: string;
  /** What makes this one larger or smaller than others, its tool servers included. */
  readonly #size: number;
  readonly #serverBytes: number;
  readonly #up = Promise.withResolvers<void>();
  readonly #end = Promise.withResolvers<AgentEnd>();
  readonly #gone: () => void;
  #turns = 0;
  #toolBytes = 0;
  #restsSinceMs: number | null = null;
  #isGone = false;
  #finish: ((result: AgentResult) => void) | null = null;

  constructor(
    tag: string,
    { profile, memory }: Parameters<OpenAgent>[0],
    slowness: number,
    parts: AgentParts,
    gone: () => void,
  ) {
    const { startMs, bytesSigma, serverBytes } = measured;
    this.#parts = parts;
    this.#tag = tag;
    this.#gone = gone;
    this.#memoryId = memory.id;
    this.#size = parts.random.logNormal(1, bytesSigma);
    this.#serverBytes = Object.keys(profile.mcpServers).length * serverBytes;
    this.ready = this.#up.promise;
    this.ended = this.#end.promise;
    this.peakBytes = this.heldBytes();
    const aloneMs = memory.kind === 'resume' ? startMs.resumed : startMs.opened;
    parts.clock.after(slowness * parts.random.logNormal(aloneMs, startMs.sigma), () => {
      this.isUp = true;
      this.#up.resolve();
    });
  }

  pid(): number | null {
    return this.#isGone ? null : 1;
  }

  tree(): string | null {
    return this.#isGone ? null : this.#tag;
  }

  heldBytes(): number {
    const { parkedBytes, restShare, restsAfterMs } = measured;
    const aboveBytes = this.#turns === 0 ? 0 : busyBytesAt(this.#turns) - parkedBytes;
    const rests =
      this.#restsSinceMs !== null && this.#parts.clock.monotonicMs() - this.#restsSinceMs >= restsAfterMs;
    return (
      (parkedBytes + aboveBytes * (rests ? restShare : 1)) * this.#size + this.#serverBytes + this.#toolBytes
    );
  }

  async run({ uuid }: { uuid: string }): Promise<AgentResult> {
    await this.ready;
    if (this.#isGone) return { kind: 'died', cause: 'gone', death: 'killed', began: false };
    const { turnMs, toolBytes } = this.#parts.workOf(uuid);
    this.#turns++;
    this.#toolBytes = toolBytes;
    this.#restsSinceMs = null;
    this.peakBytes = Math.max(this.peakBytes, this.heldBytes());
    const { promise, resolve } = Promise.withResolvers<AgentResult>();
    this.#finish = resolve;
    this.#parts.clock.after(turnMs + measured.turnOverheadMs, () => {
      if (this.#finish !== resolve) return;
      this.#parts.remembered(this.#memoryId);
      this.#settle({ kind: 'answered', text: '', spent: null });
    });
    this.#parts.grew();
    return promise;
  }

  async interrupt(): Promise<void> {
    this.#settle({ kind: 'interrupted', spent: null });
  }

  async close(): Promise<{ forced: null }> {
    await this.interrupt();
    await this.#parts.clock.sleep(measured.closeMs);
    this.#leave({ cause: 'closed', death: 'exit' });
    return { forced: null };
  }

  die(death: DeathCause): void {
    this.#settle({ kind: 'died', cause: death, death, began: true });
    this.#leave({ cause: death, death });
  }

  #settle(result: AgentResult): void {
    this.#toolBytes = 0;
    this.#restsSinceMs = this.#parts.clock.monotonicMs();
    this.#finish?.(result);
    this.#finish = null;
  }

  #leave(end: AgentEnd): void {
    this.#isGone = true;
    this.#gone();
    this.#up.resolve();
    this.#end.resolve(end);
  }
}

/** Between two measured turns on a straight line; after the last one as at it. */
function busyBytesAt(turn: number): number {
  const points = measured.busyBytes;
  const above = points.findIndex((point) => point.turn >= turn);
  const right = points[above] ?? points.at(-1);
  const left = points[above - 1] ?? right;
  if (!left || !right || right.turn === left.turn) return right?.bytes ?? 0;
  return left.bytes + ((turn - left.turn) / (right.turn - left.turn)) * (right.bytes - left.bytes);
}
