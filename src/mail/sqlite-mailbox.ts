import { randomUUID } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { Store } from '../store/sqlite.ts';
import { firstBurst } from './burst.ts';
import {
  type Accepted,
  type Conversation,
  type IncomingMail,
  type Mailbox,
  type MailCounts,
  type Message,
  type Notice,
  type OutboxDraft,
  type Outcome,
  type PendingConversation,
  type Settlement,
  type Situation,
  type Turn,
  TurnDecidedError,
} from './mail.ts';
import { addRow, messageColumns, messagesOf, readLane } from './sqlite-rows.ts';
import { standingOf } from './sqlite-standing.ts';

/**
 * The mailbox in the embedded database. One process writes, so "a turn nobody runs" needs no mark: the dispatcher
 * knows what it runs, and a turn found running after a start is one that was cut off.
 *
 * Only `accept` waits for the disk. An outcome that a power cut takes back is found anew, as nobody has seen it: the outbox
 * syncs before the first post, and the next message that is accepted takes along what was committed before it.
 */

export function createMailbox(store: Store, clock: Clock): Omit<Mailbox, 'replay'> {
  return {
    async accept(mail) {
      const accepted = store.lazily((): Accepted => {
        const message = insert(store, mail, clock.now());
        if (!message) return { kind: 'duplicate' };
        return { kind: 'accepted', message, standing: standingOf(store, mail, clock.now()) };
      });
      // A duplicate waits, too: the first one may be on its way to the disk.
      await store.synced();
      return accepted;
    },
    async conversationsWithMail() {
      return pending(store, clock.now());
    },
    async situation(conversation) {
      return situationOf(store, conversation);
    },
    async begin(conversation, prompt = 'new') {
      return store.lazily(() => beginTurn(store, conversation, prompt, clock.now()));
    },
    async giveBack(turn, postponed) {
      store.lazily(() => {
        const { changes } = store.run(
          `UPDATE turns SET attempt = attempt - 1, due_at = ?, postponements = postponements + ?
           WHERE id = ? AND state = 'running'`,
          ...[postponed?.until ?? null, postponed ? 1 : 0, turn.id],
        );
        if (changes === 1 && postponed?.notice)
          carryNotice(store, turn, { ...postponed.notice, now: clock.now() }, turn.messages);
      });
    },
    async decide(turn, outcome, drafts) {
      store.lazily(() => {
        if (!decideTurn(store, turn.id, outcome, drafts.length, clock.now()))
          throw new TurnDecidedError(`Turn ${turn.id} is already decided.`);
        addRows(store, turn, turn.id, drafts, clock.now());
      });
    },
    async settle(conversation, settlement) {
      return store.lazily(() => settleAtOnce(store, conversation, settlement, clock.now()));
    },
    async notice(conversation, messages, notice) {
      return store.lazily(() => {
        const unnoticed = messages.filter(({ id }) => isUnnoticed(store, id));
        if (unnoticed.length > 0)
          carryNotice(store, conversation, { ...notice, now: clock.now() }, unnoticed);
        return unnoticed.length > 0;
      });
    },
    async counts() {
      return countMail(store);
    },
  };
}

function insert(store: Store, mail: IncomingMail, now: number): Message | undefined {
  const { botId, roomId, messageId, authorId, content } = mail;
  const { fromBot = false, atOnce = false, fetched = false } = mail;
  // A message without an id takes the place behind everything that has arrived in its conversation.
  return store.get<Message>(
    `INSERT INTO messages
       (bot_id, room_id, message_id, position, author_id, content, received_at, from_bot, at_once, counted)
     VALUES (?1, ?2, ?3,
       coalesce(?3, (SELECT max(position) FROM messages WHERE bot_id = ?1 AND room_id = ?2), 0),
       ?4, ?5, ?6, ?7, ?8, ?9)
     ON CONFLICT DO NOTHING
     RETURNING ${messageColumns}`,
    ...[botId, roomId, messageId, authorId, content, now],
    ...[Number(fromBot), Number(atOnce), Number(!atOnce && !fetched)],
  );
}

