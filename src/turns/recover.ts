import { fateOfPrompt } from '../agent/transcript.ts';
import type { Bot } from '../config/bot.ts';
import type { Conversation, Mail, Turn } from '../mail/mail.ts';
import type { Conversations } from '../sessions/resume.ts';
import { storeTrouble } from '../store/trouble.ts';
import { mentionFor } from './asker.ts';
import { type CommitParts, commit, commitAsIs } from './commit.ts';
import { languageFor } from './language.ts';
import { answered, type Decided, decided, gaveUp, maxAttempts, safely } from './outcome.ts';
import type { RunTurnParts } from './run-turn.ts';
import { createTurnFiles } from './turn-files.ts';

/**
 * A turn that was cut off, before it is asked again: delivers what the agent had finished before it, or the service, was
 * ended. Holds no session.
 *
 * Invariants:
 * 1. A look counts as an attempt before anything is read: an answer that ends the process whenever it is read or
 *    rendered does so a few times and not at every start. One that finds nothing is taken back.
 * 2. The last word reads nothing of the message and nothing that was made of it.
 */

export interface RecoverParts
  extends CommitParts,
    Pick<RunTurnParts, 'downloads' | 'publicUrl' | 'timeZone'> {
  mail: Pick<Mail, 'begin' | 'giveBack' | 'decide'>;
  conversations: Pick<Conversations, 'transcript'>;
}

/** One look is for what the last attempt had finished. */
const maxLooks = maxAttempts + 1;

/** False when the turn is to be asked again. */
export async function recover(
  conversation: Conversation,
  bot: Bot,
  halted: AbortSignal,
  parts: RecoverParts,
): Promise<boolean> {
  const { mail, clock } = parts;
  const ran = { path: null, startedMs: clock.monotonicMs(), halted };
  const turn = await mail.begin(conversation, 'same');
  if (!turn) return false;
  if (turn.attempt > maxLooks) {
    await commitAsIs(turn, gaveUp(turn, bot), ran, parts);
    return true;
  }
  const attempt = await safely(turn, bot, () => lookUp(turn, bot, parts));
  if (attempt === null) {
    await mail.giveBack(turn);
    return false;
  }
  try {
    await commit(turn, bot, attempt, ran, parts);
  } catch (error) {
    // The answer is not at fault, and waits until the disk can take it.
    if (storeTrouble(error) === 'full' || storeTrouble(error) === 'io') await mail.giveBack(turn);
    throw error;
  }
  return true;
}

async function lookUp(turn: Turn, bot: Bot, parts: RecoverParts): Promise<Decided | null> {
  const transcript = await parts.conversations.transcript(turn);
  const fate = transcript === null ? null : fateOfPrompt(transcript, turn.promptUuid);
  if (fate?.kind !== 'answered' && turn.attempt <= maxAttempts) return null;
  const files = createTurnFiles(turn, languageFor(bot, turn.messages), parts);
  const mention = await mentionFor(turn, bot, parts)();
  if (fate?.kind !== 'answered')
    return decided(turn, bot, { say: 'gave-up' }, 'cut off too often', { files, mention });
  const given = { files, mention, secrets: parts.secrets, first: null };
  const attempt = await answered(turn, bot, { text: fate.text, spent: null }, given);
  parts.emit({
    type: 'turn.recovered',
    session: `${turn.roomId}:${turn.botId}`,
    turn: String(turn.id),
  });
  return attempt;
}
