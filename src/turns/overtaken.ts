import type { Clock } from '../lib/clock.ts';
import type { IncomingMail } from '../mail/mail.ts';

/**
 * Stops whose question may still be on its way: Campfire sends its webhooks side by side, so that a later one may arrive
 * first. Kept in memory only: a question that a restart lets through is answered, and can be stopped again.
 */
export interface RecentStops {
  note(stop: Said): void;
  /** Whether its author has said stop after this message, and the stop was here first. */
  cover(message: Said): boolean;
}

type Said = Pick<IncomingMail, 'botId' | 'roomId' | 'authorId' | 'messageId'>;

/** Campfire gives a webhook up after 7 s. */
const onTheWayMs = 10_000;

export function createRecentStops(clock: Pick<Clock, 'monotonicMs'>): RecentStops {
  let stops: Array<Said & { atMs: number }> = [];
  const forgetOld = () => {
    stops = stops.filter(({ atMs }) => clock.monotonicMs() - atMs <= onTheWayMs);
  };
  return {
    note({ botId, roomId, authorId, messageId }) {
      forgetOld();
      stops.push({ botId, roomId, authorId, messageId, atMs: clock.monotonicMs() });
    },
    cover({ botId, roomId, authorId, messageId }) {
      forgetOld();
      return stops.some(
        (stop) =>
          stop.botId === botId &&
          stop.roomId === roomId &&
          stop.authorId === authorId &&
          stop.messageId !== null &&
          messageId !== null &&
          messageId < stop.messageId,
      );
    },
  };
}
