import type { RedisStore, RedisValue } from '../store/redis.ts';
import type { Conversation, IncomingMail, Message, Turn } from './mail.ts';

/** What the scripts give and take, as this folder's own types. */

export type Texts = readonly string[];

/** All keys of mail begin with it. */
export const rootOf = (store: RedisStore): string => store.key('mail');

export const nameOf = ({ botId, roomId }: Conversation): string => `${botId}:${roomId}`;

export function conversationOf(name: string): Conversation {
  const colon = name.lastIndexOf(':');
  return { botId: name.slice(0, colon), roomId: Number(name.slice(colon + 1)) };
}

/** A message as it is kept: the numbers that scripts need in its first line. */
export function textOf(mail: IncomingMail, now: number): string {
  const { messageId, authorId, content, fromBot = false, atOnce = false } = mail;
  return `${messageId ?? '-'} ${authorId} ${now} 0 ${Number(fromBot)} ${Number(atOnce)}\n${content}`;
}

export function readMessage(id: string, text: string): Message {
  const end = text.indexOf('\n');
  const [messageId, authorId, receivedAt, replays] = text.slice(0, end).split(' ');
  return {
    id: Number(id),
    messageId: messageId === '-' ? null : Number(messageId),
    authorId: Number(authorId),
    content: text.slice(end + 1),
    receivedAt: Number(receivedAt),
    replays: Number(replays),
  };
}

/** Ids and texts alternate. */
export function readMessages(texts: Texts): Message[] {
  const messages: Message[] = [];
  for (let i = 0; i + 1 < texts.length; i += 2)
    messages.push(readMessage(texts[i] as string, texts[i + 1] as string));
  return messages;
}

/** What a turn or a row is over. */
export function someMessages(texts: Texts): [Message, ...Message[]] {
  const [first, ...rest] = readMessages(texts);
  if (!first) throw new Error('A turn has no message.');
  return [first, ...rest];
}

/** id, attempt, postponements, prompt, previous prompt, start, due; as `turnFields` of the mailbox's scripts. */
export type TurnFields = readonly [string, string, string, string, string | null, string, string | null];

export function readTurn(
  { botId, roomId }: Conversation,
  [id, attempt, postponements, promptUuid, previousPromptUuid, startedAt, dueAt]: TurnFields,
  texts: Texts,
): Turn & { dueAt: number | null } {
  return {
    ...{ id: Number(id), botId, roomId, attempt: Number(attempt), postponements: Number(postponements) },
    ...{ promptUuid, previousPromptUuid, startedAt: Number(startedAt), messages: someMessages(texts) },
    dueAt: dueAt === null ? null : Number(dueAt),
  };
}

export const numberOrNull = (value: string | null): number | null => (value === null ? null : Number(value));

/** Kinds and bodies alternate. */
export function draftValues(drafts: readonly { kind: string; body: string }[]): RedisValue[] {
  return drafts.flatMap(({ kind, body }) => [kind, body]);
}
