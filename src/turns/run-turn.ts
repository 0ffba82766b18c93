import type { AgentResult } from '../agent/agent.ts';
import { promptText, retryText } from '../agent/prompt.ts';
import { readBody } from '../campfire/html/read.ts';
import { plainNotice, renderReply } from '../campfire/html/render.ts';
import type { Bot, Language } from '../config/bot.ts';
import { type Clock, within } from '../lib/clock.ts';
import type { OutboxDraft, Outcome, Turn } from '../mail/mail.ts';
import type { Lease } from '../sessions/pool.ts';
import type { Emit, SessionName } from '../telemetry/events.ts';
import { readContent } from './content.ts';
import { fileWords, type Sentence, wordsFor } from './sentences.ts';
import { createTurnFiles, type TurnFiles, type TurnFilesParts } from './turn-files.ts';

/** A turn that was cut off this many times ends in a sentence, so that no message can end every start. */
const maxAttempts = 3;

/** What became of one attempt. */
export type Attempt =
  | { kind: 'decided'; outcome: Outcome; drafts: OutboxDraft[]; costUsd: number | null }
  /** The agent died: the turn is still undecided and has to be begun again. */
  | { kind: 'cut-off'; cause: string }
  /** The service is stopping: the attempt does not count. */
  | { kind: 'given-back' };

export interface RunTurnParts extends TurnFilesParts {
  clock: Clock;
  emit: Emit;
  timeZone: string;
  turnTimeoutMs: number;
  /** Strings that must not be posted, such as keys; what a bot can read it can also be talked into saying. */
  secrets: ReadonlySet<string>;
  /** Aborts when running turns have had their time in a drain. */
  stopping: AbortSignal;
}

/** Runs one attempt of a turn in a held session and says what the room gets. Posts nothing itself. */
export async function runTurn(turn: Turn, bot: Bot, lease: Lease, parts: RunTurnParts): Promise<Attempt> {
  const files = createTurnFiles(turn, languageOf(bot), parts);
  const ending = await runToEnd(turn, bot, lease, files, parts);
  await files.close();
  switch (ending.kind) {
    case 'answer':
      return answered(turn, bot, ending, files);
    case 'sentence':
      return decided(turn, bot, ending.sentence, ending.cause, ending.withFiles ? files : null);
    default:
      return ending;
  }
}

/** How the agent's work on a turn ended, before anything is written for the room. */
type Ending =
  | { kind: 'answer'; text: string; costUsd: number }
  | { kind: 'sentence'; sentence: Sentence; cause: string; withFiles: boolean }
  | Exclude<Attempt, { kind: 'decided' }>;

async function runToEnd(
  turn: Turn,
  bot: Bot,
  lease: Lease,
  files: TurnFiles,
  parts: RunTurnParts,
): Promise<Ending> {
  if (turn.attempt > maxAttempts) return failed({ say: 'gave-up' }, 'cut off too often');
  const session: SessionName = `${turn.roomId}:${turn.botId}`;
  const prompt = { uuid: turn.promptUuid, text: promptFor(turn, bot, parts.timeZone) };
  const running = lease.run(prompt, {
    onStep: (step) => parts.emit({ type: 'turn.step', session, turn: String(turn.id), tool: step.name }),
    useTool: (call, slot) => files.useTool(call, slot),
  });
  const stopped = new AbortController();
  const stoppingNow = new Promise<'stopping'>((resolve) => {
    if (parts.stopping.aborted) resolve('stopping');
    parts.stopping.addEventListener('abort', () => resolve('stopping'), { signal: stopped.signal });
  });
  const first = await within(parts.clock, parts.turnTimeoutMs, Promise.race([running, stoppingNow]));
  stopped.abort();
  if (typeof first === 'object') return judge(turn, first, parts.secrets);
  await lease.stop();
  const late = await running;
  // It may have finished in the very moment in which it was told to stop.
  if (late.kind === 'answered') return judge(turn, late, parts.secrets);
  if (first === 'stopping') return { kind: 'given-back' };
  const minutes = Math.max(1, Math.round(parts.turnTimeoutMs / 60_000));
  return failed({ say: 'timed-out', minutes }, 'turn timeout');
}

