import type { Spent } from '../agent/agent.ts';
import type { Bot } from '../config/bot.ts';
import type { Clock } from '../lib/clock.ts';
import type { Turn } from '../mail/mail.ts';
import type { Usage, UsageEntry } from '../mail/usage.ts';
import type { Emit } from '../telemetry/events.ts';
import { emitFailure } from '../telemetry/failure.ts';
import { budgetLevel, calendarOf, daysBefore, usedUp } from './budget.ts';
import { readContent } from './content.ts';

/**
 * What bots spend: noted with each attempt at a turn, held against the budgets of the day before each, and told.
 *
 * What an attempt took is known from its result; one that was killed has none, and counts nothing.
 */

export interface Spending {
  /** What is in the way of a turn of this bot now; null when nothing is. */
  refusal(bot: Bot): Promise<{ budget: 'bot' | 'all'; freeInMs: number } | null>;
  /** Takes in what an attempt took, null when nobody could tell; `ended`: it was the turn's last. Never rejects. */
  note(turn: Turn, bot: Bot, spent: Spent | null, ended: boolean): Promise<void>;
  /** What the bot has spent today. */
  today(bot: Bot): Promise<Today>;
  /** The sums of today and the days before it, oldest first; `days` counts today. */
  history(days: number): Promise<{ from: string; to: string; entries: UsageEntry[] }>;
  /** The share of each budget that is used, by bot; and of that for all bots, by a name that no bot has. */
  usedRatios(bots: readonly Bot[]): Promise<Record<string, number>>;
  /** Forgets days that were over before this time (epoch ms). */
  forgetBefore(epochMs: number): Promise<void>;
}

export interface Today {
  turns: number;
  usd: number;
  /** Null when the bot has none of its own. */
  budgetUsd: number | null;
}

export interface SpendingParts {
  usage: Usage;
  /** For all bots together; null for no limit. */
  budgetUsdPerDay: number | null;
  timeZone: string;
  clock: Clock;
  emit: Emit;
}

/** Where a metric's label is else a bot's id. */
const allBots = 'all bots';
const microPerUsd = 1_000_000;

export function createSpending(parts: SpendingParts): Spending {
  const { usage, budgetUsdPerDay, clock } = parts;
  const calendar = calendarOf(parts.timeZone);
  const today = () => calendar.dayOf(clock.now());
  const usdOf = async (botId: string | null) => (await usage.spentOn(today(), botId)) / microPerUsd;

  return {
    async refusal({ id, budgetUsdPerDay: own = null }) {
      const spentUsd = {
        bot: own === null ? 0 : await usdOf(id),
        all: budgetUsdPerDay === null ? 0 : await usdOf(null),
      };
      const budget = usedUp(spentUsd, { bot: own, all: budgetUsdPerDay });
      return budget === null ? null : { budget, freeInMs: calendar.untilNextDay(clock.now()) };
    },
    async note(turn, bot, spent, ended) {
      if (spent === null && !ended) return;
      try {
        await usage.record(entryOf(turn, spent, ended, today()));
        if (spent === null) return;
        parts.emit({
          ...{ type: 'turn.spent', session: `${turn.roomId}:${turn.botId}`, turn: String(turn.id) },
          ...{ bot: bot.id, costUsd: spent.costUsd, tokens: spent.tokens },
        });
        await tell(bot, today(), parts);
      } catch (error) {
        // The answer is worth more than its price.
        emitFailure(parts.emit, 'usage', error);
      }
    },
    async today({ id, budgetUsdPerDay: budgetUsd = null }) {
      const own = (await usage.since(today())).filter(({ botId }) => botId === id);
      const sum = (of: (entry: UsageEntry) => number) => own.reduce((total, entry) => total + of(entry), 0);
      return {
        turns: sum(({ turns }) => turns),
        usd: sum(({ microUsd }) => microUsd) / microPerUsd,
        budgetUsd,
      };
    },
    async history(days) {
      const to = today();
      const from = daysBefore(to, days - 1);
      return { from, to, entries: await usage.since(from) };
    },
    async usedRatios(bots) {
      const ratios: Record<string, number> = {};
      if (budgetUsdPerDay !== null) ratios[allBots] = (await usdOf(null)) / budgetUsdPerDay;
      for (const { id, budgetUsdPerDay: own } of bots)
        if (own !== undefined) ratios[id] = (await usdOf(id)) / own;
      return ratios;
    },
    forgetBefore: (epochMs) => usage.forgetBefore(calendar.dayOf(epochMs)),
  };
}

function entryOf(turn: Turn, spent: Spent | null, ended: boolean, day: string): UsageEntry {
  const { authorId, content } = turn.messages[0];
  const { author: authorName, roomName } = readContent(content);
  const nothing = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
  return {
    ...{ day, botId: turn.botId, roomId: turn.roomId, authorId, roomName, authorName },
    turns: Number(ended),
    microUsd: Math.round((spent?.costUsd ?? 0) * microPerUsd),
    tokens: spent?.tokens ?? nothing,
  };
}

/** Tells once a day of each budget that comes near its end, and once that it is used up. */
async function tell(bot: Bot, day: string, { usage, budgetUsdPerDay, emit }: SpendingParts): Promise<void> {
  for (const [of, budgetUsd] of [
    [bot.id, bot.budgetUsdPerDay ?? null],
    [null, budgetUsdPerDay],
  ] as const) {
    if (budgetUsd === null) continue;
    const spentUsd = (await usage.spentOn(day, of)) / microPerUsd;
    const level = budgetLevel(spentUsd, budgetUsd);
    // A budget that was changed is another one.
    if (level === null || !(await usage.tellOnce(day, `${of ?? allBots} ${budgetUsd} ${level}`))) continue;
    const percent = Math.round((spentUsd / budgetUsd) * 100);
    emit({ type: 'budget.level', level, bot: of, spentUsd, budgetUsd, percent });
  }
}
