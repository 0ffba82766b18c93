import type { Store } from '../store/sqlite.ts';
import type { IncomingMail, Standing } from './mail.ts';

const minuteMs = 60_000;

/** What stands beside a message that was just written. Asked with every webhook: nothing here grows with what waits. */
export function standingOf(store: Store, { botId, roomId, authorId }: IncomingMail, now: number): Standing {
  const count = (sql: string, ...values: (string | number)[]) =>
    (store.get<{ n: number }>(`SELECT count(*) AS n FROM messages WHERE ${sql}`, ...values) as { n: number })
      .n;
  // Not later than now: after the clock was set back, what came before it would count for as long as the step.
  const lately = [now - minuteMs, now] as const;
  const ofAuthor = 'author_id = ? AND received_at > ? AND received_at <= ? AND counted = 1';
  const ofBots = 'room_id = ? AND received_at > ? AND received_at <= ? AND counted = 1 AND from_bot = 1';
  const told = 'author_id = ? AND told_at > ? AND told_at <= ? AND bot_id = ? AND room_id = ?';
  return {
    waitingHere: count('turn_id IS NULL AND at_once = 0 AND bot_id = ? AND room_id = ?', botId, roomId),
    waitingInAll: (store.get<{ queued: number }>('SELECT queued FROM mail_totals') as { queued: number })
      .queued,
    lastMinute: {
      ofAuthorHere: count(`${ofAuthor} AND bot_id = ? AND room_id = ?`, authorId, ...lately, botId, roomId),
      ofAuthorInAll: count(ofAuthor, authorId, ...lately),
      ofBotsInRoom: count(ofBots, roomId, ...lately),
    },
    toldLately: count(told, authorId, ...lately, botId, roomId) > 0,
  };
}
