import { plainNotice } from '../campfire/html/render.ts';
import type { Bot } from '../config/bot.ts';
import type { Message } from '../mail/mail.ts';
import { languageFor } from './language.ts';
import type { Sentence } from './sentence.ts';
import { wordsFor } from './sentences.ts';

/** Posts of the service's own: how they are recognised, and its sentences as bodies. */

/** The class by which a restart recognises its own post (classes survive Campfire's sanitiser). */
export function markerOf({
  messages,
}: {
  messages: readonly Pick<Message, 'id' | 'messageId' | 'replays'>[];
}): (ordinal: number) => string {
  const last = messages.at(-1);
  const question =
    last?.messageId === null || last === undefined ? `w${last?.id ?? 0}` : `m${last.messageId}`;
  // What was posted before a replay must not be taken for what comes after it.
  const name = last && last.replays > 0 ? `${question}r${last.replays}` : question;
  return (ordinal) => `${name}-${ordinal}`;
}

/** A sentence as a post that answers these messages; `mention` is the signed id of whom it is for. */
export function noticeBody(
  turn: { messages: readonly Message[] },
  bot: Bot,
  sentence: Sentence,
  ordinal: number,
  mention: string | null = null,
): string {
  const words = wordsFor(sentence, languageFor(bot, turn.messages));
  return plainNotice(words, markerOf(turn)(ordinal), { mention });
}
