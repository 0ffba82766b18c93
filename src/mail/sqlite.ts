import { randomUUID } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { Store } from '../store/sqlite.ts';
import type {
  Conversation,
  DeliveryResult,
  IncomingMail,
  Mail,
  MailCounts,
  Message,
  OutboxDraft,
  OutboxRow,
  Outcome,
  Turn,
} from './mail.ts';

/**
 * Mail in the embedded database. One process writes, so "a turn nobody runs" needs no mark: the dispatcher
 * knows what it runs, and a turn found running after a start is one that was cut off.
 */

/** Mail over the store, whose migrations must include those of `schema.ts`. */
export function createSqliteMail(store: Store, clock: Clock): Mail {
  return new SqliteMail(store, clock);
}

class SqliteMail implements Mail {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  async accept({
    botId,
    roomId,
    messageId,
    authorId,
    content,
  }: IncomingMail): Promise<'accepted' | 'duplicate'> {
    // A message without an id takes the place behind everything that has arrived in its conversation.
    const { changes } = this.#store.run(
      `INSERT INTO messages (bot_id, room_id, message_id, position, author_id, content, received_at)
       VALUES (?1, ?2, ?3,
         coalesce(?3, (SELECT max(position) FROM messages WHERE bot_id = ?1 AND room_id = ?2), 0), ?4, ?5, ?6)
       ON CONFLICT DO NOTHING`,
      botId,
      roomId,
      messageId,
      authorId,
      content,
      this.#clock.now(),
    );
    return changes === 1 ? 'accepted' : 'duplicate';
  }

  async conversationsWithMail() {
    return this.#store.all<{ botId: string; roomId: number }>(
      `SELECT bot_id AS botId, room_id AS roomId FROM (
         SELECT bot_id, room_id, received_at FROM messages WHERE turn_id IS NULL
         UNION ALL
         SELECT bot_id, room_id, started_at FROM turns WHERE state = 'running'
       ) GROUP BY bot_id, room_id ORDER BY min(received_at)`,
    );
  }

  async begin(conversation: Conversation) {
    return this.#store.transaction(() => beginTurn(this.#store, this.#clock, conversation));
  }

  async giveBack(turn: Turn) {
    this.#store.run(`UPDATE turns SET attempt = attempt - 1 WHERE id = ? AND state = 'running'`, turn.id);
  }

  async decide(turn: Turn, outcome: Outcome, drafts: readonly OutboxDraft[]) {
    this.#store.transaction(() => {
      const now = this.#clock.now();
      const { changes } = this.#store.run(
        `UPDATE turns SET state = ?, outcome = ?, cause = ?, decided_at = ?, settled_at = ?
         WHERE id = ? AND state = 'running'`,
        drafts.length === 0 ? 'settled' : 'decided',
        outcome.kind,
        'cause' in outcome ? outcome.cause : null,
        now,
        drafts.length === 0 ? now : null,
        turn.id,
      );
      if (changes !== 1) throw new Error(`Turn ${turn.id} is already decided.`);
      for (const [ordinal, { kind, body }] of drafts.entries()) {
        this.#store.run(
          `INSERT INTO outbox (turn_id, bot_id, room_id, ordinal, kind, body, state, due_at)
           VALUES (?, ?, ?, ?, ?, ?, 'pending', ?)`,
          turn.id,
          turn.botId,
          turn.roomId,
          ordinal,
          kind,
          body,
          now,
        );
      }
    });
  }

  async conversationsWithOutbox() {
    return this.#store.all<Conversation & { at: number }>(
      `SELECT bot_id AS botId, room_id AS roomId, due_at AS at FROM outbox WHERE id IN
         (SELECT min(id) FROM outbox WHERE state IN ('pending', 'sending') GROUP BY bot_id, room_id)
       ORDER BY due_at`,
    );
  }

  async takeOutbox(conversation: Conversation, now: number) {
    return this.#store.transaction(() => takeFirst(this.#store, conversation, now));
  }

  async settleOutbox(row: OutboxRow, result: DeliveryResult) {
    this.#store.transaction(() => {
      if (result.kind === 'retry' || result.kind === 'ask-again') {
        this.#store.run(
          `UPDATE outbox SET state = ?, tries = tries + 1, due_at = ?, problem = ? WHERE id = ?`,
          result.kind === 'retry' ? 'pending' : 'sending',
          Math.round(result.at),
          result.problem,
          row.id,
        );
        return;
      }
      if (result.kind === 'replaced') {
        this.#store.run(
          `UPDATE outbox SET state = 'pending', kind = ?, body = ?, problem = ? WHERE id = ?`,
          result.draft.kind,
          result.draft.body,
          result.problem,
          row.id,
        );
        return;
      }
      this.#store.run(
        `UPDATE outbox SET state = ?, campfire_id = ?, problem = ? WHERE id = ?`,
        result.kind,
        result.kind === 'sent' ? result.campfireId : null,
        result.kind === 'undeliverable' ? result.problem : null,
        row.id,
      );
      this.#store.run(
        `UPDATE turns SET state = 'settled', settled_at = ? WHERE id = ? AND state = 'decided' AND NOT EXISTS
           (SELECT 1 FROM outbox WHERE turn_id = turns.id AND state IN ('pending', 'sending'))`,
        this.#clock.now(),
        row.turnId,
      );
    });
  }

  async counts() {
    return countMail(this.#store);
  }
}

