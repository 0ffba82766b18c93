import { randomUUID } from 'node:crypto';
import type { AgentResult, DeathCause, Prompt, TurnHooks } from '../agent/agent.ts';
import { promptText, retryText } from '../agent/prompt.ts';
import { readBody } from '../campfire/html/read.ts';
import { plainNotice, renderReply } from '../campfire/html/render.ts';
import type { Bot, Language } from '../config/bot.ts';
import type { Clock } from '../lib/clock.ts';
import {
  type Message,
  type Notice,
  noticeOrdinals,
  type OutboxDraft,
  type Outcome,
  type Turn,
} from '../mail/mail.ts';
import type { Lease } from '../sessions/lease.ts';
import type { TurnResult } from '../sessions/session.ts';
import type { Emit, SessionName } from '../telemetry/events.ts';
import { readContent, writeFile } from './content.ts';
import { decideOverdue, type Overdue } from './overdue.ts';
import type { Sentence } from './sentence.ts';
import { wordsFor } from './sentences.ts';
import { doneWords, type Progress } from './steps.ts';
import { holdsSecret } from './withheld.ts';

/** A turn that was cut off this many times ends in a sentence, so that no message can end every start. */
const maxAttempts = 3;
/** How long a turn waits after Claude was overloaded, beyond the agent's own tries; then it ends in a sentence. */
const overloadDelaysMs = [20_000, 60_000];

/** What became of one attempt. */
export type Attempt =
  | { kind: 'decided'; outcome: Outcome; drafts: OutboxDraft[]; costUsd: number | null }
  /** The agent died: the turn is still undecided and has to be begun again. */
  | { kind: 'cut-off'; cause: string }
  /** The service is stopping: the attempt does not count. */
  | { kind: 'given-back' }
  /** Claude is overloaded: the turn is tried again later, and the room is told once. */
  | { kind: 'postponed'; delayMs: number; cause: string; notice: Notice | null }
  /** A person ended it: whoever told so decides the turn. */
  | { kind: 'halted' };

export interface RunTurnParts {
  clock: Clock;
  emit: Emit;
  timeZone: string;
  turnTimeoutMs: number;
  /** Strings that must not be posted, such as keys; what a bot can read it can also be talked into saying. */
  secrets: ReadonlySet<string>;
  /** Aborts when running turns have had their time in a drain. */
  stopping: AbortSignal;
}

/** One turn's own: what is seen of it while it runs, and the way to end it. */
export interface TurnInSight {
  progress: Progress;
  /** Aborts when a person ends the turn. */
  halt: AbortSignal;
}

/** Runs one attempt of a turn in a held session and says what the room gets. Posts nothing itself. */
export async function runTurn(
  turn: Turn,
  bot: Bot,
  lease: Lease,
  parts: RunTurnParts,
  { progress, halt }: TurnInSight,
): Promise<Attempt> {
  if (turn.attempt > maxAttempts) return decided(turn, bot, { say: 'gave-up' }, 'cut off too often');
  const session: SessionName = `${turn.roomId}:${turn.botId}`;
  const prompt = { uuid: turn.promptUuid, text: promptFor(turn, bot, parts.timeZone) };
  const hooks: TurnHooks = {
    onStep(step) {
      progress.hear(step, parts.clock.monotonicMs());
      if (step.kind === 'tool')
        parts.emit({ type: 'turn.step', session, turn: String(turn.id), tool: step.name });
    },
  };
  const ended = new AbortController();
  const running = ask(lease, prompt, hooks, ended.signal);
  const first = await watch(running, progress, halt, parts);
  if (first.kind === 'ended') return judge(turn, bot, first.result, progress, parts.secrets);
  ended.abort();
  await lease.stop();
  const late = await running;
  // It may have finished in the very moment in which it was told to stop.
  if (late.kind === 'answered') return judge(turn, bot, late, progress, parts.secrets);
  if (first.kind === 'halted') return { kind: 'halted' };
  if (first.kind === 'stopping') return { kind: 'given-back' };
  const done = doneWords(progress.done(), languageOf(bot, turn.messages));
  return first.kind === 'stuck'
    ? decided(turn, bot, { say: 'stuck', minutes: minutesOf(first.silentMs), done }, 'no sign of life')
    : decided(turn, bot, { say: 'timed-out', minutes: minutesOf(first.ranMs), done }, 'turn timeout');
}

