import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { RedisScript, RedisStore } from '../store/redis.ts';
import type { Conversation } from './mail.ts';
import type { Hold, Ownership } from './ownership.ts';

/**
 * Ownership of conversations by leases in Redis. A lease is a hash with the machine's name and fence number that expires
 * by Redis's time; the counter beside it never does.
 *
 * Invariants:
 * 1. A right is certain from the moment at which its last renewal was sent, never from that of the answer.
 * 2. What cannot be renewed is kept: expired leases are taken up again with the same fence while nobody else came.
 * 3. A new life of a machine does not inherit its predecessor's right: it takes a higher fence at once.
 * 4. A Redis that is full gives rights as ever: without them nothing could be finished that frees its memory.
 */

export interface RedisOwnershipParts {
  store: RedisStore;
  machine: string;
  clock: Clock;
  /** Told of a round of renewals that failed. */
  onTrouble: (problem: string) => void;
  /** Shorter ones only in tests. */
  leaseMs?: number;
}

/** How long a machine that says nothing keeps what it has. */
const ownershipLeaseMs = 10_000;
const renewalsPerLease = 5;
/** Conversations renewed in one step, so that nobody waits long for Redis. */
const renewBatch = 200;

/** KEYS: own, fence. ARGV: machine, lease. The new fence; nothing while another machine has it. */
const take: RedisScript = {
  name: 'ownershipTake',
  goesOnWhenFull: true,
  lua: `
    local owner = redis.call('HGET', KEYS[1], 'machine')
    if owner and owner ~= ARGV[1] then return false end
    local fence = redis.call('INCR', KEYS[2])
    redis.call('HSET', KEYS[1], 'machine', ARGV[1], 'fence', fence)
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    return fence
  `,
};

/** KEYS: own and fence of each. ARGV: machine, lease, then the fence of each. 1 for each that is still ours. */
const renew: RedisScript = {
  name: 'ownershipRenew',
  goesOnWhenFull: true,
  lua: `
    local still = {}
    for i = 1, #KEYS / 2 do
      local own, known = KEYS[2 * i - 1], ARGV[2 + i]
      local owner = redis.call('HMGET', own, 'machine', 'fence')
      if not owner[1] and redis.call('GET', KEYS[2 * i]) == known then
        redis.call('HSET', own, 'machine', ARGV[1], 'fence', known)
        owner = { ARGV[1], known }
      end
      local ours = owner[1] == ARGV[1] and owner[2] == known
      if ours then redis.call('PEXPIRE', own, ARGV[2]) end
      still[i] = ours and 1 or 0
    end
    return still
  `,
};

/** KEYS: own. ARGV: machine, fence. */
const letGo: RedisScript = {
  name: 'ownershipLetGo',
  lua: `
    local owner = redis.call('HMGET', KEYS[1], 'machine', 'fence')
    if owner[1] == ARGV[1] and owner[2] == ARGV[2] then redis.call('DEL', KEYS[1]) end
  `,
};

/** A conversation that this machine has, or had when it last could ask. */
interface Right {
  conversation: Conversation;
  fence: number;
  holders: number;
  lost: AbortController;
  /** Until when nobody else can have it, by both clocks: one stands still while the machine sleeps, the other may jump. */
  certainUntil: { monotonicMs: number; wallMs: number };
}

export function createRedisOwnership(parts: RedisOwnershipParts): Ownership {
  return new RedisOwnership(parts);
}

class RedisOwnership implements Ownership {
  readonly machine: string;
  readonly #parts: RedisOwnershipParts;
  readonly #leaseMs: number;
  readonly #rights = new Map<string, Right>();
  /** The last step of each conversation: takes and releases happen one after the other. */
  readonly #steps = new Map<string, Promise<unknown>>();
  readonly #stopRenewing: () => void;
  #stopped = false;

  constructor(parts: RedisOwnershipParts) {
    this.#parts = parts;
    this.machine = parts.machine;
    this.#leaseMs = parts.leaseMs ?? ownershipLeaseMs;
    const periodMs = this.#leaseMs / renewalsPerLease;
    this.#stopRenewing = parts.clock.every(periodMs, () => void this.#renewAll());
  }

