import type { AgentResult, Prompt, TurnHooks } from '../agent/agent.ts';
import type { Clock } from '../lib/clock.ts';
import type { MemoryReading } from '../processes/memory.ts';
import type { SessionName, SessionPath } from '../telemetry/events.ts';
import { type Admission, decideAdmission, describeAdmission, expiredSessions } from './policy.ts';
import type { Conversation } from './resume.ts';
import { Session, type SessionBot, type SessionParts } from './session.ts';

/**
 * The live sessions and who may hold them.
 *
 * Invariants:
 * 1. A conversation has at most one session, counting one that is still closing: its successor starts only
 *    after the predecessor's tree is proven gone.
 * 2. A session is held by at most one lease; disposing the lease is the only way back to idle.
 * 3. Whoever waits is served in the order of asking; every change that could admit somebody looks again.
 */

const sweepPeriodMs = 1000;
const measurePeriodMs = 5000;

/** One turn's exclusive hold on a session. Dispose it when the turn is over, however it ended. */
export interface Lease extends AsyncDisposable {
  readonly path: SessionPath;
  run(prompt: Prompt, hooks: TurnHooks): Promise<AgentResult>;
  /** Runs a prompt without the history that made it fail, as `Session.startOver` says; null when there is none. */
  startOver(prompt: Prompt, hooks: TurnHooks): Promise<AgentResult | null>;
  /** Ends the running prompt, with force if asking does not help. Resolves when it has ended. */
  stop(): Promise<void>;
}

export interface SessionSnapshot {
  id: SessionName;
  state: string;
  pid: number | null;
  turns: number;
  idleSeconds: number;
  memoryBytes: number;
}

export interface PoolOptions {
  idleTtlMs: number;
  maxSessions: number | null;
  cores: number;
  readMemory: () => MemoryReading;
}

/** Thrown to those who wait for a lease when the pool drains. */
export class PoolDrainingError extends Error {
  override readonly name = 'PoolDrainingError';
}

/** Thrown to one who does not want the lease any more. */
export class LeaseWithdrawnError extends Error {
  override readonly name = 'LeaseWithdrawnError';
}

interface Waiter {
  conversation: Conversation;
  bot: SessionBot;
  granted: PromiseWithResolvers<Lease>;
  /** What it was last told, so that each reason is reported once. */
  toldReason: string | null;
}

export interface Pool {
  /**
   * Waits until the conversation may have a session, then holds it.
   * @throws PoolDrainingError in a drain. @throws LeaseWithdrawnError when `signal` aborts before it is granted.
   */
  lease(conversation: Conversation, bot: SessionBot, signal?: AbortSignal): Promise<Lease>;
  /** Why a conversation that asked for a session waits for it: what admission said last, or null. */
  waitReason(name: string): string | null;
  snapshot(): SessionSnapshot[];
  /** Closes a session, a running turn included. False when there is none of this name. */
  close(name: string, reason: string): Promise<boolean>;
  /** Turns away who waits and whoever asks from now on; sessions that are held go on. */
  stopAdmitting(): void;
  /** Admits nobody any more, closes every session and resolves with their number once all trees are gone. */
  drain(): Promise<number>;
}

export function createPool(options: PoolOptions, parts: SessionParts): Pool {
  return new SessionPool(options, parts);
}

class SessionPool implements Pool {
  readonly #options: PoolOptions;
  readonly #parts: SessionParts;
  readonly #clock: Clock;
  readonly #sessions = new Map<SessionName, Session>();
  readonly #held = new Set<Session>();
  readonly #waiters: Waiter[] = [];
  readonly #stopTimers: Array<() => void>;
  #draining = false;

