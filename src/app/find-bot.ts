import type { FindBot } from '../config/bot.ts';
import type { Bots } from '../config/bots.ts';
import type { Clock } from '../lib/clock.ts';

/** A machine that has the file may restart, and a new file may take as long to reach all folders. */
const graceMs = 600_000;
/** A bot that nobody has asked about for longer is missing anew: retention asks once an hour. */
const askedWithinMs = 2 * 3_600_000;

export interface FinderParts {
  bots: Pick<Bots, 'refresh' | 'byId' | 'problems'>;
  /** Whether another machine may have the bot's file; null for a machine that is alone. */
  mayBeElsewhere: () => ((botId: string) => boolean) | null;
  clock: Clock;
}

/** Bots as their files say now. Among machines one is gone when none has had its file for ten minutes. */
export function createFinder({ bots, mayBeElsewhere, clock }: FinderParts): FindBot {
  const missing = new Map<string, { sinceMs: number; askedMs: number }>();
  const isElsewhere = (id: string): boolean => {
    const others = mayBeElsewhere();
    if (others === null) return false;
    if (others(id)) {
      missing.delete(id);
      return true;
    }
    const nowMs = clock.monotonicMs();
    const known = missing.get(id);
    const sinceMs = known && nowMs - known.askedMs <= askedWithinMs ? known.sinceMs : nowMs;
    missing.set(id, { sinceMs, askedMs: nowMs });
    return nowMs - sinceMs < graceMs;
  };
  return (id) => {
    bots.refresh();
    const bot = bots.byId(id);
    if (bot) {
      missing.delete(id);
      return bot;
    }
    if (bots.problems().length > 0) return 'unclear';
    return isElsewhere(id) ? 'elsewhere' : 'gone';
  };
}
