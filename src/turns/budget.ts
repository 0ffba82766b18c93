/**
 * What may be spent in a day, decided purely. A day begins at midnight of TIME_ZONE; turns that run when the last of a
 * budget is spent go on, so that it can be exceeded by what they cost.
 */

/** US dollars; null where nothing is set. */
export interface Budgets {
  bot: number | null;
  all: number | null;
}

/** The budget that is used up, and null while there is something left of both. */
export function usedUp(spentUsd: { bot: number; all: number }, budgets: Budgets): 'bot' | 'all' | null {
  if (budgets.all !== null && spentUsd.all >= budgets.all) return 'all';
  return budgets.bot !== null && spentUsd.bot >= budgets.bot ? 'bot' : null;
}

const nearShare = 0.8;

/** What operators should hear of a budget; null while there is plenty. */
export function budgetLevel(spentUsd: number, budgetUsd: number): 'near' | 'used-up' | null {
  if (spentUsd >= budgetUsd) return 'used-up';
  return spentUsd >= budgetUsd * nearShare ? 'near' : null;
}

/** Days of one time zone, as `YYYY-MM-DD`. */
export interface Calendar {
  dayOf(epochMs: number): string;
  /** Ms until the next day begins. */
  untilNextDay(epochMs: number): number;
}

const hourMs = 3_600_000;

export function calendarOf(timeZone: string): Calendar {
  // Canada writes dates as ISO 8601 does.
  const format = new Intl.DateTimeFormat('en-CA', {
    ...{ timeZone, year: 'numeric', month: '2-digit', day: '2-digit' },
  });
  const dayOf = (epochMs: number) => format.format(epochMs);
  return {
    dayOf,
    untilNextDay(now) {
      const today = dayOf(now);
      // A day has 23 to 25 hours where clocks are changed, and may begin at one o'clock: so it is looked for.
      let before = now;
      let after = now + 26 * hourMs;
      while (after - before > 1) {
        const middle = Math.floor((before + after) / 2);
        if (dayOf(middle) === today) before = middle;
        else after = middle;
      }
      return after - now;
    },
  };
}

/** The day that is so many days before another. */
export function daysBefore(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) - days * 24 * hourMs).toISOString().slice(0, 10);
}