  hold(conversation: Conversation): Promise<Hold | null> {
    return this.#inTurn(conversation, async () => {
      const known = this.#rights.get(idOf(conversation));
      if (known && this.certainForMs(conversation) < this.#leaseMs / 2) await this.#renew([known]);
      const right = this.#rights.get(idOf(conversation)) ?? (await this.#take(conversation));
      return right && this.#share(right);
    });
  }

  fenceOf(conversation: Conversation): number | null {
    return this.#rights.get(idOf(conversation))?.fence ?? null;
  }

  certainForMs(conversation: Conversation): number {
    const right = this.#rights.get(idOf(conversation));
    if (!right) return 0;
    const { clock } = this.#parts;
    const { monotonicMs, wallMs } = right.certainUntil;
    return Math.max(0, Math.min(monotonicMs - clock.monotonicMs(), wallMs - clock.now()));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopRenewing();
    // What is being taken right now is let go of as well.
    await Promise.all(this.#steps.values());
    const rights = [...this.#rights.values()];
    await Promise.all(
      rights.map((right) => this.#inTurn(right.conversation, () => this.#letGo(right)).catch(() => {})),
    );
  }

  async #take(conversation: Conversation): Promise<Right | null> {
    if (this.#stopped) return null;
    const certainUntil = this.#fromNow();
    const values = [this.machine, this.#leaseMs];
    const fence = await this.#parts.store.run<number | null>(take, this.#keys(conversation), values);
    if (fence === null) return null;
    const { botId, roomId } = conversation;
    const lost = new AbortController();
    const right = { conversation: { botId, roomId }, fence, holders: 0, lost, certainUntil };
    this.#rights.set(idOf(conversation), right);
    return right;
  }

  #share(right: Right): Hold {
    right.holders++;
    let isHeld = true;
    return {
      lost: right.lost.signal,
      [Symbol.asyncDispose]: async () => {
        if (!isHeld) return;
        isHeld = false;
        right.holders--;
        await this.#inTurn(right.conversation, async () => {
          if (right.holders === 0) await this.#letGo(right);
        });
      },
    };
  }

  /** A Redis that is away hears nothing of it, and the lease ends by itself. */
  async #letGo(right: Right): Promise<void> {
    const id = idOf(right.conversation);
    if (this.#rights.get(id) !== right) return;
    this.#rights.delete(id);
    const [own] = this.#keys(right.conversation);
    await this.#parts.store.run(letGo, [own], [this.machine, right.fence]).catch(() => {});
  }

  async #renewAll(): Promise<void> {
    const rights = [...this.#rights.values()];
    try {
      for (let from = 0; from < rights.length; from += renewBatch)
        await this.#renew(rights.slice(from, from + renewBatch));
    } catch (error) {
      // Not lost: another machine can take it now, and whether one did is asked again.
      this.#parts.onTrouble(messageOf(error));
    }
  }

  async #renew(rights: readonly Right[]): Promise<void> {
    const certainUntil = this.#fromNow();
    const still = await this.#parts.store.run<number[]>(
      renew,
      rights.flatMap(({ conversation }) => this.#keys(conversation)),
      [this.machine, this.#leaseMs, ...rights.map(({ fence }) => fence)],
    );
    for (const [i, right] of rights.entries()) {
      const id = idOf(right.conversation);
      // Let go of meanwhile: nobody asks any more.
      if (this.#rights.get(id) !== right) continue;
      if (still[i] === 1) {
        right.certainUntil = later(right.certainUntil, certainUntil);
      } else {
        this.#rights.delete(id);
        right.lost.abort();
      }
    }
  }

  #fromNow(): Right['certainUntil'] {
    const { clock } = this.#parts;
    return { monotonicMs: clock.monotonicMs() + this.#leaseMs, wallMs: clock.now() + this.#leaseMs };
  }

  #keys({ botId, roomId }: Conversation): [own: string, fence: string] {
    const { store } = this.#parts;
    return [store.key('own', botId, roomId), store.key('fence', botId, roomId)];
  }

  #inTurn<T>(conversation: Conversation, step: () => Promise<T>): Promise<T> {
    const id = idOf(conversation);
    const before = this.#steps.get(id) ?? Promise.resolve();
    const result = before.then(step, step);
    const done = result
      .catch(() => {})
      .then(() => {
        if (this.#steps.get(id) === done) this.#steps.delete(id);
      });
    this.#steps.set(id, done);
    return result;
  }
}

function later(one: Right['certainUntil'], other: Right['certainUntil']): Right['certainUntil'] {
  return one.monotonicMs > other.monotonicMs ? one : other;
}

function idOf({ botId, roomId }: Conversation): string {
  return `${botId}:${roomId}`;
}
