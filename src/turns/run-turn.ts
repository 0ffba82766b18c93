import { randomUUID } from 'node:crypto';
import type { AgentResult, Prompt, TurnHooks } from '../agent/agent.ts';
import { promptText, retryText } from '../agent/prompt.ts';
import { readBody } from '../campfire/html/read.ts';
import { plainNotice, renderReply } from '../campfire/html/render.ts';
import type { Mentions } from '../campfire/mentions.ts';
import type { Bot } from '../config/bot.ts';
import type { Clock } from '../lib/clock.ts';
import {
  type Message,
  type Notice,
  noticeOrdinals,
  type OutboxDraft,
  type Outcome,
  type Turn,
} from '../mail/mail.ts';
import type { Lease } from '../sessions/pool.ts';
import type { Emit, SessionName } from '../telemetry/events.ts';
import { mentionFor } from './asker.ts';
import { readContent, writeFile } from './content.ts';
import { languageFor } from './language.ts';
import { decideOverdue, type Overdue } from './overdue.ts';
import type { PostedFiles } from './posted-files.ts';
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
  mentions: Mentions;
  postedFiles: PostedFiles;
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
  const mention = mentionFor(turn, bot, parts);
  if (turn.attempt > maxAttempts)
    return decided(turn, bot, { say: 'gave-up' }, 'cut off too often', await mention());
  const session: SessionName = `${turn.roomId}:${turn.botId}`;
  const { note, images } = await parts.postedFiles.bring(turn, bot, lease.slot, parts.stopping);
  const prompt = { uuid: turn.promptUuid, text: promptFor(turn, bot, parts.timeZone, note), images };
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
  if (first.kind === 'ended')
    return judge(turn, bot, first.result, progress, { ...parts, mention: await mention() });
  ended.abort();
  await lease.stop();
  const late = await running;
  // It may have finished in the very moment in which it was told to stop.
  if (late.kind === 'answered')
    return judge(turn, bot, late, progress, { ...parts, mention: await mention() });
  if (first.kind === 'halted') return { kind: 'halted' };
  if (first.kind === 'stopping') return { kind: 'given-back' };
  const done = doneWords(progress.done(), languageFor(bot, turn.messages));
  const [sentence, cause]: [Sentence, string] =
    first.kind === 'stuck'
      ? [{ say: 'stuck', minutes: minutesOf(first.silentMs), done }, 'no sign of life']
      : [{ say: 'timed-out', minutes: minutesOf(first.ranMs), done }, 'turn timeout'];
  return decided(turn, bot, sentence, cause, await mention());
}

/**
 * The answer to a prompt, in a fresh session if the history before it is refused: too long for the model, or the same
 * bad request twice. An error that has nothing to do with the history stays one there, and memory is kept.
 */
async function ask(lease: Lease, prompt: Prompt, hooks: TurnHooks, ended: AbortSignal): Promise<AgentResult> {
  const first = await lease.run(prompt, hooks);
  if (first.kind !== 'api-error' || ended.aborted) return first;
  if (first.code === 'prompt_too_long') return (await lease.startOver(prompt, hooks)) ?? first;
  if (first.status !== 400) return first;
  const second = await lease.run({ uuid: randomUUID(), text: retryText(prompt.text) }, hooks);
  if (second.kind !== 'api-error' || second.status !== 400 || ended.aborted) return second;
  return (await lease.startOver(prompt, hooks)) ?? second;
}

type Ending =
  | { kind: 'ended'; result: AgentResult }
  | { kind: 'halted' }
  | { kind: 'stopping' }
  | Exclude<Overdue, { kind: 'go-on' }>;

