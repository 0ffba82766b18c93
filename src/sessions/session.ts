import type { Agent, AgentProfile, AgentResult, OpenAgent, Prompt, TurnHooks } from '../agent/agent.ts';
import { withHistory } from '../agent/prompt.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Emit, SessionName, SessionPath } from '../telemetry/events.ts';
import type { SessionReading } from './policy.ts';
import type { Conversation, Conversations, Recall } from './resume.ts';
import type { Slots } from './slots.ts';

/**
 * One live agent of one conversation: `starting → idle ⇄ busy → closing → closed`.
 *
 * Invariants:
 * 1. It becomes `closed` only when the agent's whole process tree is gone; a close that fails stays `closing`
 *    and can be tried again.
 * 2. At most one agent at a time: starting over waits for the first one's close.
 */

/** What a session reads once at its start; another revision needs another process. */
export interface SessionBot {
  id: string;
  revision: string;
  profile: AgentProfile;
}

export type SessionState = 'starting' | 'idle' | 'busy' | 'closing' | 'closed';

export interface SessionParts {
  openAgent: OpenAgent;
  conversations: Conversations;
  slots: Slots;
  clock: Clock;
  emit: Emit;
}

export class Session {
  readonly name: SessionName;
  readonly conversation: Conversation;
  readonly bot: SessionBot;
  state: SessionState = 'starting';
  path: SessionPath;
  turns = 0;
  /** Monotonic ms of the last time it became idle. */
  idleSinceMs: number;
  memoryBytes = 0;
  /** Its agent has died: it can only be closed. */
  broken = false;
  readonly #parts: SessionParts;
  #recall: Recall;
  #agent: Agent;
  #closing: Promise<boolean> | null = null;
  #running = false;
  /** Whether its present agent has had a prompt. */
  #begun = false;
  /** Whether there is anything that a fresh session would not know. */
  #remembers: boolean;
  #replaced: Agent | null = null;
  #onDeath: () => void = () => {};

  constructor(conversation: Conversation, bot: SessionBot, parts: SessionParts) {
    this.name = `${conversation.roomId}:${conversation.botId}`;
    this.conversation = conversation;
    this.bot = bot;
    this.#parts = parts;
    this.idleSinceMs = parts.clock.monotonicMs();
    this.#recall = parts.conversations.recall(conversation);
    this.#remembers = this.#recall.memory.kind === 'resume';
    this.path = this.#remembers ? 'resumed' : 'opened';
    if (this.#recall.stale) this.#reportStale('its transcript is missing');
    this.#agent = this.#open();
  }

  /** Called once if the agent ends while nobody asked it to. */
  set onDeath(listener: () => void) {
    this.#onDeath = listener;
  }

  get pid(): number | null {
    return this.#agent.pid();
  }

  reading(): SessionReading {
    const state = this.state === 'closed' ? 'closing' : this.state;
    return { name: this.name, state, memoryBytes: this.memoryBytes, idleSinceMs: this.idleSinceMs };
  }

  /** Looks at the memory of the process tree; costs a few milliseconds. */
  measure(): void {
    this.memoryBytes = this.#agent.memoryBytes();
  }

  /** Runs one prompt. A transcript that cannot be loaded is given up and the prompt runs in a fresh session. */
  async run(prompt: Prompt, hooks: TurnHooks): Promise<AgentResult> {
    this.#running = true;
    const first = await this.#ask(prompt, hooks);
    const result = first.kind === 'no-memory' ? await this.#startOver(first.cause, prompt, hooks) : first;
    this.#record(result);
    return result;
  }

  /**
   * Runs a prompt that was refused for the history before it in a fresh session, which begins with the last exchanges
   * of the old one. Null when there is no history to give up. If the fresh one refuses it as well, the history was
   * not the reason, and the old memory comes back.
   */
  async startOver(prompt: Prompt, hooks: TurnHooks): Promise<AgentResult | null> {
    if (!this.#remembers || this.#recall.startedOver) return null;
    this.#running = true;
    const result = await this.#startOver('its history was refused', prompt, hooks);
    if (result.kind === 'api-error') {
      this.#parts.conversations.restore(this.conversation);
      // This agent has the wrong memory by now: the next turn gets another.
      this.broken = true;
    }
    this.#record(result);
    return result;
  }

  #record(result: AgentResult): void {
    this.#running = false;
    this.turns++;
    if (result.kind === 'died') {
      this.broken = true;
      return;
    }
    const answered = result.kind === 'answered';
    this.#parts.conversations.recordTurn(this.conversation, answered);
    if (!answered) return;
    this.#remembers = true;
    this.#recall.startedOver = false;
  }

  #ask(prompt: Prompt, hooks: TurnHooks): Promise<AgentResult> {
    const { startedOver, history } = this.#recall;
    if (startedOver) hooks.onStep({ kind: 'started-over', exchanges: history.length });
    const text = this.#begun ? prompt.text : withHistory(history, prompt.text);
    this.#begun = true;
    return this.#agent.run({ ...prompt, text }, hooks);
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
      slots.emptyTemp(this.#recall.slot);
      this.state = 'closed';
      emit({
        ...{ type: 'session.closed', session: this.name, reason, forced },
        closeMs: Math.round(clock.monotonicMs() - startedMs),
      });
      return true;
    } catch (error) {
      emit({ type: 'session.close_failed', session: this.name, problem: messageOf(error) });
      return false;
    }
  }

  async #startOver(cause: string, prompt: Prompt, hooks: TurnHooks): Promise<AgentResult> {
    this.#reportStale(cause);
    // Its end is expected: it must not be taken for a death of the session.
    this.#replaced = this.#agent;
    await this.#agent.close();
    if (this.state === 'closing') return { kind: 'interrupted' };
    this.#parts.conversations.giveUp(this.conversation);
    this.#recall = this.#parts.conversations.recall(this.conversation);
    this.path = 'opened';
    this.#begun = false;
    this.#agent = this.#open();
    return this.#ask(prompt, hooks);
  }

  #open(): Agent {
    const { openAgent, clock, emit } = this.#parts;
    const startedMs = clock.monotonicMs();
    const agent = openAgent({
      profile: this.bot.profile,
      slot: this.#recall.slot,
      memory: this.#recall.memory,
    });
    void agent.ready.then(() => {
      if (this.state === 'starting') this.state = 'busy';
      const pid = agent.pid();
      if (pid === null || this.#replaced === agent) return;
      const openMs = Math.round(clock.monotonicMs() - startedMs);
      emit({ type: 'session.opened', session: this.name, path: this.path, pid, openMs });
    });
    void agent.ended.then((cause) => {
      if (this.#replaced === agent || this.state === 'closing' || this.state === 'closed') return;
      emit({ type: 'session.died', session: this.name, cause });
      this.#onDeath();
    });
    return agent;
  }

  #reportStale(problem: string): void {
    this.#parts.emit({ type: 'session.stale', session: this.name, problem });
  }
}
