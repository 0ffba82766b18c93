import type { FindBot } from '../config/bot.ts';
import type { Bots } from '../config/bots.ts';
import type { Clock } from '../lib/clock.ts';

/**
 * The folder may not be mounted yet, or somebody has moved a file aside; a machine that has it may restart, and a new
 * file may take as long to reach all folders.
 */
const graceMs = 600_000;
/** A bot that nobody has asked about for longer is missing anew: retention asks once an hour. */
const askedWithinMs = 2 * 3_600_000;

export interface FinderParts {
  bots: Pick<Bots, 'refresh' | 'byId' | 'problems'>;
  /** Whether another machine may have the bot's file; null for a machine that is alone. */
  mayBeElsewhere: () => ((botId: string) => boolean) | null;
  clock: Clock;
}

/** Bots as their files say now. One is gone when its file has been missing for ten minutes, on all machines. */
export function createFinder({ bots, mayBeElsewhere, clock }: FinderParts): FindBot {
  const missing = new Map<string, { sinceMs: number; askedMs: number }>();
  const isMissingForLong = (id: string): boolean => {
    const nowMs = clock.monotonicMs();
    const known = missing.get(id);
    const sinceMs = known && nowMs - known.askedMs <= askedWithinMs ? known.sinceMs : nowMs;
    missing.set(id, { sinceMs, askedMs: nowMs });
    return nowMs - sinceMs >= graceMs;
  };
  return (id) => {
    bots.refresh();
    const bot = bots.byId(id);
    if (bot) {
      missing.delete(id);
      return bot;
    }
    if (bots.problems().length > 0) return 'unclear';
    const others = mayBeElsewhere();
    if (others?.(id)) {
      missing.delete(id);
      return 'elsewhere';
    }
    if (isMissingForLong(id)) return 'gone';
    return others === null ? 'unclear' : 'elsewhere';
  };
}
