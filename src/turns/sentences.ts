import type { Language } from '../config/bot.ts';
import type { Sentence, Wording } from './sentence.ts';
import { english } from './sentences-en.ts';
import { chinese } from './sentences-zh.ts';

const wordings: Record<Language, Wording> = { en: english, 'zh-CN': chinese };

export function wordsFor(sentence: Sentence, language: Language): string {
  const wording = wordings[language];
  return (wording[sentence.say] as (sentence: Sentence) => string)(sentence);
}

/** What the room hears of an error of Claude's API. */
export function sentenceForApiError(status: number | null, code: string): Sentence {
  if (status === 429 || status === 529 || code === 'rate_limit' || code === 'overloaded')
    return { say: 'overloaded' };
  if (status === 401 || status === 403 || code === 'authentication_failed' || code === 'billing_error') {
    return { say: 'not-authorised' };
  }
  return { say: 'api-failed' };
}
