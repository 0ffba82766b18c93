import type { Bot, Language } from '../config/bot.ts';
import { readContent } from './content.ts';

/** The language of what the service itself says: the bot's own if its file names one, else that of the messages. */
export function languageFor(bot: Bot, messages: readonly { content: string }[]): Language {
  if (bot.language !== undefined) return bot.language;
  return languageOf(messages.map(({ content }) => readContent(content).plain).join('\n'));
}

/** Code, addresses and names tell nothing about the language of the sentence around them. */
const notProse = [
  /```[\s\S]*?(?:```|$)/g,
  /`[^`\n]*`/g,
  /\b(?:https?:\/\/|www\.)[^\s\p{Script=Han}]+/giu,
  // From the beginning of the word only: begun at each of its characters it would take quadratic time.
  /(?<!\S)[^\s@]+@\S[^\s.]*\.\S+/g,
  /@\S+/g,
];

/** What stands behind so much, mostly pasted, is not looked at. */
const judgedMaxCharacters = 64_000;

/** A Chinese word has about one and a half characters. */
const charactersPerHanWord = 1.5;

/**
 * `zh-CN` when Han script prevails, else `en`. Kana or Hangul make it neither, which is `en`. With a little more Latin
 * than Han words, as when Chinese speaks of products, the first word decides.
 */
export function languageOf(text: string): Language {
  const judged = text.slice(0, judgedMaxCharacters);
  const prose = notProse.reduce((rest, pattern) => rest.replace(pattern, ' '), judged);
  const count = (pattern: RegExp) => prose.match(pattern)?.length ?? 0;
  if (count(/[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu) > 0) return 'en';
  const han = count(/\p{Script=Han}/gu) / charactersPerHanWord;
  const others = prose.replace(/\p{Script=Han}/gu, ' ').match(/\p{L}[\p{L}\p{M}\p{N}'’]*/gu)?.length ?? 0;
  if (han === 0 || han * 2 <= others) return 'en';
  if (han >= others) return 'zh-CN';
  return /^[^\p{L}]*\p{Script=Han}/u.test(prose) ? 'zh-CN' : 'en';
}
