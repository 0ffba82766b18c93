import { systemPrompt } from '../agent/prompt.ts';
import { mentionType } from '../campfire/html/read.ts';
import type { Bot, FindBot } from '../config/bot.ts';
import type { Conversation, Mail, Mailbox, OutboxDraft, Turn } from '../mail/mail.ts';
import { type Lease, LeaseWithdrawnError, NoRoomError } from '../sessions/lease.ts';
import type { SessionBot } from '../sessions/parts.ts';
import type { Pool } from '../sessions/pool.ts';
import type { Conversations } from '../sessions/resume.ts';
import type { SessionName } from '../telemetry/events.ts';
import { commit } from './commit.ts';
import { type LiveParts, showLive } from './live.ts';
import { createMeter } from './meter.ts';
import { alone, decided, safely } from './outcome.ts';
import { recover } from './recover.ts';
import type { Right } from './right.ts';
import { type RunTurnParts, runTurn } from './run-turn.ts';
import type { Sentence } from './sentence.ts';
import type { Spending } from './spending.ts';
import { createProgress, type Progress } from './steps.ts';
import type { Workspaces } from './workspace.ts';

/**
 * One conversation's next turn, from the mailbox to its outcome.
 *
 * Invariants:
 * 1. A session is held before the turn is begun to be asked: an attempt counts only once it can really start.
 * 2. What is not finished stays in the mailbox, where the next look finds it.
 * 3. Before a turn is run again its last attempt is looked up in the transcript (`recover.ts`): a complete answer is not
 *    made twice.
 */

export interface ServeParts extends RunTurnParts, Omit<LiveParts, 'mail'> {
  mail: Mail;
  pool: Pick<Pool, 'lease'>;
  conversations: Pick<Conversations, 'transcript'>;
  findBot: FindBot;
  /** Told when outbox rows were written. */
  onDecided: () => void;
  spending: Pick<Spending, 'refusal' | 'note'>;
  workspaces: Workspaces;
  workspaceMaxBytes: number;
  /** This machine's right to the conversation. */
  right: Right;
}

/** Whoever serves a conversation, as others see it. */
export interface Runner {
  /** The turn that runs; null while it waits for a session. */
  readonly turn: Turn | null;
  begin(turn: Turn): void;
  /** Resolves when the turn runs. */
  begun: Promise<void>;
  progress: Progress;
  /** Ends the waiting or the turn; the turn's outcome is then up to whoever calls. */
  halt(): void;
  halted: AbortSignal;
}

export function createRunner(): Runner {
  const halt = new AbortController();
  const begun = Promise.withResolvers<void>();
  let running: Turn | null = null;
  return {
    get turn() {
      return running;
    },
    begin(turn) {
      running = turn;
      begun.resolve();
    },
    begun: begun.promise,
    progress: createProgress(),
    halt: () => halt.abort(),
    halted: halt.signal,
  };
}

/** Nothing is decided without the bot's file: its messages wait until it can be read, here or on another machine. */
export class NoBotFileError extends Error {
  constructor(botId: string, state: 'unclear' | 'elsewhere') {
    const where = state === 'unclear' ? '' : ' on this machine';
    super(`No usable bot file for ${botId}${where}; its messages wait.`);
  }
}

const noRoom = { sentence: { say: 'no-room' } as const, cause: 'no session to be had' };

/** Serves what is due. False when nothing was. */
export async function serve(conversation: Conversation, runner: Runner, parts: ServeParts): Promise<boolean> {
  const { mail, pool, clock } = parts;
  const bot = parts.findBot(conversation.botId);
  if (bot === 'unclear' || bot === 'elsewhere') throw new NoBotFileError(conversation.botId, bot);
  if (bot === 'gone') return settleWithoutBot(conversation, mail);
  const { turn: cutOff, waiting } = await mail.situation(conversation);
  if (cutOff ? (cutOff.dueAt ?? 0) > clock.now() : waiting.length === 0) return false;
  if (cutOff && (await recover(conversation, bot, runner.halted, parts))) return true;
  const refusal = await refusalOf(conversation, bot, parts);
  if (refusal) return settleUnasked(conversation, bot, refusal, runner.halted, parts);
  try {
    const { receivedAt } = (cutOff?.messages ?? waiting)[0] ?? { receivedAt: clock.now() };
    await using lease = await pool.lease(conversation, sessionBot(bot), receivedAt, runner.halted);
    if (runner.halted.aborted) return true;
    const turn = await mail.begin(conversation);
    if (!turn) return false;
    if (runner.halted.aborted) return mail.giveBack(turn).then(() => true);
    runner.begin(turn);
    await runOnce(turn, bot, lease, runner, parts);
    parts.workspaces.measure(conversation);
    return true;
  } catch (error) {
    if (error instanceof LeaseWithdrawnError) return true;
    if (error instanceof NoRoomError) return settleUnasked(conversation, bot, noRoom, runner.halted, parts);
    throw error;
  }
}

