import { setMaxListeners } from 'node:events';
import { breath, within } from '../lib/clock.ts';
import type { Conversation, PendingConversation } from '../mail/mail.ts';
import { FencedOutError, type Ownership } from '../mail/ownership.ts';
import { PoolDrainingError } from '../sessions/lease.ts';
import type { Pool } from '../sessions/pool.ts';
import type { Conversations } from '../sessions/resume.ts';
import type { SessionName } from '../telemetry/events.ts';
import { emitFailure } from '../telemetry/failure.ts';
import { obey, type Serving } from './commands.ts';
import { noticeAfterMs, noticeWaiting } from './notices.ts';
import { type Others, pendingOf } from './others.ts';
import { passedOn } from './placement.ts';
import { type Right, withRight } from './right.ts';
import { createRunner, NoBotFileError, nameOf, type Runner, type ServeParts, serve } from './serve.ts';
import type { Spending } from './spending.ts';

/**
 * Which conversation is served next, and who is heard beside the turns.
 *
 * Invariants:
 * 1. A conversation has at most one runner here, so its turns run one at a time and in order.
 * 2. Control words of a conversation are obeyed one after the other, and no runner begins meanwhile.
 * 3. Whoever works in a conversation has the right to it; when another machine has taken that, what runs here ends and
 *    writes nothing more.
 * 4. What nobody finishes stays in the mailbox, where the next look finds it.
 */

/** A look without being told: what is due by now, who waits too long, and whatever an error left behind. */
const lookPeriodMs = 2000;
/** After an unexpected error a conversation rests, so that a defect cannot spin. */
const restAfterErrorMs = 5000;

export interface DispatcherParts
  extends Omit<ServeParts, 'stopping' | 'right' | 'pool' | 'conversations' | 'spending'> {
  pool: Pool;
  conversations: Conversations;
  spending: Pick<Spending, 'refusal' | 'note' | 'today'>;
  ownership: Ownership;
  /** Null for a machine that is alone. */
  others: Others | null;
  /** Told at once when another machine has taken a conversation in which something ran here. */
  onLost: (conversation: Conversation) => void;
}

export interface Dispatcher {
  /** Looks for mail now: everywhere, or what has just come in one conversation. */
  wake(news?: Conversation & { atOnce: boolean }): void;
  /**
   * Looks at one conversation; resolves once a turn of it runs or there is none to begin here. Without `mayBegin` only
   * what waits beside the turns is done.
   */
  visit(conversation: Conversation, mayBegin: boolean): Promise<void>;
  /** Begins no more turns; running ones get `graceMs`, then they are interrupted and wait for the next start. */
  stop(graceMs: number): Promise<void>;
  /** Resolves when every runner has put down what it was doing; call it after the pool's drain. */
  settled(): Promise<void>;
  /** Conversations being served or waiting for a session. */
  running(): number;
}

export function createDispatcher(parts: DispatcherParts): Dispatcher {
  const stopping = new AbortController();
  // Every running turn listens to it; their number is the pool's business.
  setMaxListeners(0, stopping.signal);
  return new MailDispatcher(parts, stopping);
}

