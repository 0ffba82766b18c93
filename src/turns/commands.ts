import type { Bot } from '../config/bot.ts';
import { type Clock, within } from '../lib/clock.ts';
import type { Conversation, Mailbox, Message, Situation, Turn } from '../mail/mail.ts';
import type { Pool } from '../sessions/pool.ts';
import type { Conversations } from '../sessions/resume.ts';
import type { Emit } from '../telemetry/events.ts';
import { readContent } from './content.ts';
import { type Control, recogniseControl } from './control.ts';
import { languageFor } from './language.ts';
import { noticeBody } from './posts.ts';
import type { Running, Sentence } from './sentence.ts';
import { nameOf, type Runner } from './serve.ts';
import type { Spending } from './spending.ts';
import { abilityWords, doingWords } from './steps.ts';

/**
 * What control words do. Each is a message that waits beside the turns until it is settled here, so that a restart
 * finds it again.
 *
 * Invariants:
 * 1. What a stop ends and the line that says so are decided in one step; the line says what was ended in that step.
 * 2. Obeying a word twice, the first time cut off by a crash, does no harm.
 */

/** A stop is confirmed after this time, even if the agent has not ended by then: the room hears it within a second. */
const haltMs = 600;
/** An agent that would not end is tried again so often before `new` gives up and says so. */
const closeTries = 5;
const closeAgainMs = 1000;

export interface CommandParts {
  mail: Mailbox;
  pool: Pick<Pool, 'close' | 'snapshot'>;
  conversations: Pick<Conversations, 'describe' | 'erase' | 'transcript'>;
  spending: Pick<Spending, 'today'>;
  clock: Clock;
  emit: Emit;
  /** Told when outbox rows were written. */
  onDecided: () => void;
}

/** Whoever serves the conversation right now. */
export interface Serving {
  runner: Runner;
  ended: Promise<void>;
}

/** Obeys one message. Nobody begins to serve the conversation meanwhile; who already does is `serving`. */
export async function obey(
  message: Message,
  conversation: Conversation,
  bot: Bot,
  serving: Serving | null,
  parts: CommandParts,
): Promise<void> {
  const word = controlIn(message, bot) ?? 'help';
  parts.emit({ type: 'message.control', session: nameOf(conversation), messageId: message.messageId, word });
  if (word === 'stop') return stop(message, conversation, bot, serving, parts);
  if (word === 'new') return forget(message, conversation, bot, serving, parts);
  const sentence =
    word === 'help' ? helpOf(bot, message) : await statusOf(message, conversation, bot, serving, parts);
  await settle(conversation, bot, message, { sentence, withdrawn: [], stopTurn: null }, parts);
}

/** Of the HTML of a control word, with mentions around it. */
const wordHtmlMaxCharacters = 10_000;

/** The control word that a message is, as the person wrote it. Takes a bounded time: nothing is on disk yet. */
export function controlIn({ content }: Pick<Message, 'content'>, bot: Bot): Control | null {
  const { html, plain } = readContent(content);
  return hasStructure(html ?? '') ? null : recogniseControl(plain, bot.name);
}