  constructor(options: PoolOptions, parts: SessionParts) {
    this.#options = options;
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#stopTimers = [
      this.#clock.every(sweepPeriodMs, () => this.#sweep()),
      this.#clock.every(measurePeriodMs, () => this.#measure()),
    ];
  }

  async lease(conversation: Conversation, bot: SessionBot, signal?: AbortSignal): Promise<Lease> {
    if (this.#draining) throw new PoolDrainingError('The service is stopping.');
    if (signal?.aborted) throw new LeaseWithdrawnError('Nobody waits any more.');
    const granted = Promise.withResolvers<Lease>();
    const waiter = { conversation, bot, granted, toldReason: null };
    const withdraw = () => {
      const index = this.#waiters.indexOf(waiter);
      if (index === -1) return;
      this.#waiters.splice(index, 1);
      granted.reject(new LeaseWithdrawnError('Nobody waits any more.'));
    };
    signal?.addEventListener('abort', withdraw);
    this.#waiters.push(waiter);
    this.#admit();
    try {
      return await granted.promise;
    } finally {
      signal?.removeEventListener('abort', withdraw);
    }
  }

  waitReason(name: string): string | null {
    return this.#waiters.find(({ conversation }) => nameOf(conversation) === name)?.toldReason ?? null;
  }

  snapshot(): SessionSnapshot[] {
    const now = this.#clock.monotonicMs();
    return [...this.#sessions.values()].map((session) => ({
      ...{ id: session.name, state: session.state, pid: session.pid, turns: session.turns },
      idleSeconds: session.state === 'idle' ? Math.round((now - session.idleSinceMs) / 1000) : 0,
      memoryBytes: session.memoryBytes,
    }));
  }

  async close(name: string, reason: string): Promise<boolean> {
    const session = this.#sessions.get(name as SessionName);
    return session ? this.#closeSession(session, reason) : false;
  }

  stopAdmitting(): void {
    this.#draining = true;
    for (const { granted } of this.#waiters.splice(0))
      granted.reject(new PoolDrainingError('The service is stopping.'));
  }

  async drain(): Promise<number> {
    this.stopAdmitting();
    for (const stop of this.#stopTimers) stop();
    const all = [...this.#sessions.values()];
    const closed = await Promise.all(all.map((session) => this.#closeSession(session, 'shutdown')));
    const count = closed.filter(Boolean).length;
    if (count === all.length) this.#parts.emit({ type: 'sessions.all_closed', count });
    return count;
  }

  /** Serves waiters in order; one that has to wait for room holds back those behind it, one that waits for its
   *  own predecessor does not. */
  #admit(): void {
    let roomIsShort = false;
    for (const waiter of [...this.#waiters]) {
      const session = this.#sessions.get(nameOf(waiter.conversation));
      if (session) {
        if (session.state === 'idle' && session.bot.revision === waiter.bot.revision)
          this.#grant(waiter, session, 'hot');
        else if (session.state === 'idle') void this.#closeSession(session, 'bot-changed');
      } else if (!roomIsShort) {
        roomIsShort = !this.#tryOpen(waiter);
      }
    }
  }

  #tryOpen(waiter: Waiter): boolean {
    const admission = decideAdmission({
      sessions: [...this.#sessions.values()].map((session) => session.reading()),
      memory: this.#options.readMemory(),
      maxSessions: this.#options.maxSessions,
      cores: this.#options.cores,
    });
    if (admission.kind === 'open') {
      this.#open(waiter, admission);
      return true;
    }
    const detail = describeAdmission(admission);
    if (admission.kind === 'evict') {
      const victim = this.#sessions.get(admission.victim as SessionName);
      if (victim) {
        this.#parts.emit({ type: 'session.evicted', session: victim.name, detail });
        void this.#closeSession(victim, 'evicted');
      }
    } else if (waiter.toldReason !== admission.reason) {
      waiter.toldReason = admission.reason;
      this.#parts.emit({
        type: 'turn.waiting',
        session: nameOf(waiter.conversation),
        reason: admission.reason,
        detail,
      });
    }
    return false;
  }

  #open(waiter: Waiter, admission: Admission): void {
    const session = new Session(waiter.conversation, waiter.bot, this.#parts);
    const { name, path } = session;
    this.#sessions.set(name, session);
    session.onDeath = () => void this.#closeSession(session, 'died');
    this.#parts.emit({ type: 'session.opening', session: name, path, detail: describeAdmission(admission) });
    this.#grant(waiter, session, path);
  }

  #grant(waiter: Waiter, session: Session, path: SessionPath): void {
    this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
    if (session.state === 'idle') session.state = 'busy';
    this.#held.add(session);
    waiter.granted.resolve({
      get path() {
        return path === 'hot' ? path : session.path;
      },
      run: (prompt, hooks) => session.run(prompt, hooks),
      startOver: (prompt, hooks) => session.startOver(prompt, hooks),
      stop: async () => {
        if (!(await session.interrupt())) await this.#closeSession(session, 'stopped');
      },
      [Symbol.asyncDispose]: () => this.#release(session),
    });
  }

  async #release(session: Session): Promise<void> {
    if (!this.#held.delete(session)) return;
    if (session.state === 'closing' || session.state === 'closed') return;
    if (session.broken) {
      await this.#closeSession(session, 'died');
      return;
    }
    session.state = 'idle';
    session.idleSinceMs = this.#clock.monotonicMs();
    session.measure();
    this.#admit();
  }

  async #closeSession(session: Session, reason: string): Promise<boolean> {
    const gone = await session.close(reason);
    if (gone && this.#sessions.get(session.name) === session) this.#sessions.delete(session.name);
    if (!this.#draining) this.#admit();
    return gone;
  }

  #sweep(): void {
    for (const session of this.#sessions.values()) {
      // A close that failed is tried again until nothing is left; nobody takes its place before that.
      if (session.state === 'closing') void this.#closeSession(session, 'retry');
    }
    const readings = [...this.#sessions.values()].map((session) => session.reading());
    const now = this.#clock.monotonicMs();
    for (const name of expiredSessions(readings, this.#options.idleTtlMs, now)) {
      const session = this.#sessions.get(name as SessionName);
      if (session) void this.#expire(session, now);
    }
    if (this.#waiters.length > 0) this.#admit();
  }

  async #expire(session: Session, nowMs: number): Promise<void> {
    const idleSeconds = Math.round((nowMs - session.idleSinceMs) / 1000);
    if (await this.#closeSession(session, 'idle')) {
      this.#parts.emit({ type: 'session.expired', session: session.name, idleSeconds });
    }
  }

  #measure(): void {
    for (const session of this.#sessions.values()) {
      if (session.state !== 'closing') session.measure();
    }
  }
}

function nameOf({ roomId, botId }: Conversation): SessionName {
  return `${roomId}:${botId}`;
}
