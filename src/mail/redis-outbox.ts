import { randomUUID } from 'node:crypto';
import {
  type DeliveryResult,
  type DueConversation,
  dueTime,
  type NoticeState,
  type Outbox,
  type OutboxRow,
} from './mail.ts';
import { type FenceParts, insist } from './redis-fence.ts';
import { dueScript, noticeOfScript, settleRowScript, takeScript } from './redis-outbox-scripts.ts';
import { numberOrNull, rootOf, someMessages, type Texts } from './redis-records.ts';

/**
 * The outbox in Redis. A row that is being sent bears the name of the step that took it; found by any other step, it is
 * in doubt.
 */
export function createRedisOutbox(parts: FenceParts): Outbox {
  const { store, clock } = parts;
  return {
    async conversationsWithOutbox(perBotMax) {
      const found = await store.run<[string, string[]][]>(dueScript, [rootOf(store)], [perBotMax]);
      const now = clock.now();
      return found.flatMap(([botId, rooms]) => roomsOf(botId, rooms, now)).sort((a, b) => a.at - b.at);
    },
    async takeOutbox({ botId, roomId }, now) {
      const values = [Math.min(now, Number.MAX_SAFE_INTEGER), randomUUID()];
      const [how, ...row] = await insist(takeScript, { botId, roomId }, values, parts);
      return how === 'none' ? null : { botId, roomId, ...readRow(row as TakenRow) };
    },
    async settleOutbox(row, result) {
      const values = [row.id, randomUUID(), row.noticeId === null ? 0 : 1, ...resultValues(result)];
      await insist(settleRowScript, row, values, parts);
    },
    async noticeOf({ id }) {
      const [kind, campfireId] = await store.run<[NoticeState['kind'], string?]>(
        noticeOfScript,
        [rootOf(store)],
        [id],
      );
      return kind === 'shown' ? { kind, id: Number(campfireId) } : { kind };
    },
  };
}

/** From a room and its time, one behind the other. */
function roomsOf(botId: string, rooms: readonly string[], now: number): DueConversation[] {
  return rooms.flatMap((room, i) =>
    i % 2 === 0 ? [{ botId, roomId: Number(room), at: dueTime(Number(rooms[i + 1]), now) }] : [],
  );
}

/** Row, turn, ordinal, kind, body, tries, whether in doubt, time of decision, newest id before, notice, texts. */
type TakenRow = [
  ...[string, string, string, OutboxRow['kind'], string, string, number],
  ...[string, string | null, string | null, Texts],
];

function readRow(row: TakenRow): Omit<OutboxRow, 'botId' | 'roomId'> {
  const [id, turnId, ordinal, kind, body, tries, inDoubt, decidedAt, sentBefore, noticeId, texts] = row;
  return {
    ...{ id: Number(id), turnId: Number(turnId), ordinal: Number(ordinal), kind, body, tries: Number(tries) },
    ...{ inDoubt: inDoubt === 1, decidedAt: Number(decidedAt), messages: someMessages(texts) },
    ...{ sentBefore: numberOrNull(sentBefore), noticeId: numberOrNull(noticeId) },
  };
}

/** The kind, then what belongs to it. What the problem was is in the log. */
function resultValues(result: DeliveryResult): (string | number)[] {
  switch (result.kind) {
    case 'retry':
    case 'ask-again':
      return [result.kind, Math.round(result.at)];
    case 'replaced':
      return [result.kind, result.draft.kind, result.draft.body];
    case 'sent':
      return [result.kind, result.campfireId ?? ''];
    case 'undeliverable':
      return [result.kind];
  }
}
