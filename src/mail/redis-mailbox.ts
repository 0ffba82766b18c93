import { randomUUID } from 'node:crypto';
import { firstBurst } from './burst.ts';
import {
  type Conversation,
  type Mailbox,
  type MailCounts,
  type Message,
  type PendingConversation,
  type Settlement,
  type Situation,
  type Turn,
  TurnDecidedError,
} from './mail.ts';
import { accept } from './redis-accept.ts';
import { type FenceParts, fenced, insist, unfenced } from './redis-fence.ts';
import {
  beginSameScript,
  beginScript,
  decideScript,
  giveBackScript,
  noticeScript,
  settleScript,
  situationScript,
} from './redis-mailbox-scripts.ts';
import {
  conversationOf,
  draftValues,
  nameOf,
  numberOrNull,
  readMessages,
  readTurn,
  rootOf,
  type Texts,
  type TurnFields,
} from './redis-records.ts';

/**
 * The mailbox in Redis, for many machines. Whoever serves a conversation owns it: each step of a turn is checked with
 * its fence and with the attempt's prompt, so that a machine that comes too late changes nothing.
 */
export function createRedisMailbox(parts: FenceParts): Omit<Mailbox, 'replay'> {
  return {
    accept: (mail) => accept(mail, parts),
    conversationsWithMail: () => pending(parts),
    situation: (conversation) => situationOf(conversation, parts),
    begin: (conversation, prompt = 'new') =>
      prompt === 'same' ? beginSame(conversation, parts) : begin(conversation, parts),
    async giveBack(turn, postponed) {
      const notice = postponed?.notice ?? null;
      await insist(
        giveBackScript,
        turn,
        [
          ...[turn.id, turn.promptUuid, randomUUID(), postponed?.until ?? ''],
          ...(notice ? [notice.ordinal, notice.body] : []),
        ],
        parts,
      );
    },
    async decide(turn, outcome, drafts) {
      const cause = 'cause' in outcome ? outcome.cause : '';
      const [how] = await insist(
        decideScript,
        turn,
        [turn.id, turn.promptUuid, randomUUID(), outcome.kind, cause, ...draftValues(drafts)],
        parts,
      );
      if (how === 'decided') throw new TurnDecidedError(`Turn ${turn.id} is already decided.`);
    },
    settle: (conversation, settlement) => settle(conversation, settlement, parts),
    async notice(conversation, messages, { ordinal, body }) {
      const ids = messages.map(({ id }) => id);
      const [, isWritten] = await fenced(noticeScript, conversation, [ordinal, body, ...ids], parts);
      return isWritten === 1;
    },
    counts: () => countMail(parts),
  };
}

async function begin(conversation: Conversation, parts: FenceParts): Promise<Turn | null> {
  for (;;) {
    const { turn: unfinished, waiting } = await situationOf(conversation, parts);
    const burst = unfinished ? [] : firstBurst(waiting);
    const values = [randomUUID(), ...burst.map(({ id }) => id)];
    const [how, fields, texts] = await insist(beginScript, conversation, values, parts);
    // Something has come in front of what was read.
    if (how === 'changed') continue;
    return how === 'none' ? null : turnOf(conversation, fields, texts);
  }
}

async function beginSame(conversation: Conversation, parts: FenceParts): Promise<Turn | null> {
  const [how, fields, texts] = await insist(beginSameScript, conversation, [randomUUID()], parts);
  return how === 'none' ? null : turnOf(conversation, fields, texts);
}

function turnOf(conversation: Conversation, fields: unknown, texts: unknown): Turn {
  const { dueAt: _, ...turn } = readTurn(conversation, fields as TurnFields, texts as Texts);
  return turn;
}

/**
 * Without a turn to stop it is safe whoever does it: a machine that refuses a flood does not have the conversation,
 * and each message leaves its lane once.
 */
async function settle(
  conversation: Conversation,
  { messages, stopTurn, outcome, drafts }: Settlement,
  parts: FenceParts,
): Promise<boolean> {
  const isTold = outcome.kind === 'failed' && drafts.length > 0;
  const values = [
    ...[stopTurn ?? '', outcome.kind, 'cause' in outcome ? outcome.cause : '', Number(isTold)],
    ...[messages.length, ...messages.map(({ id }) => id), ...draftValues(drafts)],
  ];
  const [, isSettled] = await (stopTurn === null ? unfenced : fenced)(
    ...([settleScript, conversation, values, parts] as const),
  );
  return isSettled === 1;
}

async function situationOf(conversation: Conversation, { store }: FenceParts): Promise<Situation> {
  const [fields, own, waiting, noticed, atOnce] = await store.run<
    [TurnFields | null, Texts, Texts, number[], Texts]
  >(situationScript, [rootOf(store)], [nameOf(conversation)]);
  return {
    turn: fields && readTurn(conversation, fields, own),
    waiting: readMessages(waiting).map((message: Message, i) => ({ ...message, noticed: noticed[i] === 1 })),
    atOnce: readMessages(atOnce),
  };
}

async function pending({ store, clock }: FenceParts): Promise<PendingConversation[]> {
  const flat = await store.call<string[]>('HGETALL', `${rootOf(store)}:todo`);
  const found: Array<PendingConversation & { since: number }> = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const [queued, notBefore, atOnce, unnoticed, since] = (flat[i + 1] as string).split(' ');
    found.push({
      ...conversationOf(flat[i] as string),
      ready: queued === '1' && Number(notBefore) <= clock.now(),
      atOnce: atOnce === '1',
      unnoticedSince: unnoticed === '-' ? null : Number(unnoticed),
      since: Number(since),
    });
  }
  return found.sort((a, b) => a.since - b.since).map(({ since: _, ...conversation }) => conversation);
}

async function countMail({ store }: FenceParts): Promise<MailCounts> {
  const fields = ['waiting', 'atOnce', 'running', 'held', 'undelivered'];
  const values = await store.call<(string | null)[]>('HMGET', `${rootOf(store)}:counts`, ...fields);
  const [queued = 0, atOnce = 0, running = 0, held = 0, undelivered = 0] = values.map(
    (value) => numberOrNull(value) ?? 0,
  );
  const waiting = queued + atOnce;
  return { waiting, running, withoutOutcome: waiting + held, undelivered };
}
