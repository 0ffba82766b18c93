import { randomUUID } from 'node:crypto';
import type { Prompt, TurnHooks } from '../agent/agent.ts';
import { promptText, retryText } from '../agent/prompt.ts';
import { readBody } from '../campfire/html/read.ts';
import type { Mentions } from '../campfire/mentions.ts';
import type { Bot } from '../config/bot.ts';
import type { Clock } from '../lib/clock.ts';
import type { Turn } from '../mail/mail.ts';
import type { Lease } from '../sessions/lease.ts';
import type { TurnResult } from '../sessions/session.ts';
import type { Emit, SessionName } from '../telemetry/events.ts';
import { mentionFor } from './asker.ts';
import { readContent } from './content.ts';
import { languageFor } from './language.ts';
import { type Attempt, decided, judge } from './outcome.ts';
import { decideOverdue, type Overdue } from './overdue.ts';
import type { PostedFiles } from './posted-files.ts';
import type { Sentence } from './sentence.ts';
import { doneWords, type Progress } from './steps.ts';
import { createTurnFiles, type TurnFilesParts } from './turn-files.ts';
import { tellableStep } from './withheld.ts';

export interface RunTurnParts extends TurnFilesParts {
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
  const files = createTurnFiles(turn, languageFor(bot, turn.messages), parts);
  const session: SessionName = `${turn.roomId}:${turn.botId}`;
  const { note, images } = await parts.postedFiles.bring(turn, bot, lease.slot, parts.stopping);
  const prompt = { uuid: turn.promptUuid, text: promptFor(turn, bot, parts.timeZone, note), images };
  const hooks: TurnHooks = {
    onStep(step) {
      const told = step.kind === 'tool' ? tellableStep(step, parts.secrets) : step;
      progress.hear(told, parts.clock.monotonicMs());
      if (told.kind === 'tool')
        parts.emit({ type: 'turn.step', session, turn: String(turn.id), tool: told.name });
    },
    useTool: (call, slot) => files.useTool(call, slot),
  };
  const ended = new AbortController();
  const running = ask(lease, prompt, hooks, ended.signal);
  const first = await watch(running, progress, halt, parts);
  if (first.kind !== 'ended') {
    ended.abort();
    await lease.stop();
  }
  const result = await running;
  await files.close();
  // It may have finished in the very moment in which it was told to stop.
  if (first.kind === 'ended' || result.kind === 'answered')
    return judge(turn, bot, result, { files, mention: await mention(), progress, secrets: parts.secrets });
  if (first.kind === 'halted') return { kind: 'halted' };
  if (first.kind === 'stopping') return { kind: 'given-back' };
  const done = doneWords(progress.done(), languageFor(bot, turn.messages));
  const [sentence, cause]: [Sentence, string] =
    first.kind === 'stuck'
      ? [{ say: 'stuck', minutes: minutesOf(first.silentMs), done }, 'no sign of life']
      : [{ say: 'timed-out', minutes: minutesOf(first.ranMs), done }, 'turn timeout'];
  return decided(turn, bot, sentence, cause, { files, mention: await mention() });
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

function minutesOf(ms: number): number {
  return Math.max(1, Math.round(ms / 60_000));
}

/** Resolves when the signal aborts; not any more once nobody waits, so that a long-lived signal collects nothing. */
function aborted(signal: AbortSignal, nobodyWaits: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => resolve();
    signal.addEventListener('abort', end, { once: true });
    nobodyWaits.addEventListener('abort', () => signal.removeEventListener('abort', end), { once: true });
  });
}