/** Quotes, links and pictures are in the HTML only. A mention is none of them, though its attributes hold a picture. */
function hasStructure(html: string): boolean {
  if (html.length > wordHtmlMaxCharacters) return true;
  const withoutMentions = html.replace(/<action-text-attachment\b(?:"[^"]*"|'[^']*'|[^"'>])*>/gi, '');
  return /<(?:blockquote|a|img|figure|pre|ul|ol)\b/i.test(withoutMentions);
}

/**
 * What a stop ends, of what was said before it: the unfinished turn, whoever asked for it, and what its author had said and
 * still waits.
 */
function planStop(
  message: Message,
  { turn, waiting }: Situation,
): { stopTurn: Turn | null; withdrawn: Message[] } {
  const isBefore = (other: Message) =>
    other.messageId !== null && message.messageId !== null
      ? other.messageId < message.messageId
      : other.id < message.id;
  return {
    stopTurn: turn?.messages.some(isBefore) ? turn : null,
    withdrawn: waiting.filter((other) => other.authorId === message.authorId && isBefore(other)),
  };
}

/** Whether a runner works on what a stop ends, or waits for a session to do so. */
function concerns(
  { turn }: Runner,
  { stopTurn, withdrawn }: ReturnType<typeof planStop>,
  { waiting }: Situation,
): boolean {
  if (stopTurn) return turn === null || turn.id === stopTurn.id;
  return turn === null && withdrawn.some(({ id }) => id === waiting[0]?.id);
}

async function stop(
  message: Message,
  conversation: Conversation,
  bot: Bot,
  serving: Serving | null,
  parts: CommandParts,
): Promise<void> {
  for (;;) {
    const situation = await parts.mail.situation(conversation);
    if (!situation.atOnce.some(({ id }) => id === message.id)) return;
    const before = planStop(message, situation);
    if (serving && concerns(serving.runner, before, situation)) {
      serving.runner.halt();
      await within(parts.clock, haltMs, serving.ended);
    }
    // What was finished just in time is answered, and not stopped.
    const { stopTurn, withdrawn } = planStop(message, await parts.mail.situation(conversation));
    const stopped = stopTurn && describeTurn(stopTurn, bot, message, serving, parts.clock);
    const sentence: Sentence = { say: 'stop', stopped, withdrawn: withdrawn.length };
    if (await settle(conversation, bot, message, { sentence, withdrawn, stopTurn }, parts)) return;
  }
}

async function forget(
  message: Message,
  conversation: Conversation,
  bot: Bot,
  serving: Serving | null,
  parts: CommandParts,
): Promise<void> {
  serving?.runner.halt();
  await serving?.ended;
  const situation = await parts.mail.situation(conversation);
  const { stopTurn } = planStop(message, situation);
  const begunAfter = stopTurn === null ? situation.turn : null;
  // Written after the word, it is asked again of an agent that knows nothing; that it was cut off is not its fault.
  if (begunAfter && serving?.runner.turn?.id === begunAfter.id) await parts.mail.giveBack(begunAfter);
  const stopped = stopTurn && describeTurn(stopTurn, bot, message, serving, parts.clock);
  await closeSession(conversation, parts);
  await parts.conversations.erase(conversation);
  parts.emit({ type: 'conversation.forgotten', session: nameOf(conversation) });
  await settle(
    conversation,
    bot,
    message,
    { sentence: { say: 'new', stopped }, withdrawn: [], stopTurn },
    parts,
  );
}

/** @throws Error when the session would not end; the word then stays where it is and is obeyed later. */
async function closeSession(conversation: Conversation, { pool, clock }: CommandParts): Promise<void> {
  const name = nameOf(conversation);
  for (let tries = 0; tries < closeTries; tries++) {
    await pool.close(name, 'forgotten');
    if (!pool.snapshot().some(({ id }) => id === name)) return;
    await clock.sleep(closeAgainMs);
  }
  throw new Error(`The session of ${name} did not end, so it cannot be forgotten yet.`);
}

async function settle(
  conversation: Conversation,
  bot: Bot,
  message: Message,
  { sentence, withdrawn, stopTurn }: { sentence: Sentence; withdrawn: Message[]; stopTurn: Turn | null },
  { mail, emit, clock, onDecided }: CommandParts,
): Promise<boolean> {
  const body = noticeBody({ messages: [message] }, bot, sentence, 0);
  const done = await mail.settle(conversation, {
    messages: [...withdrawn, message],
    stopTurn: stopTurn?.id ?? null,
    outcome: { kind: sentence.say === 'stop' ? 'stopped' : 'answered' },
    drafts: [{ kind: 'post', body }],
  });
  if (!done) return false;
  onDecided();
  if (stopTurn) {
    emit({
      ...{
        type: 'turn.decided',
        session: nameOf(conversation),
        turn: String(stopTurn.id),
        outcome: 'stopped',
      },
      ...{
        path: null,
        durationMs: clock.now() - stopTurn.startedAt,
        costUsd: null,
        tokens: null,
        cause: `by a person's word`,
      },
    });
  }
  return true;
}

async function statusOf(
  message: Message,
  conversation: Conversation,
  bot: Bot,
  serving: Serving | null,
  { mail, conversations, spending, clock }: CommandParts,
): Promise<Sentence> {
  const { turn, waiting } = await mail.situation(conversation);
  const memory = await conversations.describe(conversation);
  const ago = (time: number) => Math.max(0, clock.now() - time);
  return {
    say: 'status',
    running: turn && describeTurn(turn, bot, message, serving, clock),
    waiting: waiting.length,
    memory: memory && {
      ...{ turns: memory.turns, usedMsAgo: ago(memory.usedAt) },
      beganMsAgo: memory.beganAt === null ? null : ago(memory.beganAt),
    },
    today: await spending.today(bot),
  };
}

function describeTurn(
  turn: Turn,
  bot: Bot,
  message: Message,
  serving: Serving | null,
  clock: Clock,
): Running {
  const step = serving?.runner.turn?.id === turn.id ? serving.runner.progress.current() : null;
  return {
    name: readContent(turn.messages[0].content).author ?? '…',
    forMs: Math.max(0, clock.now() - turn.startedAt),
    step: step && doingWords(step, languageFor(bot, [message])),
  };
}

function helpOf(bot: Bot, message: Message): Sentence {
  const abilities = abilityWords(bot.tools, languageFor(bot, [message]));
  return { say: 'help', name: bot.name, description: bot.description, abilities };
}
