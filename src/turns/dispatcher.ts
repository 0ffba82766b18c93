import { setMaxListeners } from 'node:events';
import { systemPrompt } from '../agent/prompt.ts';
import type { Bot } from '../config/bot.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Conversation, Mail, Turn } from '../mail/mail.ts';
import { type Lease, type Pool, PoolDrainingError } from '../sessions/pool.ts';
import type { SessionBot } from '../sessions/session.ts';
import type { Emit, SessionName } from '../telemetry/events.ts';
import { type Attempt, decided, type RunTurnParts, runTurn } from './run-turn.ts';

/**
 * Which conversation is served next.
 *
 * Invariants:
 * 1. A conversation has at most one runner here, so its turns run one at a time and in order.
 * 2. A session is held before the turn is begun: an attempt counts only once it can really start.
 * 3. What a runner does not finish stays in the mailbox, where the next look finds it.
 */

/** A look without being told: covers what was put back and whatever an error left behind. */
const lookPeriodMs = 2000;
/** After an unexpected error a conversation rests, so that a defect cannot spin. */
const restAfterErrorMs = 5000;

export interface DispatcherParts extends Omit<RunTurnParts, 'stopping'> {
  mail: Mail;
  pool: Pool;
  /** The bot as its file says now. `unclear` when it may only be missing because a file cannot be read. */
  findBot: (id: string) => Bot | 'gone' | 'unclear';
  clock: Clock;
  emit: Emit;
  /** Told when outbox rows were decided. */
  onDecided: () => void;
}

export interface Dispatcher {
  /** Looks for mail now; call it whenever some may have come. */
  wake(): void;
  /** Begins no more turns; running ones get `graceMs`, then they are interrupted and wait for the next start. */
  stop(graceMs: number): Promise<void>;
  /** Resolves when every runner has put down what it was doing; call it after the pool's drain. */
  settled(): Promise<void>;
  /** Conversations being served or waiting for a session. */
  running(): number;
}

export function createDispatcher(parts: DispatcherParts): Dispatcher {
  const runners = new Map<string, Promise<void>>();
  const resting = new Map<string, number>();
  const stopping = new AbortController();
  // Every running turn listens to it; their number is the pool's business.
  setMaxListeners(0, stopping.signal);
  let stopped = false;
  let looking = false;
  let lookAgain = false;

  const look = async (): Promise<void> => {
    if (looking) {
      lookAgain = true;
      return;
    }
    looking = true;
    try {
      do {
        lookAgain = false;
        for (const conversation of await parts.mail.conversationsWithMail()) {
          const name = nameOf(conversation);
          if (stopped || runners.has(name) || (resting.get(name) ?? 0) > parts.clock.monotonicMs()) continue;
          resting.delete(name);
          runners.set(name, serve(conversation, name));
        }
      } while (lookAgain);
    } catch (error) {
      parts.emit({ type: 'part.failed', part: 'dispatcher', problem: messageOf(error) });
    } finally {
      looking = false;
    }
  };

  const serve = async (conversation: Conversation, name: SessionName): Promise<void> => {
    try {
      await serveOnce(conversation, name, { ...parts, stopping: stopping.signal });
    } catch (error) {
      if (!(error instanceof PoolDrainingError)) {
        parts.emit({ type: 'part.failed', part: `turn of ${name}`, problem: messageOf(error) });
        resting.set(name, parts.clock.monotonicMs() + restAfterErrorMs);
      }
    } finally {
      runners.delete(name);
      if (!stopped) void look();
    }
  };

  const stopLooking = parts.clock.every(lookPeriodMs, () => void look());
  return {
    wake: () => void look(),
    running: () => runners.size,
    async stop(graceMs) {
      stopped = true;
      stopLooking();
      const cancel = parts.clock.after(graceMs, () => stopping.abort());
      await Promise.race([Promise.all(runners.values()), waitForAbort(stopping.signal)]);
      cancel();
      stopping.abort();
    },
    settled: () => Promise.all(runners.values()).then(() => undefined),
  };
}

type ServeParts = DispatcherParts & RunTurnParts;

/** Holds a session, runs the next turn in it and commits what came of it. */
async function serveOnce(conversation: Conversation, name: SessionName, parts: ServeParts): Promise<void> {
  const { mail, pool, emit, clock } = parts;
  const bot = parts.findBot(conversation.botId);
  if (bot === 'gone') return settleWithoutBot(conversation, mail);
  if (bot === 'unclear') throw new Error(`No usable bot file for ${conversation.botId}; its messages wait.`);
  await using lease = await pool.lease(conversation, sessionBot(bot));
  const turn = await mail.begin(conversation);
  if (!turn) return;
  const startedMs = clock.monotonicMs();
  const waitedMs = clock.now() - turn.messages[0].receivedAt;
  emit({
    ...{ type: 'turn.started', session: name, turn: String(turn.id), attempt: turn.attempt, waitedMs },
    ...{ messageIds: turn.messages.map(({ messageId }) => messageId), path: lease.path },
  });
  const attempt = await attemptSafely(turn, bot, lease, parts);
  if (attempt.kind === 'given-back') return mail.giveBack(turn);
  if (attempt.kind === 'cut-off') {
    emit({ type: 'turn.retried', session: name, turn: String(turn.id), cause: attempt.cause });
    return;
  }
  await mail.decide(turn, attempt.outcome, attempt.drafts);
  parts.onDecided();
  emit({
    ...{ type: 'turn.decided', session: name, turn: String(turn.id), outcome: attempt.outcome.kind },
    ...{
      path: lease.path,
      durationMs: Math.round(clock.monotonicMs() - startedMs),
      costUsd: attempt.costUsd,
    },
    cause: 'cause' in attempt.outcome ? attempt.outcome.cause : null,
  });
}

/** A defect of ours must not leave a message without an answer: it ends the turn in a sentence. */
async function attemptSafely(turn: Turn, bot: Bot, lease: Lease, parts: ServeParts): Promise<Attempt> {
  try {
    return await runTurn(turn, bot, lease, parts);
  } catch (error) {
    return decided(turn, bot, { say: 'failed' }, `unexpected: ${messageOf(error)}`, null);
  }
}

/** Nobody is left to answer with: without the bot's key nothing can be posted. */
async function settleWithoutBot(conversation: Conversation, mail: Mail): Promise<void> {
  const turn = await mail.begin(conversation);
  if (turn) await mail.decide(turn, { kind: 'undeliverable', cause: 'the bot no longer exists' }, []);
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

function nameOf({ roomId, botId }: Conversation): SessionName {
  return `${roomId}:${botId}`;
}

function waitForAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