/**
 * The answer to a prompt, in a fresh session if the history before it is refused: too long for the model, or the same
 * bad request twice. An error that has nothing to do with the history stays one there, and memory is kept.
 */
async function ask(lease: Lease, prompt: Prompt, hooks: TurnHooks, ended: AbortSignal): Promise<TurnResult> {
  const first = await lease.run(prompt, hooks);
  if (first.kind !== 'api-error' || ended.aborted) return first;
  if (first.code === 'prompt_too_long') return (await lease.startOver(prompt, hooks)) ?? first;
  if (first.status !== 400) return first;
  const second = await lease.run({ uuid: randomUUID(), text: retryText(prompt.text) }, hooks);
  if (second.kind !== 'api-error' || second.status !== 400 || ended.aborted) return second;
  return (await lease.startOver(prompt, hooks)) ?? second;
}

type Ending =
  | { kind: 'ended'; result: TurnResult }
  | { kind: 'halted' }
  | { kind: 'stopping' }
  | Exclude<Overdue, { kind: 'go-on' }>;

/** Waits for the result, or for a reason to wait no longer. */
async function watch(
  running: Promise<TurnResult>,
  progress: Progress,
  halt: AbortSignal,
  { clock, turnTimeoutMs: timeoutMs, stopping }: RunTurnParts,
): Promise<Ending> {
  const startedMs = clock.monotonicMs();
  const over = new AbortController();
  const endings: Promise<Ending>[] = [
    running.then((result) => ({ kind: 'ended', result })),
    aborted(halt, over.signal).then(() => ({ kind: 'halted' })),
    aborted(stopping, over.signal).then(() => ({ kind: 'stopping' })),
  ];
  try {
    for (;;) {
      const lastSignMs = progress.lastSignMs() ?? startedMs;
      const toolsRunning = progress.toolsRunning();
      const reading = { nowMs: clock.monotonicMs(), startedMs, timeoutMs, lastSignMs, toolsRunning };
      const overdue = decideOverdue(reading);
      if (overdue.kind !== 'go-on') return overdue;
      const look = clock.sleep(overdue.lookAgainMs, over.signal).then(() => null);
      const first = await Promise.race([...endings, look]);
      if (first !== null) return first;
    }
  } finally {
    over.abort();
  }
}

/** A turn that ends without an answer, in one sentence. */
export function decided(turn: Turn, bot: Bot, sentence: Sentence, cause: string): Attempt {
  return {
    kind: 'decided',
    outcome: sentence.say === 'stopped' ? { kind: 'stopped' } : { kind: 'failed', cause },
    drafts: [{ kind: 'post', body: noticeBody(turn, bot, sentence, 0) }],
    costUsd: null,
  };
}

function judge(
  turn: Turn,
  bot: Bot,
  result: TurnResult,
  progress: Progress,
  secrets: ReadonlySet<string>,
): Attempt {
  switch (result.kind) {
    case 'answered': {
      const exchanges = progress.startedOverWith();
      const told: Sentence | null = exchanges === null ? null : { say: 'started-over', exchanges };
      return answered(turn, bot, result, secrets, told);
    }
    case 'max-turns':
      return decided(turn, bot, { say: 'too-many-steps' }, 'max turns');
    case 'interrupted':
      // Somebody closed the session from outside; a timeout, a drain and a stop are judged where they are known.
      return decided(turn, bot, { say: 'stopped' }, 'interrupted');
    case 'api-error':
      return judgeApiError(turn, bot, result);
    case 'no-memory':
      return decided(turn, bot, { say: 'failed' }, result.cause);
    case 'died':
      return turn.attempt < maxAttempts
        ? { kind: 'cut-off', cause: result.cause }
        : decided(turn, bot, sentenceForDeath(result.death), result.cause);
    case 'too-large':
      // Trying again would only grow again.
      return decided(turn, bot, { say: 'out-of-memory' }, result.cause);
  }
}

