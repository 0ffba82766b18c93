import type { Acceptance } from '../campfire/intake.ts';
import type { WebhookMessage } from '../campfire/payload.ts';
import type { Bot } from '../config/bot.ts';
import type { Clock } from '../lib/clock.ts';
import type { Mail } from '../mail/mail.ts';
import type { Emit } from '../telemetry/events.ts';
import { writeContent } from './content.ts';

/** A webhook's message becomes mail: durable when this resolves, a repeat included. */
export async function accept(
  bot: Bot,
  message: WebhookMessage,
  parts: { mail: Mail; clock: Clock; emit: Emit; onAccepted: () => unknown },
): Promise<Acceptance> {
  const startedMs = parts.clock.monotonicMs();
  const { roomId, messageId, author, roomName, html, plain } = message;
  const kept = await parts.mail.accept({
    ...{ botId: bot.id, roomId, messageId, authorId: author.id },
    content: writeContent({ author: author.name, roomName, html, plain }),
  });
  const session = `${roomId}:${bot.id}` as const;
  if (kept.kind === 'accepted') {
    const ackMs = Math.round((parts.clock.monotonicMs() - startedMs) * 100) / 100;
    parts.emit({ type: 'message.accepted', session, messageId, ackMs });
    parts.onAccepted();
  } else {
    parts.emit({ type: 'message.duplicate', session, messageId });
  }
  return { kind: 'accepted' };
}
