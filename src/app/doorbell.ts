import { availableParallelism } from 'node:os';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Conversation, PendingConversation } from '../mail/mail.ts';
import type { Pool } from '../sessions/pool.ts';
import type { Answering, Bells } from '../store/bells.ts';
import type { RedisScript, RedisStore } from '../store/redis.ts';
import type { Emit, SessionName } from '../telemetry/events.ts';
import type { Dispatcher } from '../turns/dispatcher.ts';
import { noticeAfterMs } from '../turns/notices.ts';
import type { Others } from '../turns/others.ts';
import { nameOf } from '../turns/serve.ts';
import { type Heartbeats, heartbeatKey } from './heartbeats.ts';

/**
 * Which machine looks at a conversation: the one that has it; else the one where its session or working folder is, with
 * a short head start; else whichever is free.
 *
 * Invariants:
 * 1. Bells only make it quick: who may work in a conversation is ownership's business, and what nobody was told of is
 *    found by the next look.
 * 2. A machine that is stopping, or where somebody waits for a session, leaves to others what they can begin as well.
 */

const headStartMs = 300;
/** A little less than the period of looks, so that they do not miss every other one. */
const lookMs = 1_900;
/** How soon a machine that is free again answers for all. */
const openPeriodMs = 250;
/** Bells of its own that a machine answers at once: each takes a moment. */
const ownAtOnceMax = 32;
const shared = 'all';

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

export interface DoorbellParts {
  store: RedisStore;
  bells: Bells;
  machine: string;
  role: Settings['role'];
  heartbeats: Heartbeats;
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
    const own = bells.answer(machine, ownAtOnceMax, async (bell) => {
      void this.#answer(conversationOf(bell));
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
    this.#ringSafely({ botId, roomId }, atOnce);
  }

  ring({ botId, roomId }: Conversation): void {
    this.#ringSafely({ botId, roomId }, false);
  }

  found({ botId, roomId, ready, atOnce, unnoticedSince }: PendingConversation): void {
    const isLate = unnoticedSince !== null && this.#parts.clock.now() - unnoticedSince >= noticeAfterMs;
    const isFound = { ownerToo: atOnce || isLate };
    if (ready || atOnce || isLate) this.#ringSafely({ botId, roomId }, atOnce, isFound);
  }

  async isMyLook(): Promise<boolean> {
    const { store, machine, onLook } = this.#parts;
    if (!this.#isOpen) return false;
    const key = store.key('look');
    const isMine = (await store.call<string | null>('SET', key, machine, 'NX', 'PX', lookMs)) === 'OK';
    if (isMine) onLook();
    return isMine;
  }

  async isOneFree(): Promise<boolean> {
    return this.#parts.heartbeats.others().some(({ isOpen, isBusy }) => isOpen && !isBusy);
  }

  settled({ botId, roomId }: Conversation): void {
    const { store, machine, homeMs } = this.#parts;
    // Not known, it is served anywhere.
    store.call('SET', store.key('home', botId, roomId), machine, 'PX', homeMs).catch(() => {});
  }

  /** `isFound`: by a look and not when it came, and whether the machine that has it is told as well. */
  #ringSafely(conversation: Conversation, atOnce: boolean, isFound?: { ownerToo: boolean }): void {
    // Redis is away, and the next look finds the conversation when it is back.
    this.#ring(conversation, atOnce, isFound).catch(() => {});
  }

  async #ring(conversation: Conversation, atOnce: boolean, isFound?: { ownerToo: boolean }): Promise<void> {
    const { store, bells, machine } = this.#parts;
    const { botId, roomId } = conversation;
    const bell = nameOf(conversation);
    const keys = [store.key('own', botId, roomId), store.key('home', botId, roomId)];
    const [at, owns] = await store.run<[string?, number?]>(whereIs, keys, [heartbeatKey(store, '')]);
    const isOwner = owns === 1;
    if (isOwner && isFound && !isFound.ownerToo) return;
    const target = at ?? (atOnce ? this.#anyMachine() : undefined);
    if (target === machine && this.#isOpen) {
      void this.#answer(conversation);
      if (isOwner || this.#isWelcome(bell)) return;
    } else if (target !== undefined) {
      await bells.ring(target, bell);
    }
    const delayMs = target === undefined || target === machine ? 0 : headStartMs;
    await bells.ring(shared, bell, delayMs, isFound !== undefined);
  }

  /** For what takes a moment and must not wait behind turns. */
  #anyMachine(): string | undefined {
    const { machine, heartbeats } = this.#parts;
    return this.#isOpen ? machine : heartbeats.others().find(({ isOpen }) => isOpen)?.name;
  }

  async #answer(conversation: Conversation): Promise<void> {
    if (this.#isOpen) await this.#visit(conversation, this.#isWelcome(nameOf(conversation)));
  }

  /** Taken in the moment in which somebody began to wait here, it is put back. */
  async #answerForAll(bell: string): Promise<void> {
    if (this.#isWelcome(bell as SessionName)) await this.#visit(conversationOf(bell), true);
    else await this.#parts.bells.ring(shared, bell, headStartMs);
  }

  async #visit(conversation: Conversation, mayBegin: boolean): Promise<void> {
    try {
      await this.#parts.dispatcher().visit(conversation, mayBegin);
    } catch (error) {
      this.#parts.emit({ type: 'part.failed', part: 'doorbell', problem: messageOf(error) });
    }
  }

  #isBusy(): boolean {
    return this.#parts.pool.waiting().length > 0;
  }

  /** Whether a turn of the conversation would not wait here behind others. */
  #isWelcome(name: SessionName): boolean {
    return !this.#isBusy() || this.#parts.pool.snapshot().some(({ id }) => id === name);
  }
}

/** A bell is a conversation's name, `<room>:<bot id>`. */
function conversationOf(bell: string): Conversation {
  const colon = bell.indexOf(':');
  return { roomId: Number(bell.slice(0, colon)), botId: bell.slice(colon + 1) };
}
