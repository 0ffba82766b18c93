import type { Standing } from '../mail/mail.ts';

/**
 * How much is taken, decided from what stands beside a message; pure. The numbers are those of docs/conversations.md.
 */

const authorHerePerMinute = 10;
const authorInAllPerMinute = 60;
const botsInRoomPerMinute = 20;
const waitingHereMax = 50;
const waitingInAllMax = 10_000;

export type FloodReason = 'too-fast' | 'bots' | 'full-here' | 'full';

/** `say`: whether the room is told; one line a minute is enough for whoever writes in one conversation. */
export type FloodVerdict =
  | { kind: 'take' }
  | { kind: 'refuse'; reason: FloodReason; count: number; limit: number; say: boolean };

export function decideFlood(standing: Standing, fromBot: boolean): FloodVerdict {
  const { waitingHere, waitingInAll, lastMinute, toldLately } = standing;
  const refuse = (reason: FloodReason, count: number, limit: number): FloodVerdict => ({
    ...{ kind: 'refuse', reason, count, limit, say: !toldLately },
  });
  if (fromBot && lastMinute.ofBotsInRoom > botsInRoomPerMinute)
    return refuse('bots', lastMinute.ofBotsInRoom, botsInRoomPerMinute);
  if (lastMinute.ofAuthorHere > authorHerePerMinute)
    return refuse('too-fast', lastMinute.ofAuthorHere, authorHerePerMinute);
  if (lastMinute.ofAuthorInAll > authorInAllPerMinute)
    return refuse('too-fast', lastMinute.ofAuthorInAll, authorInAllPerMinute);
  if (waitingHere > waitingHereMax) return refuse('full-here', waitingHere, waitingHereMax);
  if (waitingInAll > waitingInAllMax) return refuse('full', waitingInAll, waitingInAllMax);
  return { kind: 'take' };
}