/** Waits for the result, or for a reason to wait no longer. */
async function watch(
  running: Promise<AgentResult>,
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

/** A turn that ends without an answer, in one sentence; `mention` is the signed id of whom it is for. */
export function decided(
  turn: Turn,
  bot: Bot,
  sentence: Sentence,
  cause: string,
  mention: string | null = null,
): Attempt {
  return {
    kind: 'decided',
    outcome: sentence.say === 'stopped' ? { kind: 'stopped' } : { kind: 'failed', cause },
    drafts: [{ kind: 'post', body: noticeBody(turn, bot, sentence, 0, mention) }],
    costUsd: null,
  };
}

function judge(
  turn: Turn,
  bot: Bot,
  result: AgentResult,
  progress: Progress,
  { secrets, mention }: { secrets: ReadonlySet<string>; mention: string | null },
): Attempt {
  const failed = (sentence: Sentence, cause: string) => decided(turn, bot, sentence, cause, mention);
  switch (result.kind) {
    case 'answered': {
      const exchanges = progress.startedOverWith();
      const told: Sentence | null = exchanges === null ? null : { say: 'started-over', exchanges };
      return answered(turn, bot, result, secrets, { first: told, mention });
    }
    case 'max-turns':
      return failed({ say: 'too-many-steps' }, 'max turns');
    case 'interrupted':
      // Somebody closed the session from outside; a timeout, a drain and a stop are judged where they are known.
      return failed({ say: 'stopped' }, 'interrupted');
    case 'api-error':
      return judgeApiError(turn, bot, result, mention);
    case 'no-memory':
      return failed({ say: 'failed' }, result.cause);
    case 'died':
      return turn.attempt < maxAttempts
        ? { kind: 'cut-off', cause: result.cause }
        : failed({ say: 'gave-up' }, result.cause);
  }
}

/** An answer as posts; `first` is said before it, in the same post, which begins with the mention. */
export function answered(
  turn: Turn,
  bot: Bot,
  { text, costUsd }: { text: string; costUsd: number | null },
  secrets: ReadonlySet<string>,
  { first = null, mention = null }: { first?: Sentence | null; mention?: string | null } = {},
): Attempt {
  if (holdsSecret(text, secrets))
    return decided(turn, bot, { say: 'withheld' }, 'the answer held a secret', mention);
  const language = languageFor(bot, turn.messages);
  const whole = first === null ? text : `${wordsFor(first, language)}\n\n${text}`;
  const rendered = renderReply(whole, { marker: markerOf(turn), language, mention });
  const posts = rendered.bodies.map((body): OutboxDraft => ({ kind: 'post', body }));
  if (rendered.kind === 'empty')
    posts.push({ kind: 'post', body: noticeBody(turn, bot, { say: 'empty-answer' }, 0, mention) });
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
  mention: string | null,
): Attempt {
  const sentence = sentenceForApiError(status, code);
  const delayMs = overloadDelaysMs[turn.postponements];
  if (sentence.say !== 'overloaded' || delayMs === undefined)
    return decided(turn, bot, sentence, cause, mention);
  const ordinal = noticeOrdinals.postponed;
  const later: Sentence = { say: 'overloaded-later', seconds: delayMs / 1000 };
  const notice = turn.postponements > 0 ? null : { ordinal, body: noticeBody(turn, bot, later, ordinal) };
  return { kind: 'postponed', delayMs, cause, notice };
}

/** `note` is about what was posted before the messages, and stands before them. */
function promptFor(turn: Turn, bot: Bot, timeZone: string, note: string | null): string {
  const said = turn.messages
    .map(({ content, authorId, receivedAt }) => {
      const { author, roomName, html, plain, saidAt = receivedAt } = readContent(content);
      const by = { author: author ?? `user ${authorId}`, roomName, text: readBody(html, plain, bot.name) };
      return promptText({ ...by, saidAt }, timeZone);
    })
    .join('\n\n');
  const text = note === null ? said : `${note}\n${said}`;
  return turn.previousPromptUuid === null ? text : retryText(text);
}

/** A sentence as a post that answers these messages. */
export function noticeBody(
  turn: { messages: readonly Message[] },
  bot: Bot,
  sentence: Sentence,
  ordinal: number,
  mention: string | null = null,
): string {
  const words = wordsFor(sentence, languageFor(bot, turn.messages));
  return plainNotice(words, markerOf(turn)(ordinal), mention);
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
