import type { Language } from '../config/bot.ts';
import type { Sentence, Wording } from './sentence.ts';
import { english } from './sentences-en.ts';
import { chinese } from './sentences-zh.ts';

const wordings: Record<Language, Wording> = { en: english, 'zh-CN': chinese };

export function wordsFor(sentence: Sentence, language: Language): string {
  const wording = wordings[language];
  return (wording[sentence.say] as (sentence: Sentence) => string)(sentence);
}
