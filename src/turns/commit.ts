import type { Bot } from '../config/bot.ts';
import type { Clock } from '../lib/clock.ts';
import { type Mail, type Turn, TurnDecidedError } from '../mail/mail.ts';
import type { Emit, SessionName, SessionPath } from '../telemetry/events.ts';
import { withLateLine } from './late.ts';
import type { Decided } from './outcome.ts';

/** What an attempt has decided, on its way into the outbox. */

export interface CommitParts {
  mail: Pick<Mail, 'decide'>;
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

/** Makes it the turn's outcome. */
export function commit(turn: Turn, bot: Bot, attempt: Decided, ran: Ran, parts: CommitParts): Promise<void> {
  return commitAsIs(turn, { ...attempt, drafts: withLateLine(turn, bot, attempt.drafts) }, ran, parts);
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
