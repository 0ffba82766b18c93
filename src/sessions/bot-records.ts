import type { PoolOptions, PoolParts, SessionBot } from './parts.ts';
import { startBackoffMs } from './policy.ts';
import type { RecentBot } from './sweep.ts';

/** What is known of each bot that had a turn in this life: when, how it was started, and whether starting works. */
export interface BotRecords {
  /** A turn of this bot has ended. */
  turnEnded(bot: SessionBot): void;
  /** A process of it came up: whatever was wrong is over. */
  startWorked(botId: string): void;
  /** One did not: the bot rests for a while, the longer the more often in a row. */
  startFailed(botId: string, cause: string): void;
  /** Monotonic ms before which the bot is not started. */
  notBeforeMs(botId: string): number;
  /** The bot as its last turn had it. */
  bot(botId: string): SessionBot | undefined;
  /** Bots that had turns, the most recent first. */
  recent(): RecentBot[];
}

export function createBotRecords(
  { revisionOf }: Pick<PoolOptions, 'revisionOf'>,
  { peaks, clock, emit }: Pick<PoolParts, 'peaks' | 'clock' | 'emit'>,
): BotRecords {
  const turns = new Map<string, { bot: SessionBot; lastTurnMs: number }>();
  const failed = new Map<string, { failures: number; notBeforeMs: number }>();
  const notBeforeMs = (botId: string) => failed.get(botId)?.notBeforeMs ?? 0;
  return {
    turnEnded: (bot) => void turns.set(bot.id, { bot, lastTurnMs: clock.monotonicMs() }),
    startWorked: (botId) => void failed.delete(botId),
    startFailed(botId, cause) {
      const failures = (failed.get(botId)?.failures ?? 0) + 1;
      const restMs = startBackoffMs(failures);
      failed.set(botId, { failures, notBeforeMs: clock.monotonicMs() + restMs });
      emit({ type: 'session.start_failed', bot: botId, failures, restMs, cause });
    },
    notBeforeMs,
    bot: (botId) => turns.get(botId)?.bot,
    recent: () =>
      [...turns.values()]
        .sort((a, b) => b.lastTurnMs - a.lastTurnMs)
        .map(({ bot, lastTurnMs }) => ({
          ...{ botId: bot.id, lastTurnMs, notBeforeMs: notBeforeMs(bot.id) },
          peakBytes: peaks.expectedBytes(bot),
          changed: revisionOf(bot.id) !== bot.revision,
        })),
  };
}
