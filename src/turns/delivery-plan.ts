import type { Conversation, DueConversation } from '../mail/mail.ts';
import type { Health } from './health.ts';

/**
 * Which conversations may send now. Pure: what waits, what is under way and a time go in.
 *
 * Campfire's own web server has a handful of threads, so few posts run at once. One that takes long gives its place
 * back (and counts against a second, wider limit), so that rooms which hang cannot hold the others; places go to the
 * bot that has the fewest. While a key or Campfire is unhealthy, one conversation at a time tries whether it still is.
 */

export const quickMax = 16;
export const slowAfterMs = 3000;
export const slowMax = 32;

export interface Sending extends Conversation {
  /** Of the row that it sends now. */
  forMs: number;
}

export interface PlanReading {
  /** The first due first; of each bot more than may begin, if there are more. */
  waiting: readonly DueConversation[];
  sending: readonly Sending[];
  campfire: Health;
  bot: (id: string) => Health;
  now: number;
}

export interface SendPlan {
  start: readonly Conversation[];
  /** Epoch ms at which the answer may be another one without anybody waking us; Infinity if never. */
  lookAgainAt: number;
}

export function planSends({ waiting, sending, campfire, bot, now }: PlanReading): SendPlan {
  const busy = new Set(sending.map(nameOf));
  const perBot = new Map<string, number>();
  for (const { botId } of sending) perBot.set(botId, (perBot.get(botId) ?? 0) + 1);
  const due = new Map<string, Conversation[]>();
  let lookAgainAt = Number.POSITIVE_INFINITY;

  for (const { at, botId, roomId } of waiting) {
    if (busy.has(nameOf({ botId, roomId }))) continue;
    const opensAt = Math.max(at, opening(campfire), opening(bot(botId)));
    if (opensAt > now) lookAgainAt = Math.min(lookAgainAt, opensAt);
    else {
      const ofBot = due.get(botId) ?? [];
      ofBot.push({ botId, roomId });
      due.set(botId, ofBot);
    }
  }

  let places = freePlaces(sending);
  if (campfire.state === 'unhealthy') {
    places = sending.some(({ forMs }) => forMs < slowAfterMs) ? 0 : Math.min(places, 1);
  }
  const start: Conversation[] = [];
  while (start.length < places) {
    const next = fewestUnderWay([...due.keys()], perBot, bot);
    const first = next === undefined ? undefined : due.get(next)?.shift();
    if (next === undefined || !first) break;
    start.push(first);
    perBot.set(next, (perBot.get(next) ?? 0) + 1);
    if (due.get(next)?.length === 0) due.delete(next);
  }
  if (due.size > 0) lookAgainAt = Math.min(lookAgainAt, now + nextSlowInMs(sending));
  return { start, lookAgainAt };
}

/** The bot whose turn it is; an unhealthy one has one try at a time. */
function fewestUnderWay(
  ids: readonly string[],
  underWay: ReadonlyMap<string, number>,
  bot: (id: string) => Health,
): string | undefined {
  const count = (id: string) => underWay.get(id) ?? 0;
  const allowed = ids.filter((id) => bot(id).state === 'ok' || count(id) === 0);
  return allowed.sort((a, b) => count(a) - count(b))[0];
}

function freePlaces(sending: readonly Sending[]): number {
  const slow = sending.filter(({ forMs }) => forMs >= slowAfterMs).length;
  const quick = sending.length - slow;
  // Beyond their own limit slow ones take the places of quick ones.
  return Math.max(0, quickMax - quick - Math.max(0, slow - slowMax));
}

function nextSlowInMs(sending: readonly Sending[]): number {
  const left = sending.map(({ forMs }) => slowAfterMs - forMs).filter((ms) => ms > 0);
  return left.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...left);
}

function opening(health: Health): number {
  return health.state === 'ok' ? 0 : health.probeAt;
}

function nameOf({ roomId, botId }: Conversation): string {
  return `${roomId}:${botId}`;
}
