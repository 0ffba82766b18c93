import type { Agent, AgentEnd, AgentResult, Prompt, Slot, TurnHooks } from '../agent/agent.ts';
import { withHistory, withLeftBehind } from '../agent/prompt.ts';
import { messageOf } from '../lib/errors.ts';
import type { TreeMemory } from '../processes/trees.ts';
import type { SessionName, SessionPath } from '../telemetry/events.ts';
import { tolerate } from '../telemetry/failure.ts';
import type { ClaimedSpare, SessionBot, SessionParts } from './parts.ts';
import type { SessionReading } from './policy.ts';
import { type Conversation, newRecall, type Recall } from './resume.ts';
import { startAgent } from './start-agent.ts';

/**
 * One live agent of one conversation: `starting → idle ⇄ busy → closing → closed`.
 *
 * Invariants:
 * 1. It becomes `closed` only when the agent's whole process tree is gone; a close that fails stays `closing`
 *    and can be tried again.
 * 2. At most one agent at a time: starting over waits for the first one's close.
 */

export type SessionState = 'starting' | 'idle' | 'busy' | 'closing' | 'closed';

/** How a prompt ended in a session; one that took too much memory was stopped by the pool. */
export type TurnResult = AgentResult | { kind: 'too-large'; cause: string };

export class Session {
  readonly name: SessionName;
  readonly conversation: Conversation;
  readonly bot: SessionBot;
  state: SessionState = 'starting';
  path: SessionPath;
  turns = 0;
  /** Monotonic ms. */
  readonly startedMs: number;
  /** Monotonic ms of the last time it became idle. */
  idleSinceMs: number;
  /** The tree at the last look; zeros before the first. */
  memory: TreeMemory = { bytes: 0, peakBytes: 0 };
  /** The most that any look since its turn began has shown: of processes that have ended, the last look knows nothing. */
  turnPeakBytes = 0;
  /** Why the turn that runs is being stopped; null when it is not, or not for its memory. */
  tooLarge: string | null = null;
  /** Its agent has died: it can only be closed. */
  broken = false;
  /** Called when an agent of it has come up. */
  onUp: () => void = () => {};
  /** Called once if the agent ends while nobody asked it to. */
  onDeath: (end: AgentEnd) => void = () => {};
  readonly #parts: SessionParts;
  #recall: Recall;
  /** Its memory is on record; rejects when it could not be put there. */
  #begun: Promise<void>;
  #agent: Agent;
  #pid: number | null = null;
  #closing: Promise<boolean> | null = null;
  #running = false;
  /** Whether its present agent has had a prompt. */
  #prompted = false;
  /** Whether there is anything that a fresh session would not know. */
  #remembers = false;
  #replaced: Agent | null = null;
  /** Tells of a death in the middle of a prompt, once that is not to be run by another agent. */
  #tellOfDeath: () => void = () => {};

  /** `claimed`: a spare whose slot and process a new conversation goes on with, instead of starting one. */
  constructor(
    conversation: Conversation,
    bot: SessionBot,
    parts: SessionParts,
    recall: Recall,
    claimed: ClaimedSpare | null = null,
  ) {
    this.name = `${conversation.roomId}:${conversation.botId}`;
    this.conversation = conversation;
    this.bot = bot;
    this.#parts = parts;
    this.startedMs = claimed?.startedMs ?? parts.clock.monotonicMs();
    this.idleSinceMs = parts.clock.monotonicMs();
    this.#recall = claimed ? newRecall(claimed.slot, claimed.memory) : recall;
    this.#begun = this.#begin();
    if (claimed) {
      this.path = 'claimed';
      this.memory = claimed.tree;
      this.#agent = this.#watch(claimed.agent);
      return;
    }
    this.#remembers = recall.memory.kind === 'resume';
    this.path = this.#remembers ? 'resumed' : 'opened';
    if (recall.stale) this.#reportStale('its transcript is missing');
    this.#agent = this.#open();
  }

