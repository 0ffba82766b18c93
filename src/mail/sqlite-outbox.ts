import type { Clock } from '../lib/clock.ts';
import type { Store } from '../store/sqlite.ts';
import {
  type Conversation,
  type DeliveryResult,
  type DueConversation,
  dueTime,
  type Message,
  type NoticeState,
  type Outbox,
  type OutboxRow,
} from './mail.ts';
import { readMessages } from './sqlite-rows.ts';

/** The outbox in the embedded database. A row found `sending` is in doubt: one process writes, and it knows its own. */
export function createOutbox(store: Store, clock: Clock): Outbox {
  return {
    async conversationsWithOutbox(perBotMax) {
      const found = store.all<DueConversation>(
        `SELECT bot_id AS botId, room_id AS roomId, due_at AS at FROM
           (SELECT bot_id, room_id, due_at, row_number() OVER (PARTITION BY bot_id ORDER BY due_at) AS place
            FROM outbox WHERE id IN
              (SELECT min(id) FROM outbox WHERE state IN ('pending', 'sending') GROUP BY bot_id, room_id))
         WHERE place <= ? ORDER BY due_at`,
        perBotMax,
      );
      return found.map(({ at, ...conversation }) => ({ ...conversation, at: dueTime(at, clock.now()) }));
    },
    async takeOutbox(conversation, now) {
      const row = store.lazily(() => takeFirst(store, conversation, now, clock.now()));
      if (row) await keepMark(store, row);
      return row;
    },
    async settleOutbox(row, result) {
      // A power cut leaves the row in doubt, and doubt is resolved.
      store.lazily(() => record(store, row, result, clock.now()));
    },
    async noticeOf({ id }) {
      return noticeOf(store, id);
    },
  };
}

/**
 * The mark, and what was decided, are on disk before anybody could see the post: a mark that a power cut takes back would
 * mean a second post. The price: who is killed during this wait finds a row in doubt that was never posted. A sync ahead
 * of the mark would not spare it, because the mark needs its own.
 */
async function keepMark(store: Store, row: OutboxRow): Promise<void> {
  try {
    await store.synced();
  } catch (error) {
    // Nothing is posted, so there is no doubt that was not there before.
    if (!row.inDoubt)
      store.lazily(() =>
        store.run(`UPDATE outbox SET state = 'pending' WHERE id = ? AND state = 'sending'`, row.id),
      );
    throw error;
  }
}

function takeFirst(store: Store, conversation: Conversation, until: number, now: number): OutboxRow | null {
  const first = store.get<
    Omit<OutboxRow, 'inDoubt' | 'messages' | 'noticeId'> & { state: string; dueAt: number }
  >(
    `SELECT outbox.id, turn_id AS turnId, outbox.bot_id AS botId, outbox.room_id AS roomId, ordinal, kind, body,
            outbox.state, tries, outbox.due_at AS dueAt, decided_at AS decidedAt,
            (SELECT max(campfire_id) FROM outbox AS earlier
             WHERE earlier.turn_id = outbox.turn_id AND earlier.ordinal < outbox.ordinal) AS sentBefore
     FROM outbox JOIN turns ON turns.id = turn_id
     WHERE outbox.bot_id = ? AND outbox.room_id = ? AND outbox.state IN ('pending', 'sending')
     ORDER BY outbox.id LIMIT 1`,
    ...[conversation.botId, conversation.roomId],
  );
  if (!first || dueTime(first.dueAt, until) > until) return null;
  const [message, ...others] = answeredBy(store, first.turnId);
  if (!message) {
    // Nobody could write it, and it must not hold back for ever what is behind it.
    const problem = 'what it was about is not known any more';
    record(store, { ...first, noticeId: null }, { kind: 'undeliverable', problem }, now);
    return takeFirst(store, conversation, until, now);
  }
  store.run(`UPDATE outbox SET state = 'sending' WHERE id = ?`, first.id);
  const { state, dueAt: _, ...row } = first;
  const notice = row.ordinal === 0 ? noticeOf(store, row.turnId) : null;
  return {
    ...{ ...row, messages: [message, ...others], inDoubt: state === 'sending' },
    noticeId: notice?.kind === 'shown' ? notice.id : null,
  };
}

/** What a turn is over; for the carrier of a notice, what the notice is about, which may have another one since. */
function answeredBy(store: Store, turnId: number): Message[] {
  const own = readMessages(store, 'turn_id = ?', turnId);
  if (own.length > 0) return own;
  return readMessages(
    store,
    'noticed_by = ?1 OR id IN (SELECT value FROM turns, json_each(about) WHERE turns.id = ?1)',
    turnId,
  );
}

/** The notice of a turn's messages is the row of its carrier, and theirs alone if no other turn's message names it. */
function noticeOf(store: Store, turnId: number): NoticeState {
  const carriers = store.all<{ id: number | null }>(
    'SELECT DISTINCT noticed_by AS id FROM messages WHERE turn_id = ?',
    turnId,
  );
  const [carrier] = carriers;
  if (carriers.length === 1 && carrier?.id === null) return { kind: 'none' };
  const row = store.get<{ state: string; campfireId: number | null }>(
    `SELECT state, campfire_id AS campfireId FROM outbox WHERE turn_id = ?1 AND NOT EXISTS
       (SELECT 1 FROM messages WHERE noticed_by = ?1 AND turn_id IS NOT ?2)`,
    ...[carrier?.id ?? 0, turnId],
  );
  if (carriers.length !== 1 || !row) return { kind: 'fixed' };
  if (row.state === 'pending' || row.state === 'sending') return { kind: 'on-its-way' };
  return row.campfireId === null ? { kind: 'fixed' } : { kind: 'shown', id: row.campfireId };
}

function record(
  store: Store,
  row: Pick<OutboxRow, 'id' | 'turnId' | 'noticeId'>,
  result: DeliveryResult,
  now: number,
): void {
  switch (result.kind) {
    case 'retry':
    case 'ask-again':
      store.run(
        `UPDATE outbox SET state = ?, tries = tries + 1, due_at = ?, problem = ? WHERE id = ?`,
        result.kind === 'retry' ? 'pending' : 'sending',
        Math.round(result.at),
        result.problem,
        row.id,
      );
      return;
    case 'replaced':
      store.run(
        `UPDATE outbox SET state = 'pending', kind = ?, body = ?, problem = ? WHERE id = ?`,
        ...[result.draft.kind, result.draft.body, result.problem, row.id],
      );
      return;
    case 'sent':
    case 'undeliverable':
      store.run(
        `UPDATE outbox SET state = ?, campfire_id = ?, problem = ? WHERE id = ?`,
        result.kind,
        result.kind === 'sent' ? result.campfireId : null,
        result.kind === 'undeliverable' ? result.problem : null,
        row.id,
      );
      if (row.noticeId !== null) {
        // It was deleted or has become the answer: nobody may touch it any more.
        store.run(
          `UPDATE outbox SET campfire_id = NULL WHERE turn_id IN
             (SELECT noticed_by FROM messages WHERE turn_id = ?)`,
          row.turnId,
        );
      }
      store.run(
        `UPDATE turns SET state = 'settled', settled_at = ? WHERE id = ? AND state = 'decided' AND NOT EXISTS
           (SELECT 1 FROM outbox WHERE turn_id = turns.id AND state IN ('pending', 'sending'))`,
        now,
        row.turnId,
      );
  }
}
