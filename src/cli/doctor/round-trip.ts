import { randomBytes } from 'node:crypto';
import { type CampfireClient, createCampfireClient, type RoomMessage } from '../../campfire/client.ts';
import type { Bot } from '../../config/bot.ts';
import type { Settings } from '../../config/settings.ts';
import { type Clock, systemClock as clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { VERSION } from '../../version.ts';
import { type Check, type Finding, fail, ok, warn } from './finding.ts';

/**
 * A question on the whole way of people's: posted into a room, delivered to the running service as Campfire delivers it,
 * answered by Claude, and found in the room again. The question's own number in Campfire is what the webhook names, so
 * that nothing in the service's order or memory of messages is made up.
 */

export interface TripRequest {
  roomId: number;
  /** Null takes the default bot, or the only one. */
  botId: string | null;
  /** Where the service listens. */
  url: string;
}

const answerWithinMs = 120_000;
const lookEveryMs = 500;
const callWithinMs = 10_000;
/** Of no person in Campfire. */
const doctorsId = 2_147_483_647;

export function roundTripCheck(settings: Settings, bots: readonly Bot[], request: TripRequest): Check {
  const client = createCampfireClient({
    baseUrl: settings.campfireUrl,
    version: VERSION,
    clock,
    timeoutMs: callWithinMs,
  });
  return {
    name: 'round trip',
    run() {
      const bot = botFor(bots, request.botId);
      return bot === null
        ? fail(
            request.botId === null
              ? 'There are several bots, and none is the default.'
              : `There is no bot ${request.botId}.`,
            `Name one with --bot: ${bots.map(({ id }) => id).join(', ')}.`,
          )
        : travel(bot, request, client, clock);
    },
  };
}

function botFor(bots: readonly Bot[], id: string | null): Bot | null {
  if (id !== null) return bots.find((bot) => bot.id === id) ?? null;
  return bots.find(({ isDefault }) => isDefault) ?? (bots.length === 1 ? (bots[0] ?? null) : null);
}

async function travel(
  bot: Bot,
  { roomId, url }: TripRequest,
  client: CampfireClient,
  { monotonicMs }: Clock,
): Promise<Finding> {
  const word = `campfire-${randomBytes(4).toString('hex')}`;
  const startMs = monotonicMs();
  const since = () => `${((monotonicMs() - startMs) / 1000).toFixed(2)} s`;
  const posted = await client.post(
    bot.key,
    roomId,
    `<div>A test of the way from here to Claude and back.</div>`,
  );
  if (posted.kind !== 'posted' || posted.id === null) {
    const remedy = 'remedy' in posted ? posted.remedy : 'See what Campfire says to the bot above.';
    return fail(`Nothing can be posted in room ${roomId}: ${posted.kind}.`, remedy);
  }
  const hops = [`posted in the room after ${since()}`];
  const problem = await deliver(url, bot, { roomId, messageId: posted.id, word });
  if (problem) return problem;
  hops.push(`accepted by the service after ${since()}`);
  const answer = await findAnswer(client, bot, roomId, posted.id);
  if (answer === 'cannot-read') return withoutReading(url, hops, since);
  if (answer === null) {
    return fail(
      `${hops.join(', ')}; no answer within ${answerWithinMs / 1000} s.`,
      `Look into the service’s log for session ${roomId}:${bot.id}, and at \`monitor\`.`,
    );
  }
  hops.push(`answered in the room after ${since()}`);
  if (answer.plain.includes(word)) return ok(`${hops.join(', ')}.`);
  return fail(
    `${hops.join(', ')}, but with: ${answer.plain.slice(0, 300)}`,
    'That sentence says what is wrong; the cause is in the log line of turn.decided.',
  );
}

/** What Campfire sends. Null when it was accepted. */
async function deliver(
  url: string,
  bot: Bot,
  { roomId, messageId, word }: { roomId: number; messageId: number; word: string },
): Promise<Finding | null> {
  const body = {
    user: { id: doctorsId, name: 'doctor' },
    room: { id: roomId, name: null, path: `/rooms/${roomId}/${bot.key}/messages` },
    message: {
      ...{ id: messageId, path: `/rooms/${roomId}/@${messageId}` },
      body: { html: null, plain: `Please repeat: ${word}` },
    },
  };
  try {
    const { status } = await fetch(new URL(`/webhook/${bot.id}`, url), {
      ...{ method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
      signal: clock.timeout(callWithinMs),
    });
    if (status === 204) return null;
    return fail(
      `The service refuses the webhook (HTTP ${status}).`,
      refusals[status] ?? 'Its log says why: webhook.refused.',
    );
  } catch (error) {
    const cause = messageOf(error instanceof Error ? (error.cause ?? error) : error);
    return fail(`No service answers at ${url} (${cause}).`, 'Start it, or name its address with --url.');
  }
}

const refusals: Readonly<Record<number, string>> = {
  401: 'It has another key for this bot: give doctor the same BOTS_DIR and environment as the service.',
  404: 'It does not know this bot: give doctor the same BOTS_DIR as the service.',
  503: 'It keeps nothing now, mostly because its disk is full: see /ready.',
};

async function findAnswer(
  client: CampfireClient,
  bot: Bot,
  roomId: number,
  after: number,
): Promise<RoomMessage | null | 'cannot-read'> {
  const isAnswer = ({ html, creator }: RoomMessage) =>
    creator.id === bot.userId && new RegExp(`class="[^"]*\\bm${after}-0(?![\\w-])`).test(html);
  for (const startMs = clock.monotonicMs(); clock.monotonicMs() - startMs < answerWithinMs; ) {
    const page = await client.index(bot.key, roomId, { after });
    if (page.kind === 'unsupported') return 'cannot-read';
    const answer = page.kind === 'messages' && page.messages.find(isAnswer);
    if (answer) return answer;
    await clock.sleep(lookEveryMs);
  }
  return null;
}

/** Where bots can only post, what is left to see is whether the service has finished with everything. */
async function withoutReading(url: string, hops: string[], since: () => string): Promise<Finding> {
  for (const startMs = clock.monotonicMs(); clock.monotonicMs() - startMs < answerWithinMs; ) {
    const health = await fetch(new URL('/health', url), { signal: clock.timeout(callWithinMs) });
    const { messages_without_outcome: open } = (await health.json()) as { messages_without_outcome: number };
    if (open === 0) {
      return warn(
        `${hops.join(', ')}, decided by the service after ${since()}. This Campfire does not let bots read.`,
        'Look into the room: the answer should stand there.',
      );
    }
    await clock.sleep(lookEveryMs);
  }
  return fail(
    `${hops.join(', ')}; no outcome within ${answerWithinMs / 1000} s.`,
    'Look into the service’s log.',
  );
}
