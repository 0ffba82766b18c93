import type { Bots } from '../config/bots.ts';
import type { HealthBook } from '../turns/health-book.ts';

/** A bot as `GET /api/bots` shows it. */
export interface BotEntry {
  /** Null for a file that gives no bot. */
  id: string | null;
  name: string | null;
  file: string;
  /** `unhealthy`: Campfire refuses its key. `outdated`: its file has a problem, and what it said before counts. */
  state: 'ok' | 'unhealthy' | 'outdated' | 'unusable';
  problem: string | null;
  remedy: string | null;
  /** ISO 8601; null where nobody noted it. */
  since: string | null;
}

/** Every bot in service, and every file that should give one and does not. */
export function botEntries(
  bots: Pick<Bots, 'all' | 'problems'>,
  health: Pick<HealthBook, 'bot'>,
): BotEntry[] {
  const problemOf = (file: string) => bots.problems().find((problem) => problem.file === file);
  const served = bots.all().map(({ id, name, file }): BotEntry => {
    const state = health.bot(id);
    if (state.state === 'unhealthy') {
      const { problem, remedy, since } = state;
      return {
        ...{ id, name, file, state: 'unhealthy', problem, remedy },
        since: new Date(since).toISOString(),
      };
    }
    const found = problemOf(file);
    return found
      ? { ...{ id, name, file, state: 'outdated', ...wordsOf(found) }, since: null }
      : { ...{ id, name, file, state: 'ok', problem: null, remedy: null }, since: null };
  });
  const files = new Set(served.map(({ file }) => file));
  const unusable = bots
    .problems()
    .filter(
      ({ file }, index, all) => !files.has(file) && all.findIndex((other) => other.file === file) === index,
    )
    .map(
      (found): BotEntry => ({
        ...{ id: null, name: null, file: found.file, state: 'unusable', ...wordsOf(found) },
        since: null,
      }),
    );
  return [...served, ...unusable];
}

function wordsOf({ field, problem, remedy }: { field: string | null; problem: string; remedy: string }) {
  return { problem: field === null ? problem : `${field} ${problem}`, remedy };
}
