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
  messages: readonly { id: number; messageId: number | null }[];
}): (ordinal: number) => string {
  const last = messages.at(-1);
  const name = last?.messageId === null || last === undefined ? `w${last?.id ?? 0}` : `m${last.messageId}`;
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
