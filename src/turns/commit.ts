import type { Mentions } from '../campfire/mentions.ts';
import type { Bot } from '../config/bot.ts';
import type { Clock } from '../lib/clock.ts';
import { type Mail, type Turn, TurnDecidedError } from '../mail/mail.ts';
import type { Emit, SessionName, SessionPath } from '../telemetry/events.ts';
import { mentionFor } from './asker.ts';
import { withLateLine } from './late.ts';
import { type Decided, decided } from './outcome.ts';
import { showsSecret } from './withheld.ts';

/** What an attempt has decided, on its way into the outbox. */

export interface CommitParts {
  mail: Pick<Mail, 'decide'>;
  mentions: Mentions;
  /** Strings that must not be posted. */
  secrets: ReadonlySet<string>;
  clock: Clock;
  emit: Emit;
  /** Told when outbox rows were written. */
  onDecided: () => void;
}

/** How the turn came to its end. */
export interface Ran {
  /** Null without a session. */
  path: SessionPath | null;
  startedMs: number;
  /** Aborts when a person ends the turn. */
  halted: AbortSignal;
}

/** Makes it the turn's outcome, unless the room would read a secret in it: then a sentence is that. */
export async function commit(
  turn: Turn,
  bot: Bot,
  attempt: Decided,
  ran: Ran,
  parts: CommitParts,
): Promise<void> {
  const holds = attempt.drafts.some((draft) => showsSecret(draft, parts.secrets));
  const { outcome, drafts } = holds ? await withheld(turn, bot, parts) : attempt;
  const told = { ...attempt, outcome, drafts: withLateLine(turn, bot, drafts) };
  await commitAsIs(turn, told, ran, parts);
}

async function withheld(turn: Turn, bot: Bot, parts: CommitParts): Promise<Decided> {
  const mention = await mentionFor(turn, bot, parts)();
  // Files of an answer that held a secret may hold it in a form that nobody recognised.
  return decided(turn, bot, { say: 'withheld' }, 'the answer held a secret', { files: null, mention });
}

/** The same, and nothing of the message is read. */
export async function commitAsIs(
  turn: Turn,
  { outcome, drafts, spent }: Decided,
  { path, startedMs, halted }: Ran,
  { mail, clock, emit, onDecided }: CommitParts,
): Promise<void> {
  try {
    await mail.decide(turn, outcome, drafts);
  } catch (error) {
    // A person has ended the turn in the moment in which it was finished, and was told so.
    if (error instanceof TurnDecidedError && halted.aborted) return;
    throw error;
  }
  onDecided();
  const session: SessionName = `${turn.roomId}:${turn.botId}`;
  emit({
    ...{ type: 'turn.decided', session, turn: String(turn.id), outcome: outcome.kind, path },
    ...{ durationMs: Math.round(clock.monotonicMs() - startedMs) },
    ...{ costUsd: spent?.costUsd ?? null, tokens: spent?.tokens ?? null },
    cause: 'cause' in outcome ? outcome.cause : null,
  });
}
