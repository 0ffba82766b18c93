import type { Store } from '../store/sqlite.ts';
import type { SeenRoom } from './history.ts';
import type { Conversation, IncomingMail, Outcome } from './mail.ts';

/** All that the embedded database keeps of mail, for whoever moves it into another driver. */

/** Messages that one turn was over; or one that waits, on its own. */
export interface KeptMessages extends Conversation {
  messages: Array<IncomingMail & { receivedAt: number }>;
  /** Null while there is no outcome; then the messages are to have their turn yet. */
  outcome: Outcome | null;
  /** Epoch ms of the outcome. */
  decidedAt: number;
}

interface KeptRow {
  botId: string;
  roomId: number;
  messageId: number | null;
  authorId: number;
  content: string;
  receivedAt: number;
  fromBot: number;
  atOnce: number;
  turnId: number | null;
  outcome: Outcome['kind'] | null;
  cause: string | null;
  decidedAt: number | null;
}

/** Conversation by conversation; within one what has its outcome first, then what waits, both in order. */
export function* keptMessages(store: Store): Generator<KeptMessages> {
  const rows = store.all<KeptRow>(`
    SELECT m.bot_id AS botId, m.room_id AS roomId, m.message_id AS messageId, author_id AS authorId, content,
      received_at AS receivedAt, from_bot AS fromBot, at_once AS atOnce, outcome, cause, decided_at AS decidedAt,
      iif(outcome IS NULL, NULL, t.id) AS turnId
    FROM messages m LEFT JOIN turns t ON t.id = m.turn_id
    ORDER BY m.bot_id, m.room_id, outcome IS NULL, t.id, position, m.id`);
  let last: KeptMessages | null = null;
  let lastTurn: number | null = null;
  for (const { turnId, outcome, cause, decidedAt, ...row } of rows) {
    const message = { ...row, fromBot: row.fromBot === 1, atOnce: row.atOnce === 1 };
    if (last && turnId !== null && turnId === lastTurn) {
      last.messages.push(message);
      continue;
    }
    if (last) yield last;
    const { botId, roomId, receivedAt } = row;
    last = {
      botId,
      roomId,
      messages: [message],
      outcome: outcomeOf(outcome, cause),
      decidedAt: decidedAt ?? receivedAt,
    };
    lastTurn = turnId;
  }
  if (last) yield last;
}

export function keptRooms(store: Store): SeenRoom[] {
  return store.all<SeenRoom>(
    'SELECT bot_id AS botId, room_id AS roomId, name FROM rooms_seen ORDER BY seen_at',
  );
}

function outcomeOf(kind: Outcome['kind'] | null, cause: string | null): Outcome | null {
  if (kind === null) return null;
  return kind === 'failed' || kind === 'undeliverable' ? { kind, cause: cause ?? '' } : { kind };
}
