import type { AgentResult, DeathCause, Spent } from '../agent/agent.ts';
import { plainNotice, renderReply } from '../campfire/html/render.ts';
import type { Bot } from '../config/bot.ts';
import { holdsSecret } from '../downloads/secrets.ts';
import { messageOf } from '../lib/errors.ts';
import { type Notice, noticeOrdinals, type OutboxDraft, type Outcome, type Turn } from '../mail/mail.ts';
import { FencedOutError } from '../mail/ownership.ts';
import type { TurnResult } from '../sessions/session.ts';
import { storeTrouble } from '../store/trouble.ts';
import { fileWords } from './file-words.ts';
import { languageFor } from './language.ts';
import { markerOf, noticeBody } from './posts.ts';
import type { Sentence } from './sentence.ts';
import { sentenceForApiError, wordsFor } from './sentences.ts';
import type { Progress } from './steps.ts';
import type { TurnFiles } from './turn-files.ts';

/** What became of an attempt at a turn, and what the room gets of it. */

/** A turn that was cut off this many times is not asked again and ends in a sentence, so that no message can end every start. */
export const maxAttempts = 3;
/** How long a turn waits after Claude was overloaded, beyond the agent's own tries; then it ends in a sentence. */
const overloadDelaysMs = [20_000, 60_000];

/** What became of one attempt. */
export type Attempt =
  | Decided
  /** The agent died: the turn is still undecided and has to be begun again. */
  | { kind: 'cut-off'; cause: string }
  /** The service is stopping: the attempt does not count. */
  | { kind: 'given-back' }
  /** Claude is overloaded: the turn is tried again later. `wasTold`: the room has had such a line before. */
  | { kind: 'postponed'; delayMs: number; cause: string; notice: Notice; wasTold: boolean }
  /** A person ended it: whoever told so decides the turn. */
  | { kind: 'halted' };

export interface Decided {
  kind: 'decided';
  outcome: Outcome;
  drafts: readonly OutboxDraft[];
  spent: Spent | null;
}

/** What goes with whatever a turn says. */
export interface Company {
  /** What it has shared until then; null when nothing of it may be shown. */
  files: TurnFiles | null;
  /** The signed id of whom it is for; null for nobody. */
  mention: string | null;
}

/** For a turn that did nothing. */
export const alone: Company = { files: null, mention: null };

/** A turn that ends without an answer, in one sentence and with the files that it had made by then. */
export async function decided(
  turn: Turn,
  bot: Bot,
  sentence: Sentence,
  cause: string,
  { files: turnFiles, mention }: Company,
): Promise<Decided> {
  const language = languageFor(bot, turn.messages);
  const made = await turnFiles?.present('');
  const hasMade = made !== undefined && made.files.links.length + made.attachments.length > 0;
  const said = wordsFor(sentence, language);
  const words = hasMade ? `${said}\n${fileWords(language).madeBefore}` : said;
  return {
    kind: 'decided',
    outcome: sentence.say === 'stopped' ? { kind: 'stopped' } : { kind: 'failed', cause },
    drafts: [
      { kind: 'post', body: plainNotice(words, markerOf(turn)(0), { mention, files: made?.files }) },
      ...(made?.attachments ?? []),
    ],
    spent: null,
  };
}

/**
 * The last word on a turn whose message, or what was made of it, may be what ends the process: nothing of both is read,
 * not even for the language.
 */
export function gaveUp(turn: Turn, bot: Bot): Decided {
  const words = wordsFor({ say: 'gave-up' }, bot.language ?? 'en');
  return {
    kind: 'decided',
    outcome: { kind: 'failed', cause: 'cut off too often' },
    drafts: [{ kind: 'post', body: plainNotice(words, markerOf(turn)(0)) }],
    spent: null,
  };
}

/**
 * A defect of ours must not leave a message without an answer: it ends the turn in a sentence.
 * @throws what leaves it undecided, to be found in the transcript: a store that is away, a right that is lost.
 */
export async function safely<T>(turn: Turn, bot: Bot, work: () => Promise<T>): Promise<T | Decided> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FencedOutError || storeTrouble(error) === 'away') throw error;
    return decided(turn, bot, { say: 'failed' }, `unexpected: ${messageOf(error)}`, alone);
  }
}

