import type { Acceptance } from '../campfire/intake.ts';
import type { WebhookMessage } from '../campfire/payload.ts';
import type { Bot } from '../config/bot.ts';
import type { Clock } from '../lib/clock.ts';
import type { Conversation, Mailbox, Message } from '../mail/mail.ts';
import type { Emit } from '../telemetry/events.ts';
import { controlIn } from './commands.ts';
import { writeContent } from './content.ts';
import { decideFlood, type FloodVerdict } from './floods.ts';
import { noticeBody } from './run-turn.ts';

export interface AcceptParts {
  mail: Mailbox;
  clock: Clock;
  emit: Emit;
  /** Whether a Campfire user is one of our bots. */
  isBot: (userId: number) => boolean;
  /** Told of what is to be done; `atOnce` when it must not wait behind a turn. */
  onAccepted: (news: Conversation & { atOnce: boolean }) => unknown;
  /** Told when outbox rows were written. */
  onDecided: () => void;
}

/** A webhook's message becomes mail: durable when this resolves, a repeat included. */
export async function accept(bot: Bot, message: WebhookMessage, parts: AcceptParts): Promise<Acceptance> {
  const startedMs = parts.clock.monotonicMs();
  const { roomId, messageId, author, roomName, html, plain } = message;
  const content = writeContent({ author: author.name, roomName, html, plain });
  const conversation = { botId: bot.id, roomId };
  const session = `${roomId}:${bot.id}` as const;
  const fromBot = parts.isBot(author.id);
  // Bots do not steer each other: a help text that is answered by a help text would go on for ever.
  const atOnce = !fromBot && controlIn({ content }, bot) !== null;
  const kept = await parts.mail.accept({
    ...{ ...conversation, messageId, authorId: author.id, content, fromBot, atOnce },
  });
  if (kept.kind === 'duplicate') {
    parts.emit({ type: 'message.duplicate', session, messageId });
    return { kind: 'accepted' };
  }
  const ackMs = Math.round((parts.clock.monotonicMs() - startedMs) * 100) / 100;
  parts.emit({ type: 'message.accepted', session, messageId, ackMs });
  const verdict = atOnce ? { kind: 'take' as const } : decideFlood(kept.standing, fromBot);
  if (verdict.kind === 'refuse') await refuse(bot, conversation, kept.message, verdict, parts);
  else parts.onAccepted({ ...conversation, atOnce });
  return { kind: 'accepted' };
}

/** Too much: the message gets its outcome now. Cut off before that, it is served like any other. */
async function refuse(
  bot: Bot,
  conversation: Conversation,
  message: Message,
  { reason, count, limit, say }: Extract<FloodVerdict, { kind: 'refuse' }>,
  { mail, emit, onDecided }: AcceptParts,
): Promise<void> {
  const body = noticeBody({ messages: [message] }, bot, { say: reason, limit }, 0);
  await mail.settle(conversation, {
    ...{ messages: [message], stopTurn: null },
    outcome: { kind: 'failed', cause: `flood: ${reason}, ${count} of ${limit}` },
    drafts: say ? [{ kind: 'post', body }] : [],
  });
  emit({
    ...{ type: 'message.refused', session: `${conversation.roomId}:${conversation.botId}` },
    ...{ messageId: message.messageId, reason, count, limit },
  });
  if (say) onDecided();
}
