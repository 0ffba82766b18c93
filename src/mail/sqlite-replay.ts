import type { Store } from '../store/sqlite.ts';
import type { Conversation, Message, Outcome, Replay, ReplayOf } from './mail.ts';
import { readMessages } from './sqlite-rows.ts';

/** Another turn for what has its outcome. The old turn stays, without messages, as what it wrote stays in the room. */
export function replay(store: Store, of: ReplayOf, force: boolean, now: number): Replay {
  const waits =
    'messageId' in of &&
    store.get(
      'SELECT 1 FROM messages WHERE bot_id = ? AND message_id = ? AND turn_id IS NULL',
      ...[of.botId, of.messageId],
    ) !== undefined;
  if (waits) return { kind: 'unfinished' };
  const turn = findTurn(store, of);
  if (!turn) return { kind: 'unknown' };
  const messages = readMessages(store, 'turn_id = ? AND at_once = 0', turn.id);
  if (messages.length === 0) return { kind: 'unknown' };
  if (turn.state !== 'settled') return { kind: 'unfinished' };
  const was: Outcome =
    turn.kind === 'answered' || turn.kind === 'stopped'
      ? { kind: turn.kind }
      : { kind: turn.kind, cause: turn.cause ?? '' };
  if (!force && !('cause' in was) && !lostPost(store, turn.id)) return { kind: 'finished', was };
  const conversation = { botId: turn.botId, roomId: turn.roomId };
  const ahead = countWaiting(store, conversation);
  putBehind(store, turn, now);
  const [first, ...rest] = messages.map(
    (message): Message => ({
      ...{ ...message, receivedAt: now, replays: message.replays + 1 },
    }),
  );
  return { kind: 'replayed', conversation, messages: [first as Message, ...rest], was, ahead };
}

interface SettledTurn extends Conversation {
  id: number;
  state: string;
  kind: Outcome['kind'];
  cause: string | null;
}

/** Carriers of notices have no outcome. */
function findTurn(store: Store, of: ReplayOf): SettledTurn | undefined {
  const columns = 'id, bot_id AS botId, room_id AS roomId, state, outcome AS kind, cause';
  const known = `(outcome IS NOT NULL OR state = 'running')`;
  return 'turnId' in of
    ? store.get<SettledTurn>(`SELECT ${columns} FROM turns WHERE id = ? AND ${known}`, of.turnId)
    : store.get<SettledTurn>(
        `SELECT ${columns} FROM turns WHERE ${known} AND id =
           (SELECT turn_id FROM messages WHERE bot_id = ? AND message_id = ? AND at_once = 0)`,
        ...[of.botId, of.messageId],
      );
}

function lostPost(store: Store, turnId: number): boolean {
  const lost = `SELECT 1 FROM outbox WHERE turn_id = ? AND state = 'undeliverable'`;
  return store.get(lost, turnId) !== undefined;
}

function countWaiting(store: Store, { botId, roomId }: Conversation): number {
  const row = store.get<{ n: number }>(
    `SELECT (SELECT count(*) FROM messages WHERE bot_id = ?1 AND room_id = ?2 AND turn_id IS NULL AND at_once = 0)
       + (SELECT count(*) FROM messages JOIN turns ON turns.id = turn_id
          WHERE turns.bot_id = ?1 AND turns.room_id = ?2 AND turns.state = 'running') AS n`,
    ...[botId, roomId],
  );
  return row?.n ?? 0;
}

/** One place behind the last: the next message of the room has an id at least as large, and a younger row. */
function putBehind(store: Store, { id, botId, roomId }: SettledTurn, now: number): void {
  store.run(
    `UPDATE messages SET turn_id = NULL, received_at = ?1, replays = replays + 1, counted = 0, told_at = NULL,
       position = (SELECT max(position) + 1 FROM messages WHERE bot_id = ?2 AND room_id = ?3),
       noticed_by = (SELECT turn_id FROM outbox WHERE turn_id = noticed_by AND state IN ('pending', 'sending'))
     WHERE turn_id = ?4 AND at_once = 0`,
    ...[now, botId, roomId, id],
  );
}
