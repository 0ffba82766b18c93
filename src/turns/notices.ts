import type { Bot } from '../config/bot.ts';
import type { Clock } from '../lib/clock.ts';
import { type Conversation, type Mailbox, noticeOrdinals, type Situation } from '../mail/mail.ts';
import type { Emit } from '../telemetry/events.ts';
import { readContent } from './content.ts';
import { noticeBody } from './posts.ts';
import type { Sentence, WaitReason } from './sentence.ts';
import { nameOf } from './serve.ts';

/** Waiting is visible: whose message has not been taken up after this time hears why, once. */
export const noticeAfterMs = 15_000;

export interface WaitingReading {
  situation: Situation;
  /** Whether a turn of the conversation is being run right now. */
  busy: boolean;
  /** What the pool said last to whoever waits for a session of this conversation; null when nobody does. */
  poolReason: string | null;
  now: number;
}

/** Who is to hear what; null when nobody has waited long enough without having heard. */
export function decideNotice({ situation, busy, poolReason, now }: WaitingReading) {
  const { turn, waiting } = situation;
  const late = waiting.filter(({ receivedAt, noticed }) => !noticed && now - receivedAt >= noticeAfterMs);
  const [first] = late;
  if (!first) return null;
  return { messages: late, position: waiting.indexOf(first) + 1, reason: reasonOf() };

  function reasonOf(): WaitReason {
    if (turn && (turn.dueAt ?? 0) > now) return 'overloaded';
    if (busy) return 'busy';
    if (poolReason === 'memory' || poolReason === 'max-sessions') return 'memory';
    return poolReason === 'starts' || poolReason === 'closing' ? 'starting' : 'other';
  }
}

/** Tells those of a conversation who have waited too long. */
export async function noticeWaiting(
  conversation: Conversation,
  bot: Bot,
  { busy, poolReason }: { busy: boolean; poolReason: string | null },
  { mail, clock, emit, onDecided }: { mail: Mailbox; clock: Clock; emit: Emit; onDecided: () => void },
): Promise<void> {
  const situation = await mail.situation(conversation);
  const told = decideNotice({ situation, busy, poolReason, now: clock.now() });
  if (!told) return;
  const nameIn = ({ content }: { content: string }) => readContent(content).author ?? '…';
  const sentence: Sentence = {
    ...{ say: 'waiting', position: told.position, reason: told.reason },
    names: [...new Set(told.messages.map(nameIn))],
    busyWith: situation.turn ? nameIn(situation.turn.messages[0]) : null,
  };
  const ordinal = noticeOrdinals.waiting;
  const body = noticeBody({ messages: told.messages }, bot, sentence, ordinal);
  if (!(await mail.notice(conversation, told.messages, { ordinal, body }))) return;
  emit({
    type: 'message.waiting',
    session: nameOf(conversation),
    reason: told.reason,
    count: told.messages.length,
  });
  onDecided();
}
