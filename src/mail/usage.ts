import type { TokenCounts } from '../telemetry/events.ts';

/**
 * What turns have taken of the model, counted per day, bot, room and person. Drivers keep this contract and pass one
 * suite; every verb is one atomic step, and what an attempt took is one addition to one row.
 *
 * Days are `YYYY-MM-DD` and compare as text; whose midnight counts is up to whoever names them. Money is in whole
 * millionths of a US dollar, so that sums are exact on every driver.
 */

/** What one attempt at a turn took, and of whom. */
export interface UsageEntry {
  day: string;
  botId: string;
  roomId: number;
  /** Campfire's id of the person. */
  authorId: number;
  /** As they were called last; null where they have no name. */
  roomName: string | null;
  authorName: string | null;
  /** 1 when the turn ended with this attempt, else 0. */
  turns: number;
  microUsd: number;
  tokens: TokenCounts;
}

export interface Usage {
  record(entry: UsageEntry): Promise<void>;
  /** Millionths of a US dollar that the bot has spent on a day; null for all bots together. */
  spentOn(day: string, botId: string | null): Promise<number>;
  /** The sums of every day from `firstDay` on, per bot, room and person, in no particular order. */
  since(firstDay: string): Promise<UsageEntry[]>;
  /** True for the first who asks this on that day, on whatever machine; false from then on. */
  tellOnce(day: string, what: string): Promise<boolean>;
  /** Forgets every day before this one. */
  forgetBefore(day: string): Promise<void>;
}
