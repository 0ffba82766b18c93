import type { Bot } from '../config/bot.ts';
import type { UsageEntry } from '../mail/usage.ts';
import type { Spending } from '../turns/spending.ts';

/** What `GET /api/usage` answers: sums over whole days, the dearest first. */
export interface UsageReport {
  /** First and last day, `YYYY-MM-DD` in `time_zone`. */
  from: string;
  to: string;
  time_zone: string;
  budget_usd_per_day: number | null;
  total: Sums;
  /** Days on which something was spent, oldest first. */
  days: Array<{ day: string } & Sums>;
  bots: Array<{ bot: string; budget_usd_per_day: number | null; today_usd: number } & Sums>;
  /** `name` is null for direct rooms and for people without one. */
  rooms: Array<{ room: number; name: string | null } & Sums>;
  people: Array<{ person: number; name: string | null } & Sums>;
}

export interface Sums {
  turns: number;
  cost_usd: number;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
}

/** Reads the last `days` days, today included. */
export async function usageReport(
  days: number,
  given: {
    spending: Pick<Spending, 'history'>;
    bots: () => readonly Bot[];
    timeZone: string;
    budgetUsdPerDay: number | null;
  },
): Promise<UsageReport> {
  const { from, to, entries } = await given.spending.history(days);
  const budgets = new Map(given.bots().map(({ id, budgetUsdPerDay = null }) => [id, budgetUsdPerDay]));
  const todays = entries.filter(({ day }) => day === to);
  const oldestFirst = [...entries].sort((a, b) => a.day.localeCompare(b.day));
  return {
    ...{ from, to, time_zone: given.timeZone, budget_usd_per_day: given.budgetUsdPerDay },
    total: sumsOf(entries),
    days: groupsOf(oldestFirst, ({ day }) => day).map(([day, group]) => ({ day, ...sumsOf(group) })),
    bots: dearestFirst(
      groupsOf(entries, ({ botId }) => botId).map(([bot, group]) => ({
        ...{ bot, budget_usd_per_day: budgets.get(bot) ?? null },
        today_usd: sumsOf(todays.filter(({ botId }) => botId === bot)).cost_usd,
        ...sumsOf(group),
      })),
    ),
    rooms: dearestFirst(
      groupsOf(oldestFirst, ({ roomId }) => roomId).map(([room, group]) => ({
        ...{ room, name: group.at(-1)?.roomName ?? null, ...sumsOf(group) },
      })),
    ),
    people: dearestFirst(
      groupsOf(oldestFirst, ({ authorId }) => authorId).map(([person, group]) => ({
        ...{ person, name: group.at(-1)?.authorName ?? null, ...sumsOf(group) },
      })),
    ),
  };
}

function groupsOf<K>(entries: readonly UsageEntry[], key: (entry: UsageEntry) => K): [K, UsageEntry[]][] {
  return [...Map.groupBy(entries, key)];
}

function dearestFirst<S extends Sums>(list: S[]): S[] {
  return list.sort((a, b) => b.cost_usd - a.cost_usd || b.turns - a.turns);
}

function sumsOf(entries: readonly UsageEntry[]): Sums {
  const sum = (of: (entry: UsageEntry) => number) => entries.reduce((total, entry) => total + of(entry), 0);
  return {
    turns: sum(({ turns }) => turns),
    cost_usd: sum(({ microUsd }) => microUsd) / 1_000_000,
    input_tokens: sum(({ tokens }) => tokens.input),
    output_tokens: sum(({ tokens }) => tokens.output),
    cache_read_tokens: sum(({ tokens }) => tokens.cacheRead),
    cache_write_tokens: sum(({ tokens }) => tokens.cacheWrite),
  };
}
