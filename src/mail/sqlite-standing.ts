import type { Store } from '../store/sqlite.ts';
import type { IncomingMail, Standing } from './mail.ts';

const minuteMs = 60_000;

/** What stands beside a message that was just written. Asked with every webhook: nothing here grows with what waits. */
export function standingOf(store: Store, { botId, roomId, authorId }: IncomingMail, now: number): Standing {
  const count = (sql: string, ...values: (string | number)[]) =>
    (store.get<{ n: number }>(`SELECT count(*) AS n FROM messages WHERE ${sql}`, ...values) as { n: number })
      .n;
  const since = now - minuteMs;
  const ofAuthor = 'author_id = ? AND received_at > ? AND counted = 1';
  return {
    waitingHere: count('turn_id IS NULL AND at_once = 0 AND bot_id = ? AND room_id = ?', botId, roomId),
    waitingInAll: (store.get<{ queued: number }>('SELECT queued FROM mail_totals') as { queued: number })
      .queued,
    lastMinute: {
      ofAuthorHere: count(`${ofAuthor} AND bot_id = ? AND room_id = ?`, authorId, since, botId, roomId),
      ofAuthorInAll: count(ofAuthor, authorId, since),
      ofBotsInRoom: count('room_id = ? AND received_at > ? AND counted = 1 AND from_bot = 1', roomId, since),
    },
    toldLately:
      count('author_id = ? AND told_at > ? AND bot_id = ? AND room_id = ?', authorId, since, botId, roomId) >
      0,
  };
}