function sentenceForDeath(death: DeathCause): Sentence {
  if (death === 'oom') return { say: 'out-of-memory' };
  return { say: death === 'start' ? 'cannot-start' : 'gave-up' };
}

/** An answer as posts; `first` is said before it, in the same post. */
export function answered(
  turn: Turn,
  bot: Bot,
  { text, costUsd }: { text: string; costUsd: number | null },
  secrets: ReadonlySet<string>,
  first: Sentence | null = null,
): Attempt {
  if (holdsSecret(text, secrets)) return decided(turn, bot, { say: 'withheld' }, 'the answer held a secret');
  const language = languageOf(bot, turn.messages);
  const whole = first === null ? text : `${wordsFor(first, language)}\n\n${text}`;
  const rendered = renderReply(whole, { marker: markerOf(turn), language });
  const posts = rendered.bodies.map((body): OutboxDraft => ({ kind: 'post', body }));
  if (rendered.kind === 'empty')
    posts.push({ kind: 'post', body: noticeBody(turn, bot, { say: 'empty-answer' }, 0) });
  if (rendered.kind === 'file') {
    const filename = `answer-${markerOf(turn)(posts.length)}.md`;
    posts.push({ kind: 'file', body: writeFile({ filename, type: 'text/markdown', text }) });
  }
  return { kind: 'decided', outcome: { kind: 'answered' }, drafts: posts, costUsd };
}

function judgeApiError(
  turn: Turn,
  bot: Bot,
  { status, code, cause }: Extract<AgentResult, { kind: 'api-error' }>,
): Attempt {
  const sentence = sentenceForApiError(status, code);
  const delayMs = overloadDelaysMs[turn.postponements];
  if (sentence.say !== 'overloaded' || delayMs === undefined) return decided(turn, bot, sentence, cause);
  const ordinal = noticeOrdinals.postponed;
  const later: Sentence = { say: 'overloaded-later', seconds: delayMs / 1000 };
  const notice = turn.postponements > 0 ? null : { ordinal, body: noticeBody(turn, bot, later, ordinal) };
  return { kind: 'postponed', delayMs, cause, notice };
}

function promptFor(turn: Turn, bot: Bot, timeZone: string): string {
  const text = turn.messages
    .map(({ content, authorId, receivedAt }) => {
      const { author, roomName, html, plain, saidAt = receivedAt } = readContent(content);
      const said = { author: author ?? `user ${authorId}`, roomName, text: readBody(html, plain, bot.name) };
      return promptText({ ...said, saidAt }, timeZone);
    })
    .join('\n\n');
  return turn.attempt > 1 || turn.postponements > 0 ? retryText(text) : text;
}

/** A sentence as a post that answers these messages. */
export function noticeBody(
  turn: { messages: readonly Message[] },
  bot: Bot,
  sentence: Sentence,
  ordinal: number,
): string {
  return plainNotice(wordsFor(sentence, languageOf(bot, turn.messages)), markerOf(turn)(ordinal));
}

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

/** The bot's own language, or else that of the script in which the last of the messages is written. */
export function languageOf(bot: Bot, messages: readonly { content: string }[] = []): Language {
  if (bot.language !== undefined) return bot.language;
  const last = messages.at(-1);
  return last && /\p{Script=Han}/u.test(readContent(last.content).plain) ? 'zh-CN' : 'en';
}

function minutesOf(ms: number): number {
  return Math.max(1, Math.round(ms / 60_000));
}

/** Resolves when the signal aborts; not any more once nobody waits, so that a long-lived signal collects nothing. */
function aborted(signal: AbortSignal, nobodyWaits: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true, signal: nobodyWaits });
  });
}

function sentenceForApiError(status: number | null, code: string): Sentence {
  if (status === 429 || status === 529 || code === 'rate_limit' || code === 'overloaded')
    return { say: 'overloaded' };
  if (status === 401 || status === 403 || code === 'authentication_failed' || code === 'billing_error') {
    return { say: 'not-authorised' };
  }
  return { say: 'api-failed' };
}
