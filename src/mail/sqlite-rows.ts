import type { Store } from '../store/sqlite.ts';
import type { Conversation, Message } from './mail.ts';

/** What mailbox and outbox have in common: reading messages, and putting rows behind each other. */

/** What a turn is over. */
export function messagesOf(store: Store, turnId: number): [Message, ...Message[]] {
  const [first, ...rest] = readMessages(store, 'turn_id = ?', turnId);
  if (!first) throw new Error(`Turn ${turnId} has no message.`);
  return [first, ...rest];
}

/** A message's columns, as the contract names them. */
export const messageColumns =
  'id, message_id AS messageId, author_id AS authorId, content, received_at AS receivedAt, replays';

/** Messages in the order of their conversation. `condition` is SQL of this folder. */
export function readMessages(store: Store, condition: string, ...values: (string | number)[]): Message[] {
  return store.all<Message>(
    `SELECT ${messageColumns} FROM messages WHERE ${condition} ORDER BY position, id`,
    ...values,
  );
}

/** What waits in a conversation. The index is named because SQLite, which counts nothing, would read all that was ever said. */
export function readLane(
  store: Store,
  { botId, roomId }: Conversation,
  lane: 'queued' | 'at-once',
): Array<Message & { noticedBy: number | null }> {
  return store.all(
    `SELECT ${messageColumns}, noticed_by AS noticedBy FROM messages INDEXED BY messages_waiting
     WHERE bot_id = ? AND room_id = ? AND turn_id IS NULL AND at_once = ? ORDER BY position, id`,
    ...[botId, roomId, lane === 'at-once' ? 1 : 0],
  );
}

export interface NewRow {
  turnId: number;
  ordinal: number;
  kind: string;
  body: string;
  now: number;
}

/** Puts a row behind everything its conversation has to send. */
export function addRow(store: Store, { botId, roomId }: Conversation, row: NewRow): void {
  store.run(
    `INSERT INTO outbox (turn_id, bot_id, room_id, ordinal, kind, body, state, due_at)
     VALUES (?, ?, ?, ?, ?, ?, 'pending', ?)`,
    ...[row.turnId, botId, roomId, row.ordinal, row.kind, row.body, row.now],
  );
}
