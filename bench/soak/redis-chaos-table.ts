import { quantile } from '../stats.ts';

/** A message that was said while machines and Redis failed, and what became of it. */
export interface Said {
  id: number;
  /** Of its webhook; null when nobody answered it. */
  status: number | null;
  /** Posts in its room that carry its mark. */
  answers: number;
  /** Answered within another message's turn. */
  withAnother: boolean;
  /** From the message to its answer in the room, without the time that the model was told to take; null without one. */
  waitMs: number | null;
}

export interface RedisChaosReport {
  minutes: number;
  seed: number;
  talkers: number;
  said: Said[];
  faults: Record<string, number>;
  /** Turns whose answer may or may not have been posted: the room was told so. */
  doubts: number;
  hot: HotTurns;
  /** Messages without an outcome, or answers not delivered, when the time to drain was up. */
  undrained: number;
  leakedProcesses: string[];
  /** Of machines that were asked to end. */
  exitCodes: (number | string)[];
}

/** How turns came by their sessions. */
export interface HotTurns {
  turns: number;
  /** On a session that was live. */
  hot: number;
  /** Turns that came within the idle time of their conversation's last one: no others can be hot. */
  possible: number;
}

/** What the machines keep a session for when nobody needs the room: SESSION_TTL_SECONDS as it comes. */
const idleTtlMs = 300_000;

/** @param turns of all machines, in any order. */
export function hotOfPossible(
  turns: ReadonlyArray<{ session: string; path: string; atMs: number }>,
): HotTurns {
  const last = new Map<string, number>();
  let possible = 0;
  for (const { session, atMs } of [...turns].sort((a, b) => a.atMs - b.atMs)) {
    if (atMs - (last.get(session) ?? Number.NEGATIVE_INFINITY) < idleTtlMs) possible++;
    last.set(session, atMs);
  }
  return { turns: turns.length, hot: turns.filter(({ path }) => path === 'hot').length, possible };
}

const wasAccepted = ({ status }: Said) => status === 204;
export const isAnswered = ({ answers, withAnother }: Said) => answers > 0 || withAnother;

/** What went wrong, one line each; nothing when all is as promised. */
export function redisChaosProblems(report: RedisChaosReport): string[] {
  const { said, undrained, leakedProcesses, exitCodes } = report;
  return [
    ...said
      .filter((each) => wasAccepted(each) && !isAnswered(each))
      .map(({ id }) => `lost: message ${id} was accepted and never answered`),
    ...said
      .filter(({ answers }) => answers > 1)
      .map(({ id, answers }) => `message ${id}: ${answers} answers`),
    ...(undrained > 0 ? [`${undrained} messages or answers were still waiting at the end`] : []),
    ...leakedProcesses.map((line) => `left behind: ${line.slice(0, 150)}`),
    ...exitCodes.filter((code) => code !== 0).map((code) => `a machine ended with ${code} instead of 0`),
  ];
}

/** The report as a page shows it. */
export function redisChaosTable(report: RedisChaosReport): string {
  const { minutes, seed, talkers, said, faults, doubts, hot } = report;
  const waits = said.flatMap(({ waitMs }) => waitMs ?? []);
  const seconds = (share: number) => (waits.length === 0 ? '-' : (quantile(waits, share) / 1000).toFixed(1));
  const refused = said.filter((each) => !wasAccepted(each));
  const share = (part: number, whole: number) => `${Math.round((100 * part) / Math.max(1, whole))} %`;
  const failed = Object.entries(faults).map(([name, count]) => `${count} × ${name}`);
  const rows = [
    ['machines, conversations at a time, minutes, seed', `3 on one Redis, ${talkers}, ${minutes}, ${seed}`],
    ['faults', failed.length > 0 ? failed.join(', ') : 'none'],
    ['messages accepted', said.length - refused.length],
    ['messages refused, of these fetched later', `${refused.length}, ${refused.filter(isAnswered).length}`],
    ['accepted and lost', said.filter((each) => wasAccepted(each) && !isAnswered(each)).length],
    ['answered more than once', said.filter(({ answers }) => answers > 1).length],
    ['answers in doubt, looked for or told of', doubts],
    ['left processes', report.leakedProcesses.length],
    ['wait for the answer p50, p99, max', `${seconds(0.5)} s, ${seconds(0.99)} s, ${seconds(1)} s`],
    ['turns on a live session', `${share(hot.hot, hot.turns)} of ${hot.turns}`],
    [
      'of those within the idle time of their conversation’s last turn',
      `${share(hot.hot, hot.possible)} of ${hot.possible}`,
    ],
  ];
  const lines = rows.map(([what, measured]) => `| ${what} | ${measured} |`);
  return ['| what | measured |', '|---|---|', ...lines].join('\n');
}
