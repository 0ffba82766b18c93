import type { FindBot } from '../config/bot.ts';
import type { Conversation, DeliveryResult, Outbox, OutboxRow } from '../mail/mail.ts';
import { FencedOutError, type Ownership } from '../mail/ownership.ts';
import type { SessionName } from '../telemetry/events.ts';
import { emitFailure } from '../telemetry/failure.ts';
import { readFile } from './content.ts';
import { type DeliverParts, deliver } from './deliver.ts';
import { planSends, quickMax } from './delivery-plan.ts';
import { type Right, withRight } from './right.ts';
import { nameOf } from './serve.ts';

/**
 * Sends what was decided. Holds no session, and what it has not sent is on disk.
 *
 * Invariants:
 * 1. A conversation's rows are sent one after the other, in the order in which they were decided.
 * 2. What another machine sends is let be, and so is what only another one can send, having the bot's file.
 * 3. What a key or Campfire itself is to blame for costs one try at a time, not one for every room.
 */

/** What another machine has in its hands is not asked for again before this time. */
const elsewhereMs = 1500;
/** After an unexpected error: the database may be in trouble, and a defect must not spin. */
const restAfterErrorMs = 5000;

export interface DeliveryParts extends Omit<DeliverParts, 'right'> {
  mail: Outbox;
  ownership: Ownership;
  /** Told when a row of a conversation needs no more sending. */
  onSettled: (conversation: Conversation) => void;
}

export interface Delivery {
  /** Looks for rows now; call it whenever some may have been decided or may be sent after all. */
  wake(): void;
  /** Starts nothing more and waits for posts under way, `graceMs` at most. What is left is sent after the next start. */
  stop(graceMs: number): Promise<void>;
}

/** A conversation whose rows are being sent. */
interface Sender extends Conversation {
  rowSinceMs: number;
  done: Promise<void>;
}

export function createDelivery(parts: DeliveryParts): Delivery {
  return new OutboxDelivery(parts);
}