  /** That of the real `claude`; null before it has come up and after it has ended. */
  get pid(): number | null {
    return this.#pid;
  }

  /** The same for as long as the conversation has one, a session started over included. */
  get slot(): Slot {
    return this.#recall.slot;
  }

  /** Names its process tree to whoever measures it. */
  get tree(): string | null {
    return this.#agent.tree();
  }

  reading(peakBytes: number): SessionReading {
    const state = this.state === 'closed' ? 'closing' : this.state;
    const { name, turns, startedMs, idleSinceMs, bot, memory } = this;
    return {
      ...{ name, botId: bot.id, state, turns, startedMs, idleSinceMs, peakBytes },
      memoryBytes: memory.bytes,
    };
  }

  /** Its tree was looked at. */
  looked(memory: TreeMemory): void {
    this.memory = memory;
    this.turnPeakBytes = Math.max(this.turnPeakBytes, memory.peakBytes);
  }

  /** A turn has it from now on. */
  taken(): void {
    if (this.state === 'idle') this.state = 'busy';
    this.turnPeakBytes = this.memory.peakBytes;
  }

  /**
   * Runs one prompt. A transcript that cannot be loaded is given up, and a spare that died before it took up the prompt
   * is replaced: the prompt then runs in a fresh process.
   */
  async run(prompt: Prompt, hooks: TurnHooks): Promise<TurnResult> {
    this.#running = true;
    let result = await this.#ask(prompt, hooks);
    if (result.kind === 'no-memory') {
      this.#reportStale(result.cause);
      result = await this.#startOver(prompt, hooks, 'give-up');
    } else if (result.kind === 'died' && this.path === 'claimed' && this.turns === 0 && !result.began) {
      this.#parts.emit({ type: 'spare.refused', session: this.name, cause: result.cause });
      result = await this.#startOver(prompt, hooks, 'keep');
    }
    return this.#record(result);
  }

  /**
   * Runs a prompt that was refused for the history before it in a fresh session, which begins with the last exchanges
   * of the old one. Null when there is no history to give up. If the fresh one refuses it as well, the history was
   * not the reason, and the old memory comes back.
   */
  async startOver(prompt: Prompt, hooks: TurnHooks): Promise<TurnResult | null> {
    if (!this.#remembers || this.#recall.startedOver) return null;
    this.#running = true;
    this.#reportStale('its history was refused');
    const result = await this.#startOver(prompt, hooks, 'give-up');
    if (result.kind === 'api-error') {
      await this.#parts.conversations.restore(this.conversation);
      // This agent has the wrong memory by now: the next turn gets another.
      this.broken = true;
    }
    return this.#record(result);
  }

  async #record(result: AgentResult): Promise<TurnResult> {
    this.#running = false;
    this.#tellOfDeath();
    this.turns++;
    if (result.kind === 'died') this.broken = true;
    else await this.#parts.conversations.recordTurn(this.conversation, result.kind === 'answered');
    if (result.kind === 'answered') {
      this.#remembers = true;
      this.#recall.startedOver = false;
    }
    const stopped = this.tooLarge;
    this.tooLarge = null;
    if (stopped !== null && (result.kind === 'interrupted' || result.kind === 'died'))
      return { kind: 'too-large', cause: stopped };
    return result;
  }