/** What an agent's result makes of the turn. */
export async function judge(
  turn: Turn,
  bot: Bot,
  result: TurnResult,
  company: Parameters<typeof verdictOn>[3],
): Promise<Attempt> {
  const attempt = await verdictOn(turn, bot, result, company);
  const spent = 'spent' in result ? result.spent : null;
  return attempt.kind === 'decided' ? { ...attempt, spent } : attempt;
}

function verdictOn(
  turn: Turn,
  bot: Bot,
  result: TurnResult,
  company: Company & { files: TurnFiles; progress: Progress; secrets: ReadonlySet<string> },
): Attempt | Promise<Attempt> {
  const failed = (sentence: Sentence, cause: string) => decided(turn, bot, sentence, cause, company);
  switch (result.kind) {
    case 'answered': {
      const exchanges = company.progress.startedOverWith();
      const first: Sentence | null = exchanges === null ? null : { say: 'started-over', exchanges };
      return answered(turn, bot, result, { ...company, first });
    }
    case 'max-turns':
      return failed({ say: 'too-many-steps' }, 'max turns');
    case 'interrupted':
      // Somebody closed the session from outside; a timeout, a drain and a stop are judged where they are known.
      return failed({ say: 'stopped' }, 'interrupted');
    case 'api-error':
      return judgeApiError(turn, bot, result, company);
    case 'no-memory':
      return failed({ say: 'failed' }, result.cause);
    case 'died':
      return turn.attempt < maxAttempts
        ? { kind: 'cut-off', cause: result.cause }
        : failed(sentenceForDeath(result.death), result.cause);
    case 'too-large':
      // Trying again would only grow again.
      return failed({ say: 'out-of-memory' }, result.cause);
  }
}

function sentenceForDeath(death: DeathCause): Sentence {
  if (death === 'oom') return { say: 'out-of-memory' };
  return { say: death === 'start' ? 'cannot-start' : 'gave-up' };
}

/** An answer as posts: the mention, `first`, the answer, and below it what was shared. */
export async function answered(
  turn: Turn,
  bot: Bot,
  { text, spent }: { text: string; spent: Spent | null },
  given: { files: TurnFiles; mention: string | null; secrets: ReadonlySet<string>; first: Sentence | null },
): Promise<Decided> {
  const { files: turnFiles, mention, secrets, first } = given;
  // Files of an answer that held a secret may hold it in a form that nobody recognised.
  if (holdsSecret(text, secrets))
    return decided(turn, bot, { say: 'withheld' }, 'the answer held a secret', { files: null, mention });
  const language = languageFor(bot, turn.messages);
  const whole = first === null ? text : `${wordsFor(first, language)}\n\n${text}`;
  const { files, deadLinks, attachments } = await turnFiles.present(text);
  const rendered = renderReply(whole, { marker: markerOf(turn), language, mention, files, deadLinks });
  const posts = rendered.bodies.map((body): OutboxDraft => ({ kind: 'post', body }));
  if (rendered.kind === 'empty' && attachments.length === 0)
    posts.push({ kind: 'post', body: noticeBody(turn, bot, { say: 'empty-answer' }, 0, mention) });
  if (rendered.kind === 'file') {
    const filename = `answer-${markerOf(turn)(posts.length)}.md`;
    posts.push(await turnFiles.attachText(filename, rendered.markdown));
  }
  return { kind: 'decided', outcome: { kind: 'answered' }, drafts: [...posts, ...attachments], spent };
}

function judgeApiError(
  turn: Turn,
  bot: Bot,
  { status, code, cause }: Extract<AgentResult, { kind: 'api-error' }>,
  company: Company,
): Attempt | Promise<Attempt> {
  const sentence = sentenceForApiError(status, code);
  const delayMs = overloadDelaysMs[turn.postponements];
  if (sentence.say !== 'overloaded' || delayMs === undefined)
    return decided(turn, bot, sentence, cause, company);
  const ordinal = noticeOrdinals.postponed;
  const later: Sentence = { say: 'overloaded-later', seconds: delayMs / 1000 };
  const notice = { ordinal, body: noticeBody(turn, bot, later, ordinal) };
  return { kind: 'postponed', delayMs, cause, notice, wasTold: turn.postponements > 0 };
}
