import type { CampfireClient } from '../campfire/client.ts';
import type { FaceBook } from '../campfire/face.ts';
import type { Bot, FindBot } from '../config/bot.ts';
import type { Clock } from '../lib/clock.ts';
import type { Conversation, Message } from '../mail/mail.ts';
import type { Mark, Marks } from '../mail/marks.ts';
import type { Emit } from '../telemetry/events.ts';
import { emitFailure } from '../telemetry/failure.ts';

/**
 * 👀 on a message that was accepted, until its outcome stands in the room; it makes no sound. Only where Campfire lets
 * bots boost, and only as well as that goes by itself: no message waits for it, and a flood gets none.
 */

const eyes = '👀';
/** Calls at once, and how many may wait behind them: beyond that nobody needs to be told that something happens. */
const atOnceMax = 4;
const waitingMax = 40;
/** A mark that cannot be taken away is tried again for a day. */
const giveUpAfterMs = 86_400_000;
/** What nothing else calls for: marks set while their answer was sent, and those of an earlier life. */
const sweepPeriodMs = 10_000;

export interface SeenParts {
  client: Pick<CampfireClient, 'boost' | 'unboost'>;
  faces: FaceBook;
  marks: Marks;
  findBot: FindBot;
  /** Whether Campfire answers at present. */
  campfireIsWell: () => boolean;
  clock: Clock;
  emit: Emit;
}

export interface Seen {
  /** Marks a message. Never throws and never waits. */
  mark(bot: Bot, conversation: Conversation, message: Message): void;
  /** Takes away what is over, in one conversation or everywhere. Never throws and never waits. */
  sweep(conversation?: Conversation): void;
  stop(): Promise<void>;
}

export function createSeen(parts: SeenParts): Seen {
  return new SeenMarks(parts);
}

class SeenMarks implements Seen {
  readonly #parts: SeenParts;
  readonly #waiting: Array<() => Promise<void>> = [];
  readonly #working = new Set<Promise<void>>();
  readonly #stopTimer: () => void;
  #sweeping: Promise<void> | null = null;
  /** Where to sweep next; `everywhere` includes all others. */
  readonly #toSweep = new Map<string, Conversation | undefined>();
  #stopped = false;

  constructor(parts: SeenParts) {
    this.#parts = parts;
    this.#stopTimer = parts.clock.every(sweepPeriodMs, () => this.sweep());
  }

  mark(bot: Bot, conversation: Conversation, message: Message): void {
    const { messageId } = message;
    if (messageId === null || this.#stopped || this.#waiting.length >= waitingMax) return;
    this.#waiting.push(() => this.#boost(bot, conversation, { ...message, messageId }));
    this.#work();
  }

  sweep(conversation?: Conversation): void {
    this.#toSweep.set(
      conversation ? `${conversation.roomId}:${conversation.botId}` : 'everywhere',
      conversation,
    );
    if (this.#sweeping || this.#stopped) return;
    this.#sweeping = this.#sweepUntilDone()
      .catch((error: unknown) => this.#report(error))
      .finally(() => {
        this.#sweeping = null;
      });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopTimer();
    this.#waiting.length = 0;
    await Promise.all([...this.#working, this.#sweeping]);
  }

  #work(): void {
    while (this.#working.size < atOnceMax) {
      const next = this.#waiting.shift();
      if (!next) return;
      const work = next()
        .catch((error: unknown) => this.#report(error))
        .finally(() => {
          this.#working.delete(work);
          this.#work();
        });
      this.#working.add(work);
    }
  }

  async #boost(
    bot: Bot,
    { botId, roomId }: Conversation,
    { id: message, messageId }: Message & { messageId: number },
  ): Promise<void> {
    const { client, faces, marks, clock, campfireIsWell } = this.#parts;
    if (!campfireIsWell() || (await faces.find(bot.key, roomId)) !== 'full') return;
    const boosted = await client.boost(bot.key, roomId, messageId, eyes);
    if (boosted.kind !== 'boosted') return;
    await marks.put({ message, botId, roomId, messageId, markId: boosted.id, setAt: clock.now() });
    this.sweep({ botId, roomId });
  }

  async #sweepUntilDone(): Promise<void> {
    for (const [name, conversation] of this.#toSweep) {
      this.#toSweep.delete(name);
      for (const mark of await this.#parts.marks.over(conversation)) {
        if (this.#stopped || !this.#parts.campfireIsWell()) return;
        await this.#take(mark);
      }
    }
  }

  async #take(mark: Mark): Promise<void> {
    const { client, marks, findBot, clock } = this.#parts;
    const isOld = clock.now() - mark.setAt > giveUpAfterMs;
    const bot = findBot(mark.botId);
    if (typeof bot !== 'string') {
      const taken = await client.unboost(bot.key, mark.roomId, mark.messageId, mark.markId);
      if (taken.kind !== 'unavailable' && taken.kind !== 'badKey') return marks.drop(mark);
    }
    if (isOld) await marks.drop(mark);
  }

  #report(error: unknown): void {
    emitFailure(this.#parts.emit, 'marks', error);
  }
}