/** A turn that ends without an answer, in one sentence and with the files that it had made by then. */
export async function decided(
  turn: Turn,
  bot: Bot,
  sentence: Sentence,
  cause: string,
  turnFiles: TurnFiles | null,
): Promise<Attempt> {
  const language = languageOf(bot);
  const made = await turnFiles?.present('');
  const hasMade = made !== undefined && made.files.links.length + made.attachments.length > 0;
  const words = hasMade
    ? `${wordsFor(sentence, language)}\n${fileWords(language).madeBefore}`
    : wordsFor(sentence, language);
  return {
    kind: 'decided',
    outcome: sentence.say === 'stopped' ? { kind: 'stopped' } : { kind: 'failed', cause },
    drafts: [
      { kind: 'post', body: plainNotice(words, markerOf(turn)(0), made?.files) },
      ...(made?.attachments ?? []),
    ],
    costUsd: null,
  };
}

function failed(sentence: Sentence, cause: string, withFiles = true): Ending {
  return { kind: 'sentence', sentence, cause, withFiles };
}

function judge(turn: Turn, result: AgentResult, secrets: ReadonlySet<string>): Ending {
  switch (result.kind) {
    case 'answered':
      // Files of an answer that held a secret may hold it in a form that nobody recognised.
      if (holdsSecret(result.text, secrets))
        return failed({ say: 'withheld' }, 'the answer held a secret', false);
      return { kind: 'answer', text: result.text, costUsd: result.costUsd };
    case 'max-turns':
      return failed({ say: 'too-many-steps' }, 'max turns');
    case 'interrupted':
      // Somebody closed the session from outside; a timeout and a drain are judged where they are known.
      return failed({ say: 'stopped' }, 'interrupted');
    case 'api-error':
      return failed(sentenceForApiError(result.status, result.code), result.cause);
    case 'no-memory':
      return failed({ say: 'failed' }, result.cause);
    case 'died':
      return turn.attempt < maxAttempts
        ? { kind: 'cut-off', cause: result.cause }
        : failed({ say: 'gave-up' }, result.cause);
  }
}

async function answered(
  turn: Turn,
  bot: Bot,
  { text, costUsd }: { text: string; costUsd: number },
  turnFiles: TurnFiles,
): Promise<Attempt> {
  const language = languageOf(bot);
  const { files, deadLinks, attachments } = await turnFiles.present(text);
  const rendered = renderReply(text, { marker: markerOf(turn), language, files, deadLinks });
  const drafts = rendered.bodies.map((body): OutboxDraft => ({ kind: 'post', body }));
  if (rendered.kind === 'empty' && attachments.length === 0) {
    drafts.push({
      kind: 'post',
      body: plainNotice(wordsFor({ say: 'empty-answer' }, language), markerOf(turn)(0)),
    });
  }
  if (rendered.kind === 'file') {
    const filename = `answer-${markerOf(turn)(drafts.length)}.md`;
    drafts.push(await turnFiles.attachText(filename, rendered.markdown));
  }
  return { kind: 'decided', outcome: { kind: 'answered' }, drafts: [...drafts, ...attachments], costUsd };
}

function holdsSecret(text: string, secrets: ReadonlySet<string>): boolean {
  return secrets.values().some((secret) => text.includes(secret));
}

function promptFor(turn: Turn, bot: Bot, timeZone: string): string {
  const text = turn.messages
    .map(({ content, authorId, receivedAt }) => {
      const { author, roomName, html, plain } = readContent(content);
      const said = { author: author ?? `user ${authorId}`, roomName, text: readBody(html, plain, bot.name) };
      return promptText({ ...said, saidAt: receivedAt }, timeZone);
    })
    .join('\n\n');
  return turn.attempt > 1 ? retryText(text) : text;
}

/** The class by which a restart recognises its own post (classes survive Campfire's sanitiser). */
export function markerOf(turn: {
  id: number;
  messages: readonly { messageId: number | null }[];
}): (ordinal: number) => string {
  const messageId = turn.messages.at(-1)?.messageId ?? null;
  return (ordinal) => (messageId === null ? `t${turn.id}-${ordinal}` : `m${messageId}-${ordinal}`);
}

export function languageOf(bot: Bot): Language {
  return bot.language ?? 'en';
}

function sentenceForApiError(status: number | null, code: string): Sentence {
  if (status === 429 || status === 529 || code === 'rate_limit' || code === 'overloaded')
    return { say: 'overloaded' };
  if (status === 401 || status === 403 || code === 'authentication_failed' || code === 'billing_error') {
    return { say: 'not-authorised' };
  }
  return { say: 'api-failed' };
}