function pending(store: Store, now: number): PendingConversation[] {
  const rows = store.all<
    Conversation & { queued: number; later: number; atOnce: number; unnoticedSince: number | null }
  >(
    `SELECT botId, roomId, max(queued) AS queued, max(later) AS later, max(atOnce) AS atOnce,
            min(unnoticed) AS unnoticedSince
     FROM (
       SELECT bot_id AS botId, room_id AS roomId, at_once = 0 AS queued, 0 AS later, at_once AS atOnce,
              CASE WHEN at_once = 0 AND noticed_by IS NULL THEN received_at END AS unnoticed, received_at AS at
       FROM messages WHERE turn_id IS NULL
       UNION ALL
       SELECT bot_id, room_id, 1, coalesce(due_at, 0) > ?, 0, NULL, started_at FROM turns WHERE state = 'running'
     ) GROUP BY botId, roomId ORDER BY min(at)`,
    now,
  );
  return rows.map(({ botId, roomId, queued, later, atOnce, unnoticedSince }) => ({
    ...{ botId, roomId, unnoticedSince },
    ...{ ready: queued === 1 && later === 0, atOnce: atOnce === 1 },
  }));
}

const turnColumns = `id, bot_id AS botId, room_id AS roomId, attempt, postponements, prompt_uuid AS promptUuid,
  previous_prompt_uuid AS previousPromptUuid, started_at AS startedAt`;

type TurnRow = Omit<Turn, 'messages'>;

function unfinished(store: Store, { botId, roomId }: Conversation) {
  return store.get<TurnRow & { dueAt: number | null }>(
    `SELECT ${turnColumns}, due_at AS dueAt FROM turns WHERE bot_id = ? AND room_id = ? AND state = 'running'`,
    botId,
    roomId,
  );
}

function situationOf(store: Store, conversation: Conversation): Situation {
  const turn = unfinished(store, conversation);
  return {
    turn: turn ? { ...turn, messages: messagesOf(store, turn.id) } : null,
    waiting: readLane(store, conversation, 'queued').map(({ noticedBy, ...message }) => ({
      ...{ ...message, noticed: noticedBy !== null },
    })),
    atOnce: readLane(store, conversation, 'at-once')
      .map(({ noticedBy: _, ...message }) => message)
      .sort((a, b) => a.id - b.id),
  };
}

function beginTurn(
  store: Store,
  conversation: Conversation,
  prompt: 'new' | 'same',
  now: number,
): Turn | null {
  const cutOff = unfinished(store, conversation);
  if (cutOff ? (cutOff.dueAt ?? 0) > now : prompt === 'same') return null;
  const turn = cutOff ? beginAgain(store, cutOff, prompt) : beginNext(store, conversation, now);
  return turn ? { ...turn, messages: messagesOf(store, turn.id) } : null;
}

function beginAgain(
  store: Store,
  { id, promptUuid, previousPromptUuid }: TurnRow,
  prompt: 'new' | 'same',
): TurnRow | undefined {
  return store.get<TurnRow>(
    `UPDATE turns SET attempt = attempt + 1, previous_prompt_uuid = ?, prompt_uuid = ?, due_at = NULL
     WHERE id = ? RETURNING ${turnColumns}`,
    ...(prompt === 'same' ? [previousPromptUuid, promptUuid] : [promptUuid, randomUUID()]),
    id,
  );
}

function beginNext(store: Store, conversation: Conversation, now: number): TurnRow | null {
  const burst = firstBurst(readLane(store, conversation, 'queued'));
  if (burst.length === 0) return null;
  const turn = store.get<TurnRow>(
    `INSERT INTO turns (bot_id, room_id, state, attempt, prompt_uuid, started_at)
     VALUES (?, ?, 'running', 1, ?, ?) RETURNING ${turnColumns}`,
    ...[conversation.botId, conversation.roomId, randomUUID(), now],
  ) as TurnRow;
  for (const { id } of burst) store.run('UPDATE messages SET turn_id = ? WHERE id = ?', turn.id, id);
  return turn;
}

