import { systemClock } from '../lib/clock.ts';
import type { Mail, Message, Situation } from '../mail/mail.ts';
import type { Ownership } from '../mail/ownership.ts';
import { createRedisMail } from '../mail/redis.ts';
import type { KeptMessages } from '../mail/sqlite-export.ts';
import type { RedisStore } from '../store/redis.ts';

/**
 * Moves one conversation's messages through the verbs that they once came by, at the time at which they came: those
 * that have their outcome are settled with it at once, so that a repeated webhook or the catch-up finds them known. What
 * a turn had begun waits again. The machine must have the conversation.
 */
export async function moveMessages(
  kept: readonly KeptMessages[],
  redis: RedisStore,
  ownership: Ownership,
): Promise<{ waiting: number; settled: number; there: number }> {
  const [first] = kept;
  const moved = { waiting: 0, settled: 0, there: 0 };
  if (!first) return moved;
  let at = 0;
  const mail = createRedisMail(redis, { ...systemClock, now: () => at }, ownership);
  // An earlier try may have ended between accepting and settling.
  const before = await mail.situation(first);
  for (const { messages, outcome, decidedAt } of kept) {
    const arrived: Message[] = [];
    for (const message of messages) {
      at = message.receivedAt;
      const lane = { ...message, atOnce: outcome === null && message.atOnce === true };
      const known = waitingLike(message, before);
      const found = known ?? (await acceptNew(mail, lane, outcome !== null));
      if (found) arrived.push(found);
      if (!found || (known && outcome === null)) moved.there++;
      else moved[outcome === null ? 'waiting' : 'settled']++;
    }
    at = decidedAt;
    if (outcome && arrived.length > 0)
      await mail.settle(first, { messages: arrived, stopTurn: null, outcome, drafts: [] });
  }
  return moved;
}

/** Null when it is known already; what nobody can recognise again is not worth moving once it has its outcome. */
async function acceptNew(
  mail: Mail,
  message: Parameters<Mail['accept']>[0],
  isSettled: boolean,
): Promise<Message | null> {
  if (isSettled && message.messageId === null) return null;
  const accepted = await mail.accept(message);
  return accepted.kind === 'accepted' ? accepted.message : null;
}

function waitingLike(
  { messageId, authorId, content }: KeptMessages['messages'][number],
  { turn, waiting, atOnce }: Situation,
): Message | null {
  const there: Message[] = [...waiting, ...atOnce, ...(turn?.messages ?? [])];
  const isSame = (other: Message) =>
    messageId === null
      ? other.messageId === null && other.authorId === authorId && other.content === content
      : other.messageId === messageId;
  return there.find(isSame) ?? null;
}
