import { availableParallelism } from 'node:os';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';
import type { Conversation, PendingConversation } from '../mail/mail.ts';
import type { Ownership } from '../mail/ownership.ts';
import type { Pool } from '../sessions/pool.ts';
import type { Answering, Bells } from '../store/bells.ts';
import type { RedisScript, RedisStore } from '../store/redis.ts';
import { storeTrouble } from '../store/trouble.ts';
import type { Emit, SessionName } from '../telemetry/events.ts';
import { emitFailure } from '../telemetry/failure.ts';
import type { Dispatcher } from '../turns/dispatcher.ts';
import { noticeAfterMs } from '../turns/notices.ts';
import type { Others } from '../turns/others.ts';
import { type Bell, bellsFor, type News, type OpenMachine, takesUp } from '../turns/placement.ts';
import { nameOf } from '../turns/serve.ts';
import { type Heartbeats, heartbeatKey } from './heartbeats.ts';

/**
 * Tells the machines which conversations to look at, as `placement.ts` decides.
 *
 * Invariants:
 * 1. Bells only make it quick: who may work in a conversation is ownership's business, and what nobody was told of is
 *    found by the next look.
 * 2. A machine that is stopping answers none.
 */

/** Taken in the moment in which somebody began to wait here, a shared bell rings again after it. */
const putBackMs = 300;
/** A little less than the period of looks, so that they do not miss every other one. */
const lookMs = 1_900;
/** How soon a machine that is free again answers for all. */
const openPeriodMs = 250;
/** Bells of its own that a machine answers at once: each takes a moment. */
const ownAtOnceMax = 32;
const shared = 'all';
/** What a bell begins with that is rung late. */
const lateMark = 'late ';

/** KEYS: own, home. ARGV: what a machine's heartbeat key begins with. The machine, and whether it is the owner. */
const whereIs: RedisScript = {
  name: 'doorbellWhereIs',
  lua: `
    local owner = redis.call('HGET', KEYS[1], 'machine')
    if owner then return { owner, 1 } end
    local home = redis.call('GET', KEYS[2])
    if home and redis.call('EXISTS', ARGV[1] .. home) == 1 then return { home, 0 } end
    return {}
  `,
};

/** KEYS: look. ARGV: machine, for how long. 1 for whoever is the first. */
const takeLook: RedisScript = {
  name: 'doorbellLook',
  goesOnWhenFull: true,
  lua: `return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0`,
};

export interface DoorbellParts {
  store: RedisStore;
  bells: Bells;
  machine: string;
  role: Settings['role'];
  heartbeats: Heartbeats;
  ownership: Pick<Ownership, 'fenceOf'>;
  pool: Pick<Pool, 'snapshot' | 'waiting'>;
  dispatcher: () => Pick<Dispatcher, 'visit'>;
  /** For how long it is known where a conversation was served last. */
  homeMs: number;
  /** This machine looks through the mail for all of them: a moment to look for what is to be sent, too. */
  onLook: () => void;
  clock: Clock;
  emit: Emit;
}

export interface Doorbell extends Others {
  /** Something has come that concerns a conversation. Never throws. */
  tell(news: Conversation & { atOnce: boolean }): void;
  isOpen(): boolean;
  /** Begins to answer. */
  open(): void;
  /** Answers no more: others do. */
  shut(): Promise<void>;
}

export function createDoorbell(parts: DoorbellParts): Doorbell {
  return new MachineDoorbell(parts);
}

class MachineDoorbell implements Doorbell {
  readonly #parts: DoorbellParts;
  #answering: Answering[] = [];
  #stopChecking = () => {};
  #isOpen = false;

  constructor(parts: DoorbellParts) {
    this.#parts = parts;
  }

  isOpen(): boolean {
    return this.#isOpen;
  }

