import { type Clock, within } from '../lib/clock.ts';
import type { MemoryReading } from '../processes/memory.ts';
import type { SessionName, SessionPath } from '../telemetry/events.ts';
import { tolerate } from '../telemetry/failure.ts';
import { type BotRecords, createBotRecords } from './bot-records.ts';
import { type Lease, LeaseWithdrawnError, NoRoomError, PoolDrainingError } from './lease.ts';
import type { ClaimedSpare, PoolOptions, PoolParts, SessionBot, SessionSnapshot } from './parts.ts';
import { type Admission, decideAdmission, describeAdmission, type House, roomPatienceMs } from './policy.ts';
import type { Conversation } from './resume.ts';
import { Session } from './session.ts';
import { Spares } from './spares.ts';
import { type MemoryLevel, recycleReason } from './sweep.ts';
import { Upkeep } from './upkeep.ts';
import { type Waiter, Waiters, type WaitingSnapshot } from './waiters.ts';

/**
 * The live sessions and who may hold them.
 *
 * Invariants:
 * 1. A conversation has at most one session, counting one that is still closing: its successor starts only
 *    after the predecessor's tree is proven gone.
 * 2. A session is held by at most one lease; disposing the lease is the only way back to idle.
 * 3. Whoever waits longest is served first (see waiters.ts); one that waits for its own predecessor, or for its bot
 *    to be startable, holds nobody back. Every change that could admit somebody looks again.
 */

export interface Pool {
  /**
   * Waits until the conversation may have a session, then holds it. `arrivedAt`: epoch ms of its oldest message.
   * @throws PoolDrainingError in a drain. @throws NoRoomError after ten minutes. @throws LeaseWithdrawnError when
   * `signal` aborts before it is granted.
   */
  lease(conversation: Conversation, bot: SessionBot, arrivedAt: number, signal?: AbortSignal): Promise<Lease>;
  /** Why a conversation that asked for a session waits for it; null when it does not. */
  waitReason(name: string): string | null;
  snapshot(): SessionSnapshot[];
  /** How many spares there are, those that still come up included. */
  spares(): number;
  waiting(): WaitingSnapshot[];
  memory(): { reading: MemoryReading; level: MemoryLevel; percent: number };
  /** Call it once when nothing of an earlier life runs any more; leases wait for nothing else. */
  clearLeftovers(): Promise<void>;
  /** Closes a session, a running turn included. False when there is none of this name. */
  close(name: string, reason: string): Promise<boolean>;
  /** Turns away who waits and whoever asks from now on; sessions that are held go on. */
  stopAdmitting(): void;
  /** Admits nobody any more, closes every session and resolves with their number once all trees are gone. */
  drain(): Promise<number>;
}

/** What is not deleted by then goes at the next start. */
const deletionsMs = 1_000;

export function createPool(options: PoolOptions, parts: PoolParts): Pool {
  return new SessionPool(options, parts);
}

class SessionPool implements Pool {
  readonly #options: PoolOptions;
  readonly #parts: PoolParts;
  readonly #clock: Clock;
  readonly #sessions = new Map<SessionName, Session>();
  readonly #held = new Set<Session>();
  readonly #waiters: Waiters<Lease>;
  readonly #records: BotRecords;
  readonly #spares: Spares;
  readonly #upkeep: Upkeep;
  /** What the first one waits for that does not wait for its own; null when nobody does. */
  #shortOf: string | null = null;
  #draining = false;

