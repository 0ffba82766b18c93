import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { AgentMemory, Slot } from '../agent/agent.ts';
import type { LeftBehind } from '../agent/prompt.ts';
import { lastExchanges } from '../agent/transcript.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { FencedOutError, type Ownership } from '../mail/ownership.ts';
import { patiently } from '../store/patience.ts';
import type { RedisStore } from '../store/redis.ts';
import type { Emit } from '../telemetry/events.ts';
import { rootOf, runFenced } from './redis-fenced.ts';
import type { Mirror } from './redis-mirror.ts';
import {
  beginMemory,
  countTurn,
  eraseAll,
  giveUpMemory,
  type Known,
  nameOf,
  readKnown,
  restoreMemory,
} from './redis-records.ts';
import type { Transcripts } from './redis-transcripts.ts';
import {
  type Conversation,
  type Conversations,
  type Described,
  describeMemory,
  historyBounds,
  newRecall,
  type Recall,
} from './resume.ts';
import { isUnusedSpare, type Slots } from './slots.ts';
import { type IncomingPart, writeTranscript } from './transcript-file.ts';

/**
 * What conversations remember, in the Redis that machines share; folders stay with each machine.
 *
 * Invariants:
 * 1. The record names the machine on which the last session began. Its own file of the transcript is the newest; every
 *    other machine fetches the transcript before it goes on, and closes the session that it may still have.
 * 2. Only the machine that has a conversation writes about it.
 */
export interface RedisConversationParts {
  store: RedisStore;
  ownership: Ownership;
  transcripts: Transcripts;
  mirror: Mirror;
  slots: Slots;
  /** Another one after each start of the machine: what was not on disk yet when the power went is not trusted. */
  bootId: string;
  clock: Clock;
  emit: Emit;
}

export function createRedisConversations(parts: RedisConversationParts): Conversations {
  return new RedisConversations(parts);
}

class RedisConversations implements Conversations {
  readonly #parts: RedisConversationParts;
  readonly #here: string;

  constructor(parts: RedisConversationParts) {
    this.#parts = parts;
    this.#here = `${parts.ownership.machine} ${parts.bootId}`;
  }

