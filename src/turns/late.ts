import type { Bot } from '../config/bot.ts';
import type { OutboxDraft, Turn } from '../mail/mail.ts';
import { readContent } from './content.ts';
import { languageOf } from './run-turn.ts';
import { wordsFor } from './sentences.ts';

/** What a turn writes; when its message was read only afterwards, the first post begins with a line that says so. */
export function withLateLine(turn: Turn, bot: Bot, drafts: readonly OutboxDraft[]): readonly OutboxDraft[] {
  const [first, ...rest] = drafts;
  if (
    (first?.kind !== 'post' && first?.kind !== 'in-place') ||
    readContent(turn.messages[0].content).saidAt === undefined
  )
    return drafts;
  const line = `<div>${wordsFor({ say: 'was-away' }, languageOf(bot))}</div>`;
  // Every body is one element, by whose class a restart recognises it.
  return [
    { ...first, body: first.body.replace(/^<div class="[^"]*">/, (opening) => opening + line) },
    ...rest,
  ];
}