  constructor(options: PoolOptions, parts: PoolParts) {
    this.#options = options;
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#waiters = new Waiters(parts);
    this.#records = createBotRecords(options, parts);
    this.#spares = new Spares(options, parts, {
      changed: () => this.#admit(),
      failed: ({ id }, cause) => this.#records.startFailed(id, cause),
    });
    this.#upkeep = new Upkeep(options, parts, {
      ...{ sessions: this.#sessions, spares: this.#spares, records: this.#records },
      house: () => this.#house(),
      waiting: () => this.#waiters.inOrder().length,
      close: (session, reason) => this.#closeSession(session, reason),
      stop: (session) => this.#stop(session),
      looked: () => {
        this.#admit();
        this.#waiters.tidy(() => new NoRoomError(`No session within ${roomPatienceMs / 60_000} minutes.`));
      },
    });
  }

  async lease(
    conversation: Conversation,
    bot: SessionBot,
    arrivedAt: number,
    signal?: AbortSignal,
  ): Promise<Lease> {
    const name = nameOf(conversation);
    const recall = await this.#parts.conversations.recall(conversation);
    const overtaken = recall.elsewhere ? this.#sessions.get(name) : undefined;
    if (overtaken && !(await this.#closeSession(overtaken, 'moved')))
      throw new Error(`The session of ${name} did not end; another machine has gone on since.`);
    await recall.fetch?.();
    if (this.#draining) throw new PoolDrainingError('The service is stopping.');
    if (signal?.aborted) throw new LeaseWithdrawnError('Nobody waits any more.');
    const waiter = this.#waiters.join({ name, conversation, bot, arrivedAt, recall });
    const withdraw = () => this.#waiters.turnAway(waiter, new LeaseWithdrawnError('Nobody waits any more.'));
    signal?.addEventListener('abort', withdraw);
    this.#admit();
    try {
      return await waiter.granted.promise;
    } finally {
      signal?.removeEventListener('abort', withdraw);
    }
  }

  waitReason(name: string): string | null {
    return this.waiting().find(({ id }) => id === name)?.reason ?? null;
  }

  snapshot(): SessionSnapshot[] {
    const now = this.#clock.monotonicMs();
    return [...this.#sessions.values()].map(({ name, state, pid, turns, idleSinceMs, memory }) => ({
      ...{ id: name, state, pid, turns, memoryBytes: memory.bytes },
      idleSeconds: state === 'idle' ? Math.round((now - idleSinceMs) / 1000) : 0,
    }));
  }

  spares(): number {
    return this.#spares.readings().length;
  }

  waiting(): WaitingSnapshot[] {
    return this.#waiters.snapshot(this.#shortOf);
  }

  memory(): ReturnType<Pool['memory']> {
    return this.#upkeep.memory();
  }

  clearLeftovers(): Promise<void> {
    return this.#spares.clearLeftovers();
  }

  async close(name: string, reason: string): Promise<boolean> {
    const session = this.#sessions.get(name as SessionName);
    return session ? this.#closeSession(session, reason) : false;
  }

  stopAdmitting(): void {
    this.#draining = true;
    for (const waiter of this.#waiters.inOrder())
      this.#waiters.turnAway(waiter, new PoolDrainingError('The service is stopping.'));
  }

  async drain(): Promise<number> {
    this.stopAdmitting();
    this.#upkeep.stop();
    const { peaks, slots, emit } = this.#parts;
    const all = [...this.#sessions.values()];
    const closing = all.map((session) => this.#closeSession(session, 'shutdown'));
    const [sparesGone, ...closed] = await Promise.all([this.#spares.drain(), ...closing]);
    tolerate(emit, 'saving peaks', () => peaks.save());
    await within(this.#clock, deletionsMs, slots.settled());
    const count = closed.filter(Boolean).length;
    if (sparesGone && count === all.length) emit({ type: 'sessions.all_closed', count });
    return count;
  }

  #house(): House {
    const { maxSessions, cores } = this.#options;
    const { peaks } = this.#parts;
    return {
      sessions: [...this.#sessions.values()].map((each) => each.reading(peaks.expectedBytes(each.bot))),
      spares: this.#spares.readings(),
      memory: this.#upkeep.readMemory(),
      ...{ maxSessions, cores, nowMs: this.#clock.monotonicMs() },
    };
  }

  #admit(): void {
    if (this.#draining) return;
    this.#shortOf = null;
    for (const waiter of this.#waiters.inOrder()) {
      const session = this.#sessions.get(waiter.name);
      if (session?.state === 'idle') {
        if (session.bot.revision === waiter.bot.revision) this.#grant(waiter, session, 'hot');
        else void this.#closeSession(session, 'bot-changed');
      } else if (session) {
        this.#waiters.tell(waiter, 'closing', 'its last session is closing');
      } else if (this.#records.notBeforeMs(waiter.bot.id) > this.#clock.monotonicMs()) {
        this.#waiters.tell(waiter, 'backoff', 'its last start failed');
      } else if (this.#shortOf === null) {
        this.#shortOf = this.#tryOpen(waiter);
      } else {
        this.#waiters.tell(waiter, 'queue', 'behind others');
      }
    }
  }

  /** Null when the waiter was served, otherwise what there is not enough of. */
  #tryOpen(waiter: Waiter<Lease>): string | null {
    const { bot, name } = waiter;
    const spare = waiter.recall.isNew ? this.#spares.claimable(bot) : null;
    const peakBytes = this.#parts.peaks.expectedBytes(bot);
    const admission = decideAdmission({ name, botId: bot.id, peakBytes, spare }, this.#house());
    const detail = describeAdmission(admission);
    switch (admission.kind) {
      case 'claim':
        this.#open(waiter, detail, this.#spares.claim(admission.spare));
        return null;
      case 'open':
        this.#open(waiter, detail, null);
        return null;
      case 'end-spare':
        void this.#spares.end(admission.spare, admission.reason, detail);
        return admission.reason;
      case 'evict':
        this.#evict(admission, detail);
        return admission.reason;
      case 'wait':
        this.#waiters.tell(waiter, admission.reason, detail);
        return admission.reason;
    }
  }

  #evict({ victim, reason }: Admission & { kind: 'evict' }, detail: string): void {
    const session = this.#sessions.get(victim as SessionName);
    if (!session) return;
    this.#parts.emit({ type: 'session.evicted', session: session.name, reason, detail });
    void this.#closeSession(session, 'evicted');
  }

  #open(waiter: Waiter<Lease>, detail: string, claimed: ClaimedSpare | null): void {
    const { conversation, bot, recall } = waiter;
    const session = new Session(conversation, bot, this.#parts, recall, claimed);
    const { name, path } = session;
    this.#sessions.set(name, session);
    session.onUp = () => this.#records.startWorked(session.bot.id);
    session.onDeath = ({ death, cause }) => {
      if (death === 'start') this.#records.startFailed(session.bot.id, cause);
      void this.#closeSession(session, 'died');
    };
    this.#parts.emit({ type: 'session.opening', session: name, path, detail });
    this.#grant(waiter, session, path);
  }

  #grant(waiter: Waiter<Lease>, session: Session, path: SessionPath): void {
    session.taken();
    this.#held.add(session);
    this.#waiters.grant(waiter, {
      get path() {
        return path === 'hot' ? path : session.path;
      },
      slot: session.slot,
      run: (prompt, hooks) => session.run(prompt, hooks),
      startOver: (prompt, hooks) => session.startOver(prompt, hooks),
      stop: () => this.#stop(session),
      [Symbol.asyncDispose]: () => this.#release(session),
    });
  }

  async #stop(session: Session): Promise<void> {
    if (!(await session.interrupt())) await this.#closeSession(session, 'stopped');
  }

  async #release(session: Session): Promise<void> {
    if (!this.#held.delete(session)) return;
    const nowMs = this.#clock.monotonicMs();
    this.#waiters.served(session.name);
    tolerate(this.#parts.emit, 'peaks', () => this.#upkeep.turnEnded(session));
    if (session.state === 'closing' || session.state === 'closed') return;
    if (session.broken) {
      await this.#closeSession(session, 'died');
      return;
    }
    const reason = recycleReason(session.reading(0), this.#options, nowMs);
    if (reason) {
      await this.#upkeep.recycle(session, reason);
      return;
    }
    session.state = 'idle';
    session.idleSinceMs = nowMs;
    this.#admit();
  }

  async #closeSession(session: Session, reason: string): Promise<boolean> {
    const gone = await session.close(reason);
    if (gone && this.#sessions.get(session.name) === session) this.#sessions.delete(session.name);
    this.#admit();
    return gone;
  }
}

function nameOf({ roomId, botId }: Conversation): SessionName {
  return `${roomId}:${botId}`;
}