async function runOnce(turn: Turn, bot: Bot, lease: Lease, runner: Runner, parts: ServeParts): Promise<void> {
  const { mail, emit, clock } = parts;
  const session = nameOf(turn);
  const startedMs = clock.monotonicMs();
  emit({
    ...{ type: 'turn.started', session, turn: String(turn.id), attempt: turn.attempt, path: lease.path },
    ...{ messageIds: turn.messages.map(({ messageId }) => messageId) },
    waitedMs: clock.now() - turn.messages[0].receivedAt,
  });
  const live = showLive(turn, bot, runner.progress, parts);
  const meter = createMeter();
  const run = () =>
    runTurn(turn, bot, meter.over(lease), parts, { progress: runner.progress, halt: runner.halted });
  const attempt = await safely(turn, bot, run).catch(async (error) => {
    await Promise.all([parts.spending.note(turn, bot, meter.spent(), false), live.end()]);
    throw error;
  });
  const spent = meter.spent();
  await parts.spending.note(turn, bot, spent, attempt.kind === 'decided' || attempt.kind === 'halted');
  const { showsAnswer } = await live.end();
  switch (attempt.kind) {
    case 'given-back':
      return mail.giveBack(turn);
    case 'halted':
      // What the room sees is another machine's by now.
      return parts.right.lost.aborted ? undefined : live.remove();
    case 'cut-off':
      emit({ type: 'turn.retried', session, turn: String(turn.id), cause: attempt.cause });
      return;
    case 'postponed': {
      const { delayMs, cause, notice, wasTold } = attempt;
      // The line of the first time stands in the room, and has shown since what the second try did.
      await (wasTold ? live.replace(notice.body) : live.remove());
      await mail.giveBack(turn, { until: clock.now() + delayMs, notice: wasTold ? null : notice });
      emit({ type: 'turn.postponed', session, turn: String(turn.id), cause, delayMs });
      parts.onDecided();
      return;
    }
    case 'decided':
      if (showsAnswer && attempt.outcome.kind === 'answered')
        attempt.drafts = mayReplaceNotice(attempt.drafts);
      await commit(
        turn,
        bot,
        { ...attempt, spent },
        { path: lease.path, startedMs, halted: runner.halted },
        parts,
      );
  }
}

/** An edit notifies nobody: an answer that mentions somebody is posted anew. */
function mayReplaceNotice([first, ...rest]: readonly OutboxDraft[]): OutboxDraft[] {
  if (!first) return [];
  const mayReplace = first.kind === 'post' && !first.body.includes(mentionType);
  return [mayReplace ? { ...first, kind: 'in-place' } : first, ...rest];
}

/** What is in the way of a turn before a session is asked for; null when nothing is. */
async function refusalOf(
  conversation: Conversation,
  bot: Bot,
  { workspaces, workspaceMaxBytes, spending, timeZone }: ServeParts,
): Promise<{ sentence: Sentence; cause: string } | null> {
  if ((await workspaces.excess(conversation)) !== null) {
    const limitMb = Math.round(workspaceMaxBytes / 1024 ** 2);
    return { sentence: { say: 'workspace-full', limitMb }, cause: 'the working folder is too large' };
  }
  const overspent = await spending.refusal(bot);
  if (overspent === null) return null;
  const { budget, freeInMs } = overspent;
  const whose = budget === 'bot' ? 'budget_usd_per_day' : 'BUDGET_USD_PER_DAY';
  return { sentence: { say: 'budget-used-up', freeInMs, timeZone }, cause: `${whose} is used up` };
}

/** A turn that gets a sentence instead of a session. */
async function settleUnasked(
  conversation: Conversation,
  bot: Bot,
  { sentence, cause }: { sentence: Sentence; cause: string },
  halted: AbortSignal,
  parts: ServeParts,
): Promise<boolean> {
  const turn = await parts.mail.begin(conversation);
  if (!turn) return false;
  const startedMs = parts.clock.monotonicMs();
  const attempt = await decided(turn, bot, sentence, cause, alone);
  await commit(turn, bot, attempt, { path: null, startedMs, halted }, parts);
  return true;
}

/** Nobody is left to answer with: without the bot's key nothing can be posted. */
async function settleWithoutBot(conversation: Conversation, mail: Mailbox): Promise<boolean> {
  const outcome = { kind: 'undeliverable' as const, cause: 'the bot no longer exists' };
  const { atOnce } = await mail.situation(conversation);
  if (atOnce.length > 0)
    await mail.settle(conversation, { messages: atOnce, stopTurn: null, outcome, drafts: [] });
  const turn = await mail.begin(conversation);
  if (turn) await mail.decide(turn, outcome, []);
  return turn !== null;
}

function sessionBot(bot: Bot): SessionBot {
  return {
    id: bot.id,
    revision: bot.revision,
    profile: {
      systemPrompt: systemPrompt(bot),
      model: bot.model ?? null,
      tools: bot.tools,
      mcpServers: bot.mcpServers,
      maxTurns: bot.maxTurns ?? null,
    },
  };
}

export function nameOf({ roomId, botId }: Conversation): SessionName {
  return `${roomId}:${botId}`;
}