class MailDispatcher implements Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #stopping: AbortController;
  readonly #runners = new Map<SessionName, Serving & { sinceMs: number }>();
  /** Runners that are to leave their conversation to another machine, and to which. */
  readonly #passedOn = new Map<Runner, string>();
  readonly #obeying = new Map<SessionName, Promise<void>>();
  readonly #resting = new Map<SessionName, number>();
  /** Conversations of which something came while somebody was at work there and perhaps no longer looking. */
  readonly #news = new Set<SessionName>();
  readonly #stopLooking: () => void;
  #stopped = false;
  #looking = false;
  #lookAgain = false;

  constructor(parts: DispatcherParts, stopping: AbortController) {
    this.#parts = parts;
    this.#stopping = stopping;
    this.#stopLooking = parts.clock.every(lookPeriodMs, () => void this.#look());
  }

  wake(news?: Conversation & { atOnce: boolean }): void {
    if (!news) void this.#look();
    else if (news.atOnce) this.#obey(news);
    else this.#serve(news);
  }

  async visit({ botId, roomId }: Conversation, mayBegin: boolean): Promise<void> {
    const conversation = { botId, roomId };
    const situation = await this.#parts.mail.situation(conversation);
    const pending = pendingOf(situation, this.#parts.clock.now());
    await this.#attend({ ...conversation, ...pending, ready: pending.ready && mayBegin });
    const serving = this.#runners.get(nameOf(conversation));
    if (serving) await Promise.race([serving.runner.begun, serving.ended]);
  }

  running(): number {
    return this.#runners.size;
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    this.#stopLooking();
    await within(this.#parts.clock, graceMs, this.settled());
    this.#stopping.abort();
  }

  async settled(): Promise<void> {
    const runners = [...this.#runners.values()].map(({ ended }) => ended);
    await Promise.all([...runners, ...this.#obeying.values()]);
  }

  async #look(): Promise<void> {
    const { mail, others } = this.#parts;
    if (this.#looking) {
      this.#lookAgain = true;
      return;
    }
    this.#looking = true;
    try {
      do {
        this.#lookAgain = false;
        this.#passOn();
        if (others && !(await others.isMyLook())) continue;
        for (const pending of await mail.conversationsWithMail())
          if (others) others.found(pending);
          else await this.#attend(pending);
      } while (this.#lookAgain);
    } catch (error) {
      this.#report('dispatcher', error);
    } finally {
      this.#looking = false;
    }
  }

  async #attend({ botId, roomId, ready, atOnce, unnoticedSince }: PendingConversation): Promise<void> {
    const conversation = { botId, roomId };
    if (atOnce) this.#obey(conversation);
    if (ready) this.#serve(conversation);
    if (unnoticedSince === null || this.#parts.clock.now() - unnoticedSince < noticeAfterMs) return;
    // Hundreds may wait, and webhooks must not wait for all of their notices.
    await this.#notice(conversation);
    await breath();
  }

  #serve({ botId, roomId }: Conversation): void {
    const conversation = { botId, roomId };
    const name = nameOf(conversation);
    if (this.#isTaken(name)) return;
    const runner = createRunner();
    const ended = this.#run(name, async () => {
      const parts = { ...this.#parts, stopping: this.#stopping.signal };
      // As long as there is something to do; the session goes back to the pool between two turns.
      return this.#asOwner(conversation, runner, (right) => serve(conversation, runner, { ...parts, right }));
    }).then((served) => {
      this.#runners.delete(name);
      if (served && runner.turn && !runner.halted.aborted) this.#parts.others?.settled(conversation);
      const machine = this.#passedOn.get(runner);
      this.#passedOn.delete(runner);
      if (machine !== undefined) this.#parts.others?.passOn(conversation, machine);
      else if (this.#news.delete(name) || served) this.#serve(conversation);
    });
    const sinceMs = this.#parts.clock.monotonicMs();
    this.#runners.set(name, { runner, ended, sinceMs });
  }

  /** Obeys what waits in a conversation, then lets it be served again. */
  #obey({ botId, roomId }: Conversation): void {
    const conversation = { botId, roomId };
    const name = nameOf(conversation);
    if (this.#stopped || this.#isResting(name)) return;
    if (this.#obeying.has(name)) {
      this.#news.add(name);
      return;
    }
    const obeying = this.#run(name, async () => {
      return this.#asOwner(conversation, null, () => this.#obeyFirst(conversation));
    }).then((obeyed) => {
      this.#obeying.delete(name);
      if (this.#news.delete(name) || obeyed) this.#obey(conversation);
      else this.#serve(conversation);
    });
    this.#obeying.set(name, obeying);
  }

  async #obeyFirst(conversation: Conversation): Promise<boolean> {
    const { botId } = conversation;
    const { atOnce } = await this.#parts.mail.situation(conversation);
    const [message] = atOnce;
    const bot = this.#parts.findBot(botId);
    if (bot === 'unclear' || bot === 'elsewhere') throw new NoBotFileError(botId, bot);
    // Without the bot, serving settles what waits in any lane.
    if (!message || bot === 'gone') return false;
    const serving = this.#runners.get(nameOf(conversation)) ?? null;
    await obey(message, conversation, bot, serving, this.#parts);
    return true;
  }

  async #notice(conversation: Conversation): Promise<void> {
    const bot = this.#parts.findBot(conversation.botId);
    if (typeof bot === 'string') return;
    const name = nameOf(conversation);
    const busy = (this.#runners.get(name)?.runner.turn ?? null) !== null;
    const poolReason = this.#parts.pool.waitReason(name);
    await withRight(this.#parts.ownership, conversation, async () => {
      await noticeWaiting(conversation, bot, { busy, poolReason }, this.#parts);
      return true;
    }).catch((error: unknown) => {
      if (!(error instanceof FencedOutError)) this.#report(`notice in ${name}`, error);
    });
  }

  /** `work` with the right to a conversation; false without it. Whoever loses it is stopped, with the session. */
  #asOwner(
    conversation: Conversation,
    runner: Runner | null,
    work: (right: Right) => Promise<boolean>,
  ): Promise<boolean> {
    return withRight(this.#parts.ownership, conversation, async (right) => {
      const loseAll = () => {
        const name = nameOf(conversation);
        this.#parts.emit({ type: 'conversation.lost', session: name });
        this.#parts.onLost(conversation);
        runner?.halt();
        void this.#parts.pool.close(name, 'lost');
      };
      right.lost.addEventListener('abort', loseAll);
      try {
        return await work(right);
      } catch (error) {
        // What the turn wrote was refused before a renewal told of it.
        if (runner && error instanceof FencedOutError && !right.lost.aborted) loseAll();
        throw error;
      } finally {
        // By hand: of listeners with a `signal` on one long-lived target, Node 24 removes only the last (measured).
        right.lost.removeEventListener('abort', loseAll);
      }
    });
  }

  /** Whoever waits here for a session that another machine could give goes there. */
  #passOn(): void {
    const { others, clock } = this.#parts;
    if (!others) return;
    const nowMs = clock.monotonicMs();
    const waiting = [...this.#runners.values()]
      .filter(({ runner }) => !runner.turn)
      .map(({ runner, sinceMs }) => ({ runner, waitedMs: nowMs - sinceMs }));
    for (const { waiter, machine } of passedOn(waiting, others.free())) {
      this.#passedOn.set(waiter.runner, machine);
      waiter.runner.halt();
    }
  }

  /** What `work` gives; false and a rest when it fails. */
  async #run(name: SessionName, work: () => Promise<boolean>): Promise<boolean> {
    try {
      return await work();
    } catch (error) {
      // What another machine has taken is its business.
      if (error instanceof PoolDrainingError || error instanceof FencedOutError) return false;
      this.#report(`turn of ${name}`, error);
      this.#resting.set(name, this.#parts.clock.monotonicMs() + restAfterErrorMs);
      return false;
    }
  }

  #isTaken(name: SessionName): boolean {
    if (this.#stopped || this.#isResting(name)) return true;
    const taken = this.#runners.has(name) || this.#obeying.has(name);
    if (taken) this.#news.add(name);
    return taken;
  }

  #isResting(name: SessionName): boolean {
    const until = this.#resting.get(name);
    if (until === undefined) return false;
    if (until > this.#parts.clock.monotonicMs()) return true;
    this.#resting.delete(name);
    return false;
  }

  #report(part: string, error: unknown): void {
    emitFailure(this.#parts.emit, part, error);
  }
}
