import type { Acceptance } from '../campfire/intake.ts';
import type { WebhookMessage } from '../campfire/payload.ts';
import type { Bot } from '../config/bot.ts';
import type { Clock } from '../lib/clock.ts';
import type { MailHistory, SeenRoom } from '../mail/history.ts';
import type { Conversation, Mailbox, Message } from '../mail/mail.ts';
import type { Emit } from '../telemetry/events.ts';
import { controlIn } from './commands.ts';
import { writeContent } from './content.ts';
import { decideFlood, type FloodVerdict } from './floods.ts';
import type { RecentStops } from './overtaken.ts';
import { noticeBody } from './posts.ts';
import type { Seen } from './seen.ts';

export interface AcceptParts {
  mail: Mailbox;
  history: Pick<MailHistory, 'see'>;
  seen: Pick<Seen, 'mark'>;
  stops: RecentStops;
  clock: Clock;
  emit: Emit;
  /** Whether a Campfire user is one of our bots. */
  isBot: (userId: number) => boolean;
  /** Told of what is to be done; `atOnce` when it must not wait behind a turn. */
  onAccepted: (news: Conversation & { atOnce: boolean }) => unknown;
  /** Told when outbox rows were written. */
  onDecided: () => void;
}

/** A message for a bot. `saidAt` is when it was written (epoch ms), if no webhook brought it. */
export type SaidMessage = WebhookMessage & { saidAt?: number };

/** Kept; `isNew` unless it was on record already. */
export type Kept = Extract<Acceptance, { kind: 'accepted' }> & { isNew: boolean };

/** A message becomes mail: durable when this resolves, a repeat included. */
export async function accept(bot: Bot, message: SaidMessage, parts: AcceptParts): Promise<Kept> {
  const startedMs = parts.clock.monotonicMs();
  const { roomId, messageId, author, roomName, html, plain, saidAt } = message;
  // Only Campfire's own messages have a place in Campfire; where there is one, there may be more to read.
  if (message.permalinkPath !== null) note({ botId: bot.id, roomId, name: roomName }, parts);
  const written = saidAt === undefined ? {} : { saidAt };
  const content = writeContent({ author: author.name, roomName, html, plain, ...written });
  const conversation = { botId: bot.id, roomId };
  const session = `${roomId}:${bot.id}` as const;
  const fromBot = parts.isBot(author.id);
  // Bots do not steer each other: a help text that is answered by a help text would go on for ever.
  const word = fromBot ? null : controlIn({ content }, bot);
  const atOnce = word !== null;
  // What was written in an hour and is read in a moment is no flood, and makes none of what comes after it.
  const fetched = saidAt !== undefined;
  const mail = { ...conversation, messageId, authorId: author.id, content, fromBot, atOnce, fetched };
  const kept = await parts.mail.accept(mail);
  if (kept.kind === 'duplicate') {
    // What is read back is mostly known.
    if (!fetched) parts.emit({ type: 'message.duplicate', session, messageId });
    return { kind: 'accepted', isNew: false };
  }
  const ackMs = Math.round((parts.clock.monotonicMs() - startedMs) * 100) / 100;
  parts.emit({ type: 'message.accepted', session, messageId, ackMs });
  if (word === 'stop') parts.stops.note(mail);
  if (!atOnce && parts.stops.cover(mail) && (await drop(bot, conversation, kept.message, parts)))
    return { kind: 'accepted', isNew: true };
  const verdict = atOnce || fetched ? { kind: 'take' as const } : decideFlood(kept.standing, fromBot);
  if (verdict.kind === 'refuse') {
    await refuse(bot, conversation, kept.message, verdict, parts);
  } else {
    parts.onAccepted({ ...conversation, atOnce });
    // A control word is answered before anybody could look.
    if (!atOnce) parts.seen.mark(bot, conversation, kept.message);
  }
  return { kind: 'accepted', isNew: true };
}

/** Not waited for: it fails when accepting fails as well, and the room's next message notes it anew. */
function note(room: SeenRoom, { history }: AcceptParts): void {
  history.see(room).catch(() => {});
}

/** A question that its author's stop has overtaken is stopped. False when a turn has taken it up already. */
async function drop(
  bot: Bot,
  conversation: Conversation,
  message: Message,
  { mail, onDecided }: AcceptParts,
): Promise<boolean> {
  const body = noticeBody({ messages: [message] }, bot, { say: 'stop', stopped: null, withdrawn: 1 }, 0);
  const dropped = await mail.settle(conversation, {
    ...{ messages: [message], stopTurn: null, outcome: { kind: 'stopped' } },
    drafts: [{ kind: 'post', body }],
  });
  if (dropped) onDecided();
  return dropped;
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
  const refused = await mail.settle(conversation, {
    ...{ messages: [message], stopTurn: null },
    outcome: { kind: 'failed', cause: `flood: ${reason}, ${count} of ${limit}` },
    drafts: say ? [{ kind: 'post', body }] : [],
  });
  // Who served the conversation meanwhile has taken it up.
  if (!refused) return;
  emit({
    ...{ type: 'message.refused', session: `${conversation.roomId}:${conversation.botId}` },
    ...{ messageId: message.messageId, reason, count, limit },
  });
  if (say) onDecided();
}
