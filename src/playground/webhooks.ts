import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { keyOf } from './access.ts';
import type { Campfire } from './campfire.ts';
import type { EventStream } from './events.ts';
import { type Faults, proxyErrorPage } from './faults.ts';
import { type Exchange, postLikeRuby } from './net-http.ts';
import type { Bot, DeliveryRecord, Draft, Effect, Message, Room, User } from './records.ts';
import { judge, type Verdict } from './verdict.ts';

/** How long Campfire waits for a connection, and for each read (models/webhook.rb). */
export const endpointTimeoutMs = 7_000;
/** How long a webhook waits for a later one to overtake it while deliveries are out of order. */
const overtakeWaitMs = 300;
const recordsMax = 500;

interface Job {
  botId: number;
  roomId: number;
  messageId: number;
  queuedAt: number;
}

export interface WebhookOptions {
  clock: Clock;
  events: EventStream;
  campfire: Campfire;
  faults: Faults;
  /** Deliveries at a time. Campfire has half as many workers as cores, rounded up, for all its jobs. */
  workers: number;
  timeoutMs?: number;
}

/**
 * Campfire's job queue for webhooks.
 *
 * Invariants:
 * 1. A webhook is taken from the queue before it is sent and is never put back: whatever happens, no retry.
 * 2. At most `workers` run at once. With one they keep their order; with more nothing keeps it.
 * 3. Message, URL and key are read when it is delivered, not when it was queued.
 */
export class Webhooks {
  readonly #options: Required<WebhookOptions>;
  readonly #queue: Job[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #records = new Map<number, DeliveryRecord>();
  readonly #closing = new AbortController();
  #settled = Promise.withResolvers<void>();
  #nextId = 1;

  constructor(options: WebhookOptions) {
    this.#options = { timeoutMs: endpointTimeoutMs, ...options };
    this.#settled.resolve();
    options.events.subscribe((event) => {
      if (event.type === 'webhook.due') this.#queueUp(event.botId, event.roomId, event.messageId);
    });
  }

  /** The newest deliveries, oldest first. */
  records(): DeliveryRecord[] {
    return [...this.#records.values()];
  }

  /** How many wait for a worker. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Resolves when nothing waits or runs. */
  settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** A restart of Campfire's container: its Redis keeps nothing, so what waits is lost. Returns how many. */
  dropWaiting(): number {
    const lost = this.#queue.splice(0).length;
    this.#tellIfSettled();
    return lost;
  }

  /** Drops what waits and breaks off what runs. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.dropWaiting();
    await Promise.all(this.#running);
  }

  #queueUp(botId: number, roomId: number, messageId: number): void {
    if (this.#closing.signal.aborted) return;
    if (this.waiting === 0 && this.#running.size === 0) this.#settled = Promise.withResolvers();
    const { clock, faults } = this.#options;
    for (let copy = 0; copy <= faults.current.duplicates; copy++) {
      this.#queue.push({ botId, roomId, messageId, queuedAt: clock.now() });
    }
    this.#startWorkers();
  }

  #startWorkers(): void {
    while (this.#running.size < this.#options.workers) {
      const job = this.#takeJob();
      if (!job) break;
      const run = this.#perform(job).finally(() => {
        this.#running.delete(run);
        this.#startWorkers();
        this.#tellIfSettled();
      });
      this.#running.add(run);
    }
  }

  #takeJob(): Job | undefined {
    const { clock, faults } = this.#options;
    if (!faults.current.outOfOrder) return this.#queue.shift();
    const [first] = this.#queue;
    const waitMs = first && this.waiting === 1 ? first.queuedAt + overtakeWaitMs - clock.now() : 0;
    if (waitMs <= 0) return this.#queue.pop();
    clock.after(waitMs, () => this.#startWorkers());
    return undefined;
  }

  #tellIfSettled(): void {
    if (this.waiting === 0 && this.#running.size === 0) this.#settled.resolve();
  }

  async #perform({ botId, roomId, messageId, queuedAt }: Job): Promise<void> {
    const { clock, campfire, events } = this.#options;
    const message = campfire.message(roomId, messageId);
    const bot = campfire.bots.get(botId);
    const room = campfire.rooms.get(roomId);
    const creator = campfire.user(message?.creatorId ?? -1);
    // Deleted while it waited: the job finds no record and nothing is sent.
    if (!message || !room || !creator || !bot?.webhookUrl) return;

    const started: DeliveryRecord = {
      ...{ id: this.#nextId++, botId, roomId, messageId, queuedAt, startedAt: clock.now() },
      ...{ ms: null, status: null, contentType: null, effect: null },
    };
    this.#record(started);
    events.emit({ type: 'delivery.started', delivery: started });
    const from = clock.monotonicMs();
    const exchange = await this.#send(bot.webhookUrl, payloadFor(bot, room, creator, message));
    const ms = clock.monotonicMs() - from;
    if (this.#closing.signal.aborted) return;
    const { status = null, contentType = null } = exchange.kind === 'answered' ? exchange.response : {};
    const ended = { ...started, ms, status, contentType, effect: this.#apply(exchange, bot, room) };
    this.#record(ended);
    events.emit({ type: 'delivery.answered', delivery: ended });
  }

  async #send(url: string, json: string): Promise<Exchange> {
    const { clock, timeoutMs, faults } = this.#options;
    if (faults.current.webhookBadGateway) {
      const body = Buffer.from(proxyErrorPage);
      return { kind: 'answered', response: { status: 502, contentType: 'text/html', body } };
    }
    return postLikeRuby(url, json, { clock, timeoutMs, signal: this.#closing.signal });
  }

  #apply(exchange: Exchange, bot: Bot, room: Room): Effect {
    if (exchange.kind === 'broken') return { kind: 'failed', cause: exchange.cause };
    const reply = (draft: Draft) => this.#options.campfire.replyInResponse(bot.id, room.id, draft).id;
    try {
      if (exchange.kind === 'timeout') {
        return { kind: 'timeout', messageId: reply({ html: 'Failed to respond within 7 seconds' }) };
      }
      return applyVerdict(judge(exchange.response), reply);
    } catch (error) {
      return { kind: 'failed', cause: messageOf(error) };
    }
  }

  #record(record: DeliveryRecord): void {
    this.#records.set(record.id, record);
    for (const oldest of this.#records.keys()) {
      if (this.#records.size <= recordsMax) break;
      this.#records.delete(oldest);
    }
  }
}

function applyVerdict(verdict: Verdict, reply: (draft: Draft) => number): Effect {
  switch (verdict.kind) {
    case 'text':
      return { kind: 'text', messageId: reply({ html: verdict.text }) };
    case 'attachment':
      return { kind: 'attachment', messageId: reply({ file: verdict }) };
    default:
      return verdict;
  }
}

/** The body of a webhook. `room.path` carries the bot's key and must never be logged. */
function payloadFor(bot: Bot, room: Room, creator: User, { id, html, plain }: Message): string {
  return JSON.stringify({
    user: { id: creator.id, name: creator.name },
    room: { id: room.id, name: room.name, path: `/rooms/${room.id}/${keyOf(bot)}/messages` },
    message: { id, body: { html, plain: withoutMentionsOf(bot, plain) }, path: `/rooms/${room.id}/@${id}` },
  });
}

/** Takes out the letters of the mention wherever they stand, also inside a longer name, as Campfire does. */
function withoutMentionsOf(bot: Bot, plain: string): string {
  return plain.replaceAll(`@${bot.name}`, '').replace(/^\p{White_Space}+|\p{White_Space}+$/gu, '');
}
