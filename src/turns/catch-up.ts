import type { Failure } from '../campfire/answers.ts';
import type { CampfireClient, RoomMessage } from '../campfire/client.ts';
import { mentionsBot } from '../campfire/mentioned.ts';
import type { WebhookMessage } from '../campfire/payload.ts';
import type { Bot } from '../config/bot.ts';
import type { Clock } from '../lib/clock.ts';
import type { KnownRange, MailHistory, SeenRoom } from '../mail/history.ts';
import type { Emit } from '../telemetry/events.ts';
import { emitFailure } from '../telemetry/failure.ts';

/**
 * Campfire delivers a webhook once and forgets it: what was written while this service was away never arrives by
 * itself. Where Campfire can be read, the rooms in which a bot was seen are, and what it should have got is accepted.
 *
 * Invariants:
 * 1. What is on record is not accepted again, whichever way it comes: both ways end in the same `accept`.
 * 2. Nothing older than the limit is accepted, so that what was pruned from the record cannot come back.
 * 3. A webhook that may still be under way gets the time to arrive.
 */

/** Rooms read per bot, those seen last first. */
const roomsPerBotMax = 500;
/** Webhooks arrive out of order: what is this much older than our end may have been overtaken. */
const overlapMs = 120_000;
/** Campfire gives a webhook 7 s: until then a message may still arrive by itself. */
const underWayMs = 8_000;
const firstPauseMs = 1000;
const longestPauseMs = 60_000;

export interface CatchUpReading {
  /** A room's messages, oldest first. */
  messages: readonly RoomMessage[];
  room: SeenRoom;
  bot: Pick<Bot, 'userId' | 'name'>;
  known: KnownRange;
  /** Epoch ms; older ones are let be. */
  notBefore: number;
}

/** Pure: the messages that the bot should have got, oldest first. Those on record are told apart by `accept`. */
export function missedMessages({ messages, room, bot, known, notBefore }: CatchUpReading): RoomMessage[] {
  const after = floorOf(known);
  return messages.filter(
    ({ id, createdAt, creator, html }) =>
      id > after &&
      Date.parse(createdAt) >= notBefore &&
      !creator.isBot &&
      creator.id !== bot.userId &&
      (room.name === null || mentionsBot(html, bot)),
  );
}

/** Nothing up to this id is missing: a bot that was new then had not been asked before. */
function floorOf({ newestBefore, oldest }: KnownRange): number {
  return newestBefore ?? (oldest === null ? 0 : oldest - 1);
}

export interface CatchUpParts {
  bots: () => readonly Bot[];
  client: Pick<CampfireClient, 'index'>;
  history: Pick<MailHistory, 'rooms' | 'known'>;
  /** Takes the message as if a webhook had brought it; `saidAt` is when it was written. */
  accept: (
    bot: Bot,
    message: WebhookMessage & { saidAt: number },
  ) => Promise<'accepted' | 'duplicate' | 'refused'>;
  /** CATCH_UP_MINUTES; 0 switches it off. */
  maxAgeMs: number;
  clock: Clock;
  emit: Emit;
}

export interface CatchUp {
  /** Looks for what was missed: `awayFrom` (epoch ms) is when webhooks may have begun to fail, or our start. */
  run(awayFrom: number): Promise<void>;
  /** Accepts nothing more; a room that is being read is not waited for. */
  stop(): void;
}

interface Stop {
  bot: Bot;
  room: SeenRoom;
}

export function createCatchUp(parts: CatchUpParts): CatchUp {
  const { bots, history, clock, emit, maxAgeMs } = parts;
  const stopping = new AbortController();
  let last: Promise<void> = Promise.resolve();
  /** Since when webhooks may be missing that a round which failed has not fetched. */
  let unreadFrom = Number.POSITIVE_INFINITY;

  const round = async (awayFrom: number): Promise<void> => {
    if (maxAgeMs === 0 || stopping.signal.aborted) return;
    const startedMs = clock.monotonicMs();
    const stops: Stop[] = [];
    for (const bot of bots())
      for (const room of await history.rooms(bot.id, roomsPerBotMax)) stops.push({ bot, room });
    const total = stops.length;
    let accepted = 0;
    let pauseMs = firstPauseMs;
    while (stops.length > 0 && !stopping.signal.aborted && clock.monotonicMs() - startedMs < maxAgeMs) {
      const next = stops.shift() as Stop;
      const missed = await readRoom(next, awayFrom, parts);
      if (Array.isArray(missed)) {
        accepted += await acceptAll(next, missed, parts, stopping.signal);
        pauseMs = firstPauseMs;
      } else if (missed.kind === 'unsupported') {
        emit({ type: 'catchup.skipped', reason: 'this Campfire lets bots post and not read' });
        return;
      } else if (missed.kind !== 'notMember' && missed.kind !== 'badKey') {
        stops.push(next);
        await clock.sleep(pauseMs, stopping.signal);
        pauseMs = Math.min(longestPauseMs, pauseMs * 2);
      }
    }
    if (total > 0)
      emit({ type: 'catchup.done', rooms: total - stops.length, accepted, unread: stops.length });
  };

  return {
    run(awayFrom) {
      last = last
        .then(async () => {
          unreadFrom = Math.min(unreadFrom, awayFrom);
          await round(unreadFrom);
          unreadFrom = Number.POSITIVE_INFINITY;
        })
        .catch((error: unknown) => emitFailure(emit, 'catch-up', error));
      return last;
    },
    stop: () => stopping.abort(),
  };
}

/** Reads back page by page until nothing that could be missing is left. */
async function readRoom(
  { bot, room }: Stop,
  awayFrom: number,
  { client, history, clock, maxAgeMs }: CatchUpParts,
): Promise<RoomMessage[] | Failure> {
  const notBefore = clock.now() - maxAgeMs;
  const known = await history.known(room, awayFrom - overlapMs);
  const missed: RoomMessage[] = [];
  let before: number | undefined;
  for (;;) {
    const page = await client.index(bot.key, room.roomId, before === undefined ? {} : { before });
    if (page.kind !== 'messages') return page;
    missed.unshift(...missedMessages({ messages: page.messages, room, bot, known, notBefore }));
    const oldest = page.messages[0];
    const reachedEnd = !oldest || oldest.id <= floorOf(known) || Date.parse(oldest.createdAt) < notBefore;
    if (reachedEnd || !page.more) return missed;
    before = oldest.id;
  }
}

async function acceptAll(
  { bot, room }: Stop,
  missed: readonly RoomMessage[],
  { accept, clock }: CatchUpParts,
  stop: AbortSignal,
): Promise<number> {
  let accepted = 0;
  for (const message of missed) {
    const saidAt = Date.parse(message.createdAt);
    await clock.sleep(Math.max(0, Math.min(underWayMs, saidAt + underWayMs - clock.now())), stop);
    if (stop.aborted) break;
    if ((await accept(bot, { ...asWebhook(message, room, bot), saidAt })) === 'accepted') accepted++;
  }
  return accepted;
}

/** The message as its webhook would have brought it, but with the HTML rendered. */
function asWebhook({ id, creator, html, plain }: RoomMessage, room: SeenRoom, bot: Bot): WebhookMessage {
  return {
    ...{ roomId: room.roomId, roomName: room.name, messageId: id },
    author: { id: creator.id, name: creator.name },
    // An uploaded file has no body.
    html: html.trim() === '' ? null : html,
    plain: plain.replaceAll(`@${bot.name}`, '').trim(),
    permalinkPath: `/rooms/${room.roomId}/@${id}`,
  };
}