  async recall(conversation: Conversation): Promise<Recall> {
    const { store, slots, transcripts } = this.#parts;
    const known = await readKnown(store, conversation);
    // A session that is still here had a conversation that was forgotten elsewhere.
    if (!known) return { ...newRecall(slots.at(slots.newId())), elsewhere: true };
    const slot = slots.at(known.slot);
    const elsewhere = known.machine !== this.#here;
    const startedOver = known.givenUp !== null;
    const recalled = { ...newRecall(slot), isNew: false, elsewhere, missing: await this.#missing(known) };
    const isHere = this.#localPath(known) !== null;
    if (isHere || (await transcripts.has(known.memory))) {
      const fetch = isHere ? null : () => this.#fetch(known);
      const memory = { kind: 'resume' as const, id: known.memory };
      return { ...recalled, memory, startedOver, fetch, elsewhere: elsewhere || !isHere };
    }
    const history = known.givenUp === null ? [] : await this.#historyOf(known.givenUp);
    const stale = known.turns > 0;
    return { ...recalled, stale, startedOver: startedOver || stale, history };
  }

  async begin(conversation: Conversation, slot: Slot, memory: AgentMemory): Promise<void> {
    const { mirror, clock } = this.#parts;
    mirror.bind(conversation, slot, memory);
    const isNew = Number(memory.kind === 'new');
    await this.#run(beginMemory, conversation, [slot.id, memory.id, this.#here, clock.now(), isNew]);
  }

  async hasSlot(slotId: string): Promise<boolean> {
    const { store, slots } = this.#parts;
    if ((await store.call<number>('HEXISTS', `${rootOf(store)}:slots`, slotId)) === 1) return true;
    // One that has been spoken in is somebody's, even if Redis has lost it or was never told.
    return slots.spareIds().includes(slotId) && !isUnusedSpare(slots.at(slotId).root);
  }

  async giveUp(conversation: Conversation): Promise<void> {
    const memory = await this.#run<string | null>(giveUpMemory, conversation, [randomUUID()]);
    const known = await readKnown(this.#parts.store, conversation);
    if (known && memory !== null) this.#parts.slots.setAside(this.#parts.slots.at(known.slot), memory);
  }

  async restore(conversation: Conversation): Promise<void> {
    const memory = await this.#run<string | null>(restoreMemory, conversation, []);
    const known = await readKnown(this.#parts.store, conversation);
    if (known && memory !== null) this.#parts.slots.takeBack(this.#parts.slots.at(known.slot), memory);
  }

  /**
   * Waits for a Redis that is away: another machine would else go on without this turn, and not know it. A turn that
   * cannot be counted is answered all the same: whether it may be, is checked where it is decided.
   */
  async recordTurn(conversation: Conversation, told: boolean): Promise<void> {
    const { mirror, clock, ownership, emit } = this.#parts;
    const step = randomUUID();
    const record = async () => {
      const { slot, memoryId, last } = await mirror.settle(conversation);
      const files = slot !== null && hasFiles(slot) ? ownership.machine : '';
      const values = [clock.now(), Number(told), last ?? '', memoryId ?? '', files, step];
      await this.#run(countTurn, conversation, values);
    };
    try {
      await patiently(clock, record);
    } catch (error) {
      if (error instanceof FencedOutError) return;
      emit({ type: 'part.failed', part: `memory of ${nameOf(conversation)}`, problem: messageOf(error) });
    }
  }

  async transcript(conversation: Conversation): Promise<string | null> {
    const known = await readKnown(this.#parts.store, conversation);
    if (!known) return null;
    const path = this.#localPath(known);
    if (path === null) return this.#textOf(known.memory);
    await this.#copyRest(conversation, known);
    return readFile(path, 'utf8');
  }

  async describe(conversation: Conversation): Promise<Described | null> {
    const known = await readKnown(this.#parts.store, conversation);
    return known && known.turns > 0 ? describeMemory(known, this.#localPath(known)) : null;
  }

  async erase(conversation: Conversation): Promise<void> {
    const slot = await this.#run<string | null>(eraseAll, conversation, [this.#parts.clock.now()]);
    if (slot !== null) this.#parts.slots.delete({ id: slot });
  }

  /** This machine's own file, when it is the newest. */
  #localPath({ machine, slot, memory }: Known): string | null {
    const { slots } = this.#parts;
    return machine === this.#here ? slots.transcriptPath(slots.at(slot), memory) : null;
  }

  /** What an earlier life of this machine wrote and may not have copied; another one may be the next to go on. */
  async #copyRest(conversation: Conversation, { slot, memory }: Known): Promise<void> {
    const { mirror, slots, emit } = this.#parts;
    mirror.bind(conversation, slots.at(slot), { kind: 'resume', id: memory });
    await mirror.settle(conversation).catch((error: unknown) => {
      emit({
        type: 'transcript.behind',
        session: `${conversation.roomId}:${conversation.botId}`,
        problem: messageOf(error),
      });
    });
  }

  async #missing(known: Known): Promise<LeftBehind[]> {
    const { ownership, transcripts } = this.#parts;
    const missing: LeftBehind[] = [];
    if (known.files !== null && known.files !== ownership.machine) missing.push('files');
    if (known.last !== null && this.#localPath(known) === null) {
      const own = { memoryId: known.memory, subpath: '' };
      if (!(await transcripts.hasLines(own, [known.last]))) missing.push('exchanges');
    }
    return missing;
  }

  async #fetch({ slot, memory }: Known): Promise<void> {
    const { slots, transcripts } = this.#parts;
    async function* incoming(): AsyncGenerator<IncomingPart> {
      for (const subpath of await transcripts.subpaths(memory))
        yield { subpath, lines: transcripts.load({ memoryId: memory, subpath }) };
    }
    await writeTranscript(slots.open(slot), memory, incoming());
  }

  async #historyOf(memoryId: string): Promise<Recall['history']> {
    return lastExchanges((await this.#textOf(memoryId)) ?? '', historyBounds);
  }

  async #textOf(memoryId: string): Promise<string | null> {
    const pages = await Array.fromAsync(this.#parts.transcripts.load({ memoryId, subpath: '' }));
    return pages.length === 0 ? null : pages.flat().join('\n');
  }

  #run<T>(script: Parameters<typeof runFenced>[0], conversation: Conversation, values: (string | number)[]) {
    return runFenced<T>(script, conversation, [nameOf(conversation), ...values], this.#parts);
  }
}

export function hasFiles(slot: Slot): boolean {
  try {
    return readdirSync(slot.work).length > 0;
  } catch {
    return false;
  }
}