  open(): void {
    const { bells, machine, role, clock } = this.#parts;
    if (role === 'web') return;
    this.#isOpen = true;
    bells.resume(machine).catch((error: unknown) => this.#report(error));
    const own = bells.answer(machine, ownAtOnceMax, async (bell) => {
      const isLate = bell.startsWith(lateMark);
      const name = isLate ? bell.slice(lateMark.length) : bell;
      void this.#answer(isLate ? 'late' : 'own', conversationOf(name));
    });
    // As many as can start at once: the next is another machine's while here somebody waits for a session.
    const all = bells.answer(shared, availableParallelism(), (bell) => this.#answerForAll(bell));
    this.#stopChecking = clock.every(openPeriodMs, () => all.setOpen(this.#isOpen && !this.#isBusy()));
    this.#answering = [own, all];
  }

  async shut(): Promise<void> {
    const { bells, machine, heartbeats } = this.#parts;
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stopChecking();
    await Promise.all([heartbeats.beat(), ...this.#answering.map((each) => each.stop())]);
    await bells.drop(machine).catch(() => {});
  }

  tell({ botId, roomId, atOnce }: Conversation & { atOnce: boolean }): void {
    this.#ringSafely({ botId, roomId, atOnce, found: null });
  }

  found({ botId, roomId, ready, atOnce, unnoticedSince }: PendingConversation): void {
    // Whatever has had its notice, or was begun before, is old.
    const waitedMs =
      unnoticedSince === null ? Number.POSITIVE_INFINITY : this.#parts.clock.now() - unnoticedSince;
    const isUntold = unnoticedSince !== null && waitedMs >= noticeAfterMs;
    if (ready || atOnce || isUntold)
      this.#ringSafely({ botId, roomId, atOnce, found: { forOwner: atOnce || isUntold, waitedMs } });
  }

  passOn(conversation: Conversation, machine: string): void {
    // Lost, it is found by the next look.
    this.#parts.bells.ring(machine, lateMark + nameOf(conversation)).catch(() => {});
  }

  async isMyLook(): Promise<boolean> {
    const { store, machine, onLook } = this.#parts;
    if (!this.#isOpen) return false;
    const isMine = (await store.run<number>(takeLook, [store.key('look')], [machine, lookMs])) === 1;
    if (isMine) onLook();
    return isMine;
  }

  free(): readonly string[] {
    return this.#openOthers().flatMap(({ name, isBusy }) => (isBusy ? [] : [name]));
  }

  settled({ botId, roomId }: Conversation): void {
    const { store, machine, homeMs } = this.#parts;
    // Not known, it is served anywhere.
    store.call('SET', store.key('home', botId, roomId), machine, 'PX', homeMs).catch(() => {});
  }

  #ringSafely(news: News): void {
    this.#ring(news).catch((error: unknown) => {
      // A full Redis takes no bells, and what was accepted is to go on. Away, the next look finds it when Redis is back.
      if (storeTrouble(error) === 'full') void this.#answer('shared', news);
    });
  }

  async #ring(news: News): Promise<void> {
    const { store, bells, machine, ownership } = this.#parts;
    const { botId, roomId, found } = news;
    const keys = [store.key('own', botId, roomId), store.key('home', botId, roomId)];
    const [at = null, owns] = await store.run<[string?, number?]>(whereIs, keys, [heartbeatKey(store, '')]);
    // What an earlier life of this machine had is free: this one takes it up at once.
    const isLeftOver = at === machine && ownership.fenceOf(news) === null;
    const owner = owns === 1 && !isLeftOver ? at : null;
    const name = nameOf(news);
    let wasDeclined = false;
    for (const bell of bellsFor(news, { owner, home: owner === null ? at : null }, this.#open())) {
      if (bell.machine === machine && this.#isOpen) {
        const isTaken = owner === machine || this.#takesUp(bell.kind, name);
        void this.#answer(bell.kind, news);
        if (isTaken) return;
        wasDeclined = true;
      } else if (bell.kind === 'shared') {
        await bells.ring(shared, name, wasDeclined ? 0 : bell.afterMs, found !== null);
      } else if (!this.#isShut(bell.machine)) {
        await bells.ring(bell.machine, (bell.kind === 'late' ? lateMark : '') + name);
      }
    }
  }

  async #answer(kind: Bell['kind'], { botId, roomId }: Conversation): Promise<void> {
    const conversation = { botId, roomId };
    if (this.#isOpen) await this.#visit(conversation, this.#takesUp(kind, nameOf(conversation)));
  }

  async #answerForAll(bell: string): Promise<void> {
    if (this.#takesUp('shared', bell as SessionName)) await this.#visit(conversationOf(bell), true);
    else await this.#parts.bells.ring(shared, bell, putBackMs);
  }

  async #visit(conversation: Conversation, mayBegin: boolean): Promise<void> {
    try {
      await this.#parts.dispatcher().visit(conversation, mayBegin);
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    emitFailure(this.#parts.emit, 'doorbell', error);
  }

  /** This machine first: to tell it costs nothing. */
  #open(): OpenMachine[] {
    const own = { name: this.#parts.machine, isBusy: this.#isBusy() };
    return this.#isOpen ? [own, ...this.#openOthers()] : this.#openOthers();
  }

  #openOthers(): OpenMachine[] {
    return this.#parts.heartbeats.others().filter(({ isOpen }) => isOpen);
  }

  /** Whether a machine is known to answer no more. */
  #isShut(machine: string): boolean {
    if (machine === this.#parts.machine) return !this.#isOpen;
    return this.#parts.heartbeats.others().some(({ name, isOpen }) => name === machine && !isOpen);
  }

  #isBusy(): boolean {
    return this.#parts.pool.waiting().length > 0;
  }

  #takesUp(kind: Bell['kind'], name: SessionName): boolean {
    const hasSession = this.#parts.pool.snapshot().some(({ id }) => id === name);
    return takesUp(kind, { isBusy: this.#isBusy(), hasSession });
  }
}

/** A bell is a conversation's name, `<room>:<bot id>`. */
function conversationOf(bell: string): Conversation {
  const colon = bell.indexOf(':');
  return { roomId: Number(bell.slice(0, colon)), botId: bell.slice(colon + 1) };
}