  async #ask(prompt: Prompt, hooks: TurnHooks): Promise<AgentResult> {
    const refused = await this.#begun.then(() => null, messageOf);
    // Nothing was asked, so trying again does no harm.
    if (refused !== null) return { kind: 'died', cause: refused, death: 'start', began: false };
    const { startedOver, history, missing } = this.#recall;
    if (startedOver) hooks.onStep({ kind: 'started-over', exchanges: history.length });
    const text = this.#prompted ? prompt.text : withHistory(history, withLeftBehind(missing, prompt.text));
    this.#prompted = true;
    const result = this.#agent.run({ ...prompt, text }, hooks);
    // At once, and not when it is on record: whoever interrupts asks in the same moment.
    void result.then(({ kind }) => {
      this.#running = kind === 'no-memory' || kind === 'died';
    });
    return result;
  }

  /** Asks the running prompt to end. False when it still runs afterwards. */
  async interrupt(): Promise<boolean> {
    await this.#agent.interrupt();
    return !this.#running;
  }

  /** Ends the agent and its tree. True when it is gone; false when it is not and has to be tried again. */
  close(reason: string): Promise<boolean> {
    if (this.state === 'closed') return Promise.resolve(true);
    this.state = 'closing';
    this.#closing ??= this.#closeOnce(reason).finally(() => {
      this.#closing = null;
    });
    return this.#closing;
  }

  async #closeOnce(reason: string): Promise<boolean> {
    const { clock, slots, emit } = this.#parts;
    const startedMs = clock.monotonicMs();
    try {
      const { forced } = await this.#agent.close();
      this.state = 'closed';
      emit({
        ...{ type: 'session.closed', session: this.name, reason, forced },
        closeMs: Math.round(clock.monotonicMs() - startedMs),
      });
    } catch (error) {
      emit({ type: 'session.close_failed', session: this.name, problem: messageOf(error) });
      return false;
    }
    tolerate(emit, `temp folder of ${this.name}`, () => slots.emptyTemp(this.#recall.slot));
    return true;
  }

  /** `keep`: there is no transcript yet that could be given up. */
  async #startOver(prompt: Prompt, hooks: TurnHooks, memory: 'keep' | 'give-up'): Promise<AgentResult> {
    // Its end is expected: it must not be taken for a death of the session.
    this.#replaced = this.#agent;
    await this.#agent.close();
    if (this.#isEnding()) return { kind: 'interrupted', spent: null };
    if (memory === 'give-up') await this.#parts.conversations.giveUp(this.conversation);
    this.#recall = await this.#parts.conversations.recall(this.conversation);
    await this.#recall.fetch?.();
    // Nobody would close what is opened now.
    if (this.#isEnding()) return { kind: 'interrupted', spent: null };
    this.#begun = this.#begin();
    this.path = 'opened';
    this.#prompted = false;
    this.#agent = this.#open();
    return this.#ask(prompt, hooks);
  }

  #begin(): Promise<void> {
    const { slot, memory } = this.#recall;
    const begun = this.#parts.conversations.begin(this.conversation, slot, memory);
    // Whoever runs a prompt hears of it.
    begun.catch(() => undefined);
    return begun;
  }

  #open(): Agent {
    const { slot, memory } = this.#recall;
    return this.#watch(startAgent(this.#parts, this.bot.profile, slot, memory));
  }

  #isEnding(): boolean {
    return this.state === 'closing' || this.state === 'closed';
  }

  #watch(agent: Agent): Agent {
    const { clock, emit } = this.#parts;
    const startedMs = clock.monotonicMs();
    void agent.ready.then(() => {
      if (this.state === 'starting') this.state = 'busy';
      const pid = agent.pid();
      if (pid === null || this.#replaced === agent) return;
      this.#pid = pid;
      this.onUp();
      const openMs = Math.round(clock.monotonicMs() - startedMs);
      emit({ type: 'session.opened', session: this.name, path: this.path, pid, openMs });
    });
    void agent.ended.then((end) => {
      if (this.#agent === agent) this.#pid = null;
      const tell = () => {
        this.#tellOfDeath = () => {};
        if (this.#replaced === agent || this.#isEnding()) return;
        emit({ type: 'session.died', session: this.name, ...end });
        this.onDeath(end);
      };
      if (this.#running) this.#tellOfDeath = tell;
      else tell();
    });
    return agent;
  }

  #reportStale(problem: string): void {
    this.#parts.emit({ type: 'session.stale', session: this.name, problem });
  }
}