/** False when the turn is not running any more. */
function decideTurn(store: Store, id: number, outcome: Outcome, rows: number, now: number): boolean {
  const { changes } = store.run(
    `UPDATE turns SET state = ?, outcome = ?, cause = ?, decided_at = ?, settled_at = ?
     WHERE id = ? AND state = 'running'`,
    rows === 0 ? 'settled' : 'decided',
    outcome.kind,
    'cause' in outcome ? outcome.cause : null,
    now,
    rows === 0 ? now : null,
    id,
  );
  return changes === 1;
}

function addRows(
  store: Store,
  conversation: Conversation,
  turnId: number,
  drafts: readonly OutboxDraft[],
  now: number,
): void {
  for (const [ordinal, { kind, body }] of drafts.entries())
    addRow(store, conversation, { turnId, ordinal, kind, body, now });
}

function settleAtOnce(
  store: Store,
  conversation: Conversation,
  { messages, stopTurn, outcome, drafts }: Settlement,
  now: number,
): boolean {
  const waits = ({ id }: Message) =>
    store.get('SELECT 1 FROM messages WHERE id = ? AND turn_id IS NULL', id) !== undefined;
  if (messages.length === 0 || !messages.every(waits)) return false;
  if (stopTurn !== null && !decideTurn(store, stopTurn, { kind: 'stopped' }, 0, now)) return false;
  const turnId = addDecided(store, conversation, drafts.length > 0, now, outcome);
  const toldAt = outcome.kind === 'failed' && drafts.length > 0 ? now : null;
  for (const { id } of messages) {
    store.run(
      'UPDATE messages SET turn_id = ?, counted = 0, told_at = ? WHERE id = ?',
      ...[turnId, toldAt, id],
    );
  }
  addRows(store, conversation, turnId, drafts, now);
  return true;
}

function isUnnoticed(store: Store, messageId: number): boolean {
  const found = store.get(
    `SELECT 1 FROM messages LEFT JOIN turns ON turns.id = turn_id
     WHERE messages.id = ? AND noticed_by IS NULL AND (turn_id IS NULL OR turns.state = 'running')`,
    messageId,
  );
  return found !== undefined;
}

/** Notices are rows like any other; what carries them is a turn without messages and without an outcome. */
function carryNotice(
  store: Store,
  conversation: Conversation,
  { ordinal, body, now }: Notice & { now: number },
  messages: readonly Message[],
): void {
  const turnId = addDecided(store, conversation, true, now, null);
  const about = JSON.stringify(messages.map(({ id }) => id));
  store.run('UPDATE turns SET about = ? WHERE id = ?', about, turnId);
  store.run('UPDATE messages SET noticed_by = ? WHERE id IN (SELECT value FROM json_each(?))', turnId, about);
  addRow(store, conversation, { turnId, ordinal, kind: 'waiting', body, now });
}

/** A turn that no agent had. */
function addDecided(
  store: Store,
  { botId, roomId }: Conversation,
  hasRows: boolean,
  now: number,
  outcome: Outcome | null,
): number {
  const turn = store.get<{ id: number }>(
    `INSERT INTO turns (bot_id, room_id, state, attempt, prompt_uuid, started_at, decided_at, settled_at, outcome, cause)
     VALUES (?1, ?2, ?3, 0, '', ?4, ?4, ?5, ?6, ?7) RETURNING id`,
    ...[botId, roomId, hasRows ? 'decided' : 'settled', now, hasRows ? null : now],
    outcome?.kind ?? null,
    outcome && 'cause' in outcome ? outcome.cause : null,
  );
  return (turn as { id: number }).id;
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