class OutboxDelivery implements Delivery {
  readonly #parts: DeliveryParts;
  readonly #senders = new Map<SessionName, Sender>();
  /** Conversations that another machine had, until when (monotonic ms) they are let be. */
  readonly #elsewhere = new Map<SessionName, number>();
  readonly #stopping = new AbortController();
  #looking = false;
  #lookAgain = false;
  #cancelNext = () => {};

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  readonly wake = (): void => {
    this.#lookAgain = true;
    if (!this.#looking && !this.#stopping.signal.aborted) void this.#lookUntilQuiet();
  };

  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    this.#cancelNext();
    const patience = new AbortController();
    const sent = [...this.#senders.values()].map(({ done }) => done);
    const all = Promise.all(sent).then(() => patience.abort());
    await Promise.race([all, this.#parts.clock.sleep(graceMs, patience.signal)]);
    patience.abort();
  }

  /** One look at a time: hundreds of rows may be decided or sent within a moment. */
  async #lookUntilQuiet(): Promise<void> {
    this.#looking = true;
    try {
      while (this.#lookAgain && !this.#stopping.signal.aborted) {
        this.#lookAgain = false;
        await this.#look();
      }
    } catch (error) {
      this.#report('delivery', error);
      this.#wakeIn(restAfterErrorMs);
    } finally {
      this.#looking = false;
    }
  }

  async #look(): Promise<void> {
    const { mail, health, clock, ownership } = this.#parts;
    // One more than may begin, so that it is seen whether any waits behind them.
    const perBotMax = quickMax + 1 + this.#senders.size + this.#elsewhere.size;
    const found = await mail.conversationsWithOutbox(perBotMax);
    if (this.#stopping.signal.aborted) return;
    const nowMs = clock.monotonicMs();
    for (const [name, untilMs] of this.#elsewhere) if (untilMs <= nowMs) this.#elsewhere.delete(name);
    const isHere = hasFileHere(this.#parts.findBot);
    const waiting = found.filter(
      (conversation) =>
        isHere(conversation) &&
        (!this.#elsewhere.has(nameOf(conversation)) || ownership.fenceOf(conversation) !== null),
    );
    const { start, lookAgainAt } = planSends({
      ...{ waiting, campfire: health.campfire(), bot: health.bot, now: clock.now() },
      sending: [...this.#senders.values()].map(({ botId, roomId, rowSinceMs }) => ({
        ...{ botId, roomId, forMs: nowMs - rowSinceMs },
      })),
    });
    for (const conversation of start) this.#begin(conversation);
    this.#cancelNext();
    if (lookAgainAt < Number.POSITIVE_INFINITY) this.#wakeIn(Math.max(1, lookAgainAt - clock.now()));
  }

  #wakeIn(delayMs: number): void {
    this.#cancelNext();
    this.#cancelNext = this.#parts.clock.after(delayMs, this.wake);
  }

  #begin(conversation: Conversation): void {
    const name = nameOf(conversation);
    const rowSinceMs = this.#parts.clock.monotonicMs();
    const sender: Sender = { ...conversation, rowSinceMs, done: Promise.resolve() };
    this.#senders.set(name, sender);
    sender.done = this.#send(sender, name);
  }

  async #send(sender: Sender, name: SessionName): Promise<void> {
    const { ownership, clock } = this.#parts;
    const work = (right: Right) => this.#sendAs(right, sender, name).then(() => true);
    try {
      if (!(await withRight(ownership, sender, work))) this.#letBe(name);
    } catch (error) {
      if (error instanceof FencedOutError) {
        this.#letBe(name);
      } else {
        this.#report(`delivery to ${name}`, error);
        // Its place stays taken meanwhile, so that it cannot spin.
        await clock.sleep(restAfterErrorMs, this.#stopping.signal);
      }
    }
    this.#senders.delete(name);
    this.wake();
  }

  async #sendAs(right: Right, sender: Sender, name: SessionName): Promise<void> {
    const { mail, clock, files, onSettled } = this.#parts;
    do {
      sender.rowSinceMs = clock.monotonicMs();
      const row = await mail.takeOutbox(sender, clock.now());
      if (!row) return;
      const result = await deliver(row, { ...this.#parts, right });
      await mail.settleOutbox(row, result);
      report(name, row, result, this.#parts);
      const isOver = result.kind === 'sent' || result.kind === 'undeliverable';
      if (row.kind === 'file' && (isOver || result.kind === 'replaced'))
        await files.release(readFile(row.body).id);
      if (isOver) onSettled(row);
    } while (this.#mayGoOn(sender.botId) && !right.lost.aborted);
  }

  #letBe(name: SessionName): void {
    this.#elsewhere.set(name, this.#parts.clock.monotonicMs() + elsewhereMs);
  }

  #mayGoOn(botId: string): boolean {
    const { health } = this.#parts;
    return (
      !this.#stopping.signal.aborted && health.campfire().state === 'ok' && health.bot(botId).state === 'ok'
    );
  }

  #report(part: string, error: unknown): void {
    emitFailure(this.#parts.emit, part, error);
  }
}

function report(
  session: SessionName,
  row: OutboxRow,
  result: DeliveryResult,
  { emit, clock }: DeliveryParts,
): void {
  const turn = String(row.turnId);
  if (result.kind === 'sent') {
    emit({ type: 'delivery.sent', session, turn, ordinal: row.ordinal, campfireId: result.campfireId });
  } else if (result.kind === 'undeliverable') {
    emit({ type: 'delivery.gave_up', session, turn, problem: result.problem });
  } else {
    const retryMs = result.kind === 'replaced' ? 0 : Math.max(0, Math.round(result.at - clock.now()));
    emit({ type: 'delivery.retrying', session, turn, problem: result.problem, retryMs });
  }
}

/** Asks once for each bot: hundreds of conversations may be looked through. */
function hasFileHere(findBot: FindBot): (conversation: Conversation) => boolean {
  const known = new Map<string, boolean>();
  return ({ botId }) => {
    const isHere = known.get(botId) ?? findBot(botId) !== 'elsewhere';
    known.set(botId, isHere);
    return isHere;
  };
}