interface TurnRow {
  id: number;
  attempt: number;
  prompt_uuid: string;
}

function beginTurn(store: Store, clock: Clock, { botId, roomId }: Conversation): Turn | null {
  const cutOff = store.get<TurnRow>(
    `SELECT id, attempt, prompt_uuid FROM turns WHERE bot_id = ? AND room_id = ? AND state = 'running'`,
    botId,
    roomId,
  );
  const promptUuid = randomUUID();
  if (cutOff) {
    store.run(
      `UPDATE turns SET attempt = attempt + 1, previous_prompt_uuid = prompt_uuid, prompt_uuid = ? WHERE id = ?`,
      promptUuid,
      cutOff.id,
    );
    return {
      ...{ botId, roomId, id: cutOff.id, promptUuid, previousPromptUuid: cutOff.prompt_uuid },
      attempt: cutOff.attempt + 1,
      messages: messagesOf(store, cutOff.id),
    };
  }
  const oldest = store.get<{ id: number }>(
    `SELECT id FROM messages WHERE bot_id = ? AND room_id = ? AND turn_id IS NULL ORDER BY position, id LIMIT 1`,
    botId,
    roomId,
  );
  if (!oldest) return null;
  const turn = store.get<{ id: number }>(
    `INSERT INTO turns (bot_id, room_id, state, attempt, prompt_uuid, started_at)
     VALUES (?, ?, 'running', 1, ?, ?) RETURNING id`,
    botId,
    roomId,
    promptUuid,
    clock.now(),
  ) as { id: number };
  store.run('UPDATE messages SET turn_id = ? WHERE id = ?', turn.id, oldest.id);
  return {
    ...{ botId, roomId, id: turn.id, promptUuid, previousPromptUuid: null },
    attempt: 1,
    messages: messagesOf(store, turn.id),
  };
}

function messagesOf(store: Store, turnId: number): [Message, ...Message[]] {
  const [first, ...rest] = store.all<Message>(
    `SELECT message_id AS messageId, author_id AS authorId, content, received_at AS receivedAt
     FROM messages WHERE turn_id = ? ORDER BY position, id`,
    turnId,
  );
  if (!first) throw new Error(`Turn ${turnId} has no message.`);
  return [first, ...rest];
}

function takeFirst(store: Store, { botId, roomId }: Conversation, now: number): OutboxRow | null {
  const first = store.get<Omit<OutboxRow, 'inDoubt' | 'messages'> & { state: string; dueAt: number }>(
    `SELECT outbox.id, turn_id AS turnId, outbox.bot_id AS botId, outbox.room_id AS roomId, ordinal, kind, body,
            outbox.state, tries, due_at AS dueAt, decided_at AS decidedAt,
            (SELECT max(campfire_id) FROM outbox AS earlier
             WHERE earlier.turn_id = outbox.turn_id AND earlier.ordinal < outbox.ordinal) AS sentBefore
     FROM outbox JOIN turns ON turns.id = turn_id
     WHERE outbox.bot_id = ? AND outbox.room_id = ? AND outbox.state IN ('pending', 'sending')
     ORDER BY outbox.id LIMIT 1`,
    botId,
    roomId,
  );
  if (!first || first.dueAt > now) return null;
  store.run(`UPDATE outbox SET state = 'sending' WHERE id = ?`, first.id);
  const { state, dueAt: _, ...row } = first;
  return { ...row, messages: messagesOf(store, row.turnId), inDoubt: state === 'sending' };
}

function countMail(store: Store): MailCounts {
  const one = (sql: string) => (store.get<{ n: number }>(sql) as { n: number }).n;
  const waiting = one('SELECT count(*) AS n FROM messages WHERE turn_id IS NULL');
  const inTurns = one(
    `SELECT count(*) AS n FROM turns JOIN messages ON messages.turn_id = turns.id WHERE turns.state = 'running'`,
  );
  return {
    waiting,
    running: one(`SELECT count(*) AS n FROM turns WHERE state = 'running'`),
    withoutOutcome: waiting + inTurns,
    undelivered: one(`SELECT count(*) AS n FROM outbox WHERE state IN ('pending', 'sending')`),
  };
}
