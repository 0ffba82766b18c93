import { randomUUID } from 'node:crypto';
import type { AgentMemory } from '../agent/agent.ts';
import { within } from '../lib/clock.ts';
import type { TreeMemory } from '../processes/trees.ts';
import { emitFailure, tolerate } from '../telemetry/failure.ts';
import type { ClaimedSpare, PoolOptions, PoolParts, SessionBot } from './parts.ts';
import type { SpareReading } from './policy.ts';
import { startAgent } from './start-agent.ts';

/**
 * Started agents that wait, each in a slot of its own, for the first turn of some conversation.
 *
 * Invariants:
 * 1. A spare is claimed once or ended; claimed, its process and its slot belong to the conversation for good.
 * 2. The slot of an ended spare is deleted, but only after its whole tree is gone.
 * 3. Nobody waits for a spare to come up: only a parked one can be claimed.
 */

/** A start takes 0.4 s, and some 18 s where names cannot be resolved; what is not up by then will not be. */
const comeUpMs = 60_000;

interface Spare extends ClaimedSpare {
  id: string;
  bot: SessionBot;
  state: 'starting' | 'parked' | 'closing';
}

export interface SpareListeners {
  /** Something was freed or became claimable. */
  changed: () => void;
  /** One did not come up. */
  failed: (bot: SessionBot, cause: string) => void;
}

export class Spares {
  readonly #parts: PoolParts;
  readonly #listeners: SpareListeners;
  readonly #options: Pick<PoolOptions, 'revisionOf'>;
  readonly #spares = new Map<string, Spare>();
  readonly #endings = new Map<Spare, Promise<void>>();

  constructor(options: Pick<PoolOptions, 'revisionOf'>, parts: PoolParts, listeners: SpareListeners) {
    this.#options = options;
    this.#parts = parts;
    this.#listeners = listeners;
  }

  /** Starts one in the background. */
  start(bot: SessionBot, detail: string): void {
    const { slots, clock, emit } = this.#parts;
    const slot = slots.at(slots.newSpareId());
    const memory: AgentMemory = { kind: 'new', id: randomUUID() };
    const spare: Spare = {
      ...{ id: slot.id, bot, slot, memory, state: 'starting', startedMs: clock.monotonicMs() },
      ...{ agent: startAgent(this.#parts, bot.profile, slot, memory), tree: { bytes: 0, peakBytes: 0 } },
    };
    this.#spares.set(spare.id, spare);
    emit({ type: 'spare.started', bot: bot.id, detail });
    void this.#comeUp(spare);
    void spare.agent.ended.then(({ cause }) => {
      if (this.#spares.get(spare.id) !== spare || spare.state === 'closing') return;
      const cameUp = spare.state === 'parked';
      void this.end(spare.id, 'died', cause);
      if (!cameUp) this.#listeners.failed(bot, cause);
    });
  }

  /** A parked spare of this very revision, the one that waits longest; null if there is none. */
  claimable(bot: SessionBot): string | null {
    for (const { id, state, bot: own } of this.#spares.values()) {
      if (state === 'parked' && own.id === bot.id && own.revision === bot.revision) return id;
    }
    return null;
  }

  /** Hands a parked spare over for good. */
  claim(id: string): ClaimedSpare | null {
    const spare = this.#spares.get(id);
    if (spare?.state !== 'parked') return null;
    this.#spares.delete(id);
    return spare;
  }

  /** Ends one and deletes its slot. What would not end is tried again with the next call. Never rejects. */
  end(id: string, reason: string, detail: string): Promise<void> {
    const spare = this.#spares.get(id);
    if (!spare) return Promise.resolve();
    const running = this.#endings.get(spare);
    if (running !== undefined) return running;
    if (spare.state !== 'closing')
      this.#parts.emit({ type: 'spare.ended', bot: spare.bot.id, reason, detail });
    spare.state = 'closing';
    const ending = this.#end(spare).finally(() => this.#endings.delete(spare));
    this.#endings.set(spare, ending);
    return ending;
  }

  /** Ends all of them. True when nothing is left. */
  async drain(): Promise<boolean> {
    await Promise.all([...this.#spares.keys()].map((id) => this.end(id, 'shutdown', '')));
    return this.#spares.size === 0;
  }

  /** Resolves when those that are being ended are gone, or could not be ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#endings.values());
  }

  /** Those that would not end, to be tried again. */
  stuck(): string[] {
    return [...this.#spares.values()]
      .filter((spare) => spare.state === 'closing' && !this.#endings.has(spare))
      .map(({ id }) => id);
  }

  readings(): SpareReading[] {
    const { revisionOf } = this.#options;
    return [...this.#spares.values()].map(({ id, bot, state, tree, startedMs }) => ({
      ...{ id, botId: bot.id, state, memoryBytes: tree.bytes, startedMs },
      peakBytes: this.#parts.peaks.expectedBytes(bot),
      outdated: revisionOf(bot.id) !== bot.revision,
    }));
  }

  /** Trees to be measured, and where to put what was found. */
  trees(): Array<{ tag: string; note: (tree: TreeMemory) => void }> {
    return [...this.#spares.values()].flatMap((spare) => {
      const tag = spare.agent.tree();
      const note = (tree: TreeMemory) => {
        spare.tree = tree;
      };
      return tag === null ? [] : [{ tag, note }];
    });
  }

  /** Deletes slots that spares of an earlier life left behind; call it once that life's processes are gone. */
  async clearLeftovers(): Promise<void> {
    const { slots, conversations, emit } = this.#parts;
    slots.clearRemains();
    for (const id of slots.spareIds()) {
      if (this.#spares.has(id) || (await conversations.hasSlot(id))) continue;
      tolerate(emit, 'folder of an old spare', () => slots.delete({ id }));
    }
  }

  async #comeUp(spare: Spare): Promise<void> {
    const { clock, emit } = this.#parts;
    const came = await within(clock, comeUpMs, spare.agent.ready);
    if (spare.state !== 'starting') return;
    if (came === 'timeout') {
      const cause = `not up within ${comeUpMs / 1000} s`;
      void this.end(spare.id, 'timeout', cause);
      this.#listeners.failed(spare.bot, cause);
    } else if (spare.agent.pid() !== null) {
      spare.state = 'parked';
      emit({
        type: 'spare.parked',
        bot: spare.bot.id,
        openMs: Math.round(clock.monotonicMs() - spare.startedMs),
      });
      this.#listeners.changed();
    }
  }

  async #end(spare: Spare): Promise<void> {
    try {
      await spare.agent.close();
      this.#spares.delete(spare.id);
      this.#parts.slots.delete(spare);
    } catch (error) {
      emitFailure(this.#parts.emit, `spare of ${spare.bot.id}`, error);
    }
    this.#listeners.changed();
  }
}
