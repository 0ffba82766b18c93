import type { Mentions } from '../campfire/mentions.ts';
import type { Bot } from '../config/bot.ts';
import { type Clock, within } from '../lib/clock.ts';
import type { Turn } from '../mail/mail.ts';
import { readContent } from './content.ts';

/** How long an answer that is ready waits for the look-up of the asker's mention, which began with the turn. */
const mentionPatienceMs = 2000;

/**
 * Whom the answer is for, so that they are notified: nobody in a direct room, where everything notifies. Where Campfire
 * lets the bot read, somebody who was not mentioned to it yet is looked for in the room while the agent works.
 */
export function mentionFor(
  turn: Turn,
  bot: Bot,
  { mentions, clock }: { mentions: Mentions; clock: Clock },
): () => Promise<string | null> {
  for (const { content, authorId } of turn.messages) mentions.learn(readContent(content).html, authorId);
  const { content, authorId } = turn.messages.at(-1) ?? turn.messages[0];
  const { roomName, html } = readContent(content);
  if (roomName === null || html === null) return async () => null;
  const known = mentions.sgidOf(authorId) !== null;
  const search = known ? Promise.resolve() : mentions.search(bot.key, turn.roomId);
  return async () => {
    await within(clock, mentionPatienceMs, search);
    return mentions.sgidOf(authorId);
  };
}
