import type { AgentResult } from '../agent/agent.ts';
import { promptText, retryText } from '../agent/prompt.ts';
import { answerFor } from '../agent/tools.ts';
import { readBody } from '../campfire/html/read.ts';
import { plainNotice, renderReply } from '../campfire/html/render.ts';
import type { Bot, Language } from '../config/bot.ts';
import { type Clock, within } from '../lib/clock.ts';
import type { OutboxDraft, Outcome, Turn } from '../mail/mail.ts';
import type { Lease } from '../sessions/pool.ts';
import type { Emit, SessionName } from '../telemetry/events.ts';
import { readContent, writeFile } from './content.ts';
import { type Sentence, wordsFor } from './sentences.ts';

/** A turn that was cut off this many times ends in a sentence, so that no message can end every start. */
const maxAttempts = 3;

/** What became of one attempt. */
export type Attempt =
  | { kind: 'decided'; outcome: Outcome; drafts: OutboxDraft[]; costUsd: number | null }
  /** The agent died: the turn is still undecided and has to be begun again. */
  | { kind: 'cut-off'; cause: string }
  /** The service is stopping: the attempt does not count. */
  | { kind: 'given-back' };

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

/** Runs one attempt of a turn in a held session and says what the room gets. Posts nothing itself. */
export async function runTurn(turn: Turn, bot: Bot, lease: Lease, parts: RunTurnParts): Promise<Attempt> {
  if (turn.attempt > maxAttempts) return decided(turn, bot, { say: 'gave-up' }, 'cut off too often');
  const session: SessionName = `${turn.roomId}:${turn.botId}`;
  const prompt = { uuid: turn.promptUuid, text: promptFor(turn, bot, parts.timeZone) };
  const running = lease.run(prompt, {
    onStep: (step) => parts.emit({ type: 'turn.step', session, turn: String(turn.id), tool: step.name }),
    useTool: async () => answerFor({ kind: 'no-turn' }),
  });
  const stopped = new AbortController();
  const stoppingNow = new Promise<'stopping'>((resolve) => {
    if (parts.stopping.aborted) resolve('stopping');
    parts.stopping.addEventListener('abort', () => resolve('stopping'), { signal: stopped.signal });
  });
  const first = await within(parts.clock, parts.turnTimeoutMs, Promise.race([running, stoppingNow]));
  stopped.abort();
  if (typeof first === 'object') return judge(turn, bot, first, parts.secrets);
  await lease.stop();
  const late = await running;
  // It may have finished in the very moment in which it was told to stop.
  if (late.kind === 'answered') return judge(turn, bot, late, parts.secrets);
  if (first === 'stopping') return { kind: 'given-back' };
  return decided(
    turn,
    bot,
    { say: 'timed-out', minutes: Math.max(1, Math.round(parts.turnTimeoutMs / 60_000)) },
    'turn timeout',
  );
}

/** A turn that ends without having run, in one sentence. */
export function decided(turn: Turn, bot: Bot, sentence: Sentence, cause: string): Attempt {
  const body = plainNotice(wordsFor(sentence, languageOf(bot)), markerOf(turn)(0));
  return {
    kind: 'decided',
    outcome: sentence.say === 'stopped' ? { kind: 'stopped' } : { kind: 'failed', cause },
    drafts: [{ kind: 'post', body }],
    costUsd: null,
  };
}

function judge(turn: Turn, bot: Bot, result: AgentResult, secrets: ReadonlySet<string>): Attempt {
  switch (result.kind) {
    case 'answered':
      if (holdsSecret(result.text, secrets))
        return decided(turn, bot, { say: 'withheld' }, 'the answer held a secret');
      return answered(turn, bot, result.text, result.costUsd);
    case 'max-turns':
      return decided(turn, bot, { say: 'too-many-steps' }, 'max turns');
    case 'interrupted':
      // Somebody closed the session from outside; a timeout and a drain are judged where they are known.
      return decided(turn, bot, { say: 'stopped' }, 'interrupted');
    case 'api-error':
      return decided(turn, bot, sentenceForApiError(result.status, result.code), result.cause);
    case 'no-memory':
      return decided(turn, bot, { say: 'failed' }, result.cause);
    case 'died':
      return turn.attempt < maxAttempts
        ? { kind: 'cut-off', cause: result.cause }
        : decided(turn, bot, { say: 'gave-up' }, result.cause);
  }
}

function answered(turn: Turn, bot: Bot, text: string, costUsd: number): Attempt {
  const language = languageOf(bot);
  const rendered = renderReply(text, { marker: markerOf(turn), language });
  const posts = rendered.bodies.map((body): OutboxDraft => ({ kind: 'post', body }));
  if (rendered.kind === 'empty') {
    posts.push({
      kind: 'post',
      body: plainNotice(wordsFor({ say: 'empty-answer' }, language), markerOf(turn)(0)),
    });
  }
  if (rendered.kind === 'file') {
    const filename = `answer-${markerOf(turn)(posts.length)}.md`;
    posts.push({ kind: 'file', body: writeFile({ filename, type: 'text/markdown', text }) });
  }
  return { kind: 'decided', outcome: { kind: 'answered' }, drafts: posts, costUsd };
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
