import { html } from 'hono/html';
import type { ConsoleSnapshot } from '../source.ts';
import { type Html, textOf } from './bits.ts';
import { agentsFigure, mailFigure, memoryFigure, pathsKey, turnsFigure, verdict } from './overview.ts';
import { botRow, eventRow, fileRow, machineRow, sessionRow, waitingRow } from './rows.ts';
import { turnRow } from './turns.ts';
import { tookMs } from './why.ts';

/**
 * Everything on the page that changes, as finished HTML by name; and what is different between two of them. Pure. The
 * page's script puts in what it gets, and makes no HTML itself: there is one place that escapes.
 */

export interface Frame {
  /** Whether rows say on which machine they are. */
  several: boolean;
  parts: Record<Part, string>;
  /** Rows by key, in their order. */
  tables: Record<Table, Record<string, string>>;
  /** Points of the chart of turns by key: [epoch seconds, seconds, path]. */
  points: Record<string, [number, number, string]>;
  /** [epoch seconds, kind]. */
  marks: [number, string][];
}

type Table = 'turns' | 'sessions' | 'machines' | 'bots' | 'files' | 'events';
type Part = 'verdict' | 'memory' | 'agents' | 'mail' | 'turns' | 'paths' | `${Table}Count`;

/** What is to be put in; what is absent stays as it is. */
export interface Change {
  /** Columns come or go: the page has to be loaded anew, unless it was loaded like that. */
  several?: boolean;
  parts?: Partial<Record<Part, string>>;
  tables?: Partial<Record<Table, { order?: string[]; rows: Record<string, string> }>>;
  points?: Frame['points'];
  marks?: Frame['marks'];
}

export function drawFrame(snapshot: ConsoleSnapshot): Frame {
  const { at, sessions, waiting, turns, machines, bots, files, events } = snapshot;
  const several = machines.length > 1;
  const missing = machines.filter(({ memory }) => memory === null).length;
  const troubled = bots.filter(({ state }) => state !== 'ok').length;
  const parts: Record<Part, Html> = {
    ...{ verdict: verdict(snapshot), memory: memoryFigure(snapshot), agents: agentsFigure(snapshot) },
    ...{ mail: mailFigure(snapshot), turns: turnsFigure(snapshot), paths: pathsKey(snapshot) },
    turnsCount: html`${turns.length}`,
    sessionsCount: html`${sessions.length}`,
    machinesCount:
      missing > 0
        ? html`<b>${machines.length - missing} of ${machines.length}</b>`
        : html`${machines.length}`,
    botsCount: troubled > 0 ? html`<b>${troubled} of ${bots.length}</b>` : html`${bots.length}`,
    filesCount: html`${files.length}`,
    eventsCount: html`${events.length}`,
  };
  return {
    several,
    parts: mapValues(parts, textOf),
    tables: {
      turns: rowsOf(
        turns,
        ({ key }) => key,
        (key, turn) => turnRow(key, turn, { now: at, several }),
      ),
      sessions: {
        ...rowsOf(
          waiting,
          ({ id, machine = '' }) => `waiting ${id} ${machine}`,
          (key, row) => waitingRow(key, row, several),
        ),
        ...rowsOf(
          inOrder(sessions),
          ({ id, machine }) => (machine === undefined ? id : `${id} ${machine}`),
          (key, row) => sessionRow(key, row, several),
        ),
      },
      machines: rowsOf(machines, ({ label }) => `machine ${label}`, machineRow),
      bots: rowsOf(bots, ({ id, file }) => (id === null ? `file ${file}` : `bot ${id}`), botRow),
      files: rowsOf(files, ({ id }) => `file ${id}`, fileRow),
      events: rowsOf(
        events,
        ({ n, machine = '' }) => `event ${n} ${machine}`,
        (key, row) => eventRow(key, row, several),
      ),
    },
    points: pointsOf(snapshot),
    marks: snapshot.marks.map((mark) => [Math.round(mark.at / 1000), mark.kind]),
  };
}

const stateOrder = ['busy', 'starting', 'closing', 'idle'];

/** What works first, then by name: rows stay where they are while their numbers change. */
function inOrder(sessions: ConsoleSnapshot['sessions']): ConsoleSnapshot['sessions'] {
  return sessions.toSorted(
    (a, b) =>
      stateOrder.indexOf(a.state) - stateOrder.indexOf(b.state) ||
      a.id.localeCompare(b.id, 'en', { numeric: true }),
  );
}

function pointsOf({ turns, at }: ConsoleSnapshot): Frame['points'] {
  const points: Frame['points'] = {};
  for (const turn of turns) {
    if (turn.decidedAt === null || turn.path === null) continue;
    const seconds = Math.round(tookMs({ ...turn, sentAt: turn.sentAt ?? turn.decidedAt }, at)) / 1000;
    points[turn.key] = [Math.round(turn.decidedAt / 1000), Math.max(0.001, seconds), turn.path];
  }
  return points;
}

/** No key is a number or a name that every object has: an object would not keep it in its place. */
function rowsOf<T>(
  list: readonly T[],
  keyOf: (item: T) => string,
  draw: (key: string, item: T) => Html,
): Record<string, string> {
  return Object.fromEntries(list.map((item) => [keyOf(item), textOf(draw(keyOf(item), item))]));
}

/** Null when nothing is different. With nothing before, everything is. */
export function changesBetween(before: Frame | null, after: Frame): Change | null {
  const change: Change = {};
  if (before?.several !== after.several) change.several = after.several;
  const parts = newIn(before?.parts, after.parts);
  if (parts) change.parts = parts;
  for (const name of Object.keys(after.tables) as Table[]) {
    const [old, now] = [before?.tables[name], after.tables[name]];
    const rows = newIn(old, now);
    const order = Object.keys(now);
    const moved = old === undefined || !sameList(Object.keys(old), order);
    if (rows || moved)
      change.tables = { ...change.tables, [name]: { rows: rows ?? {}, ...(moved ? { order } : {}) } };
  }
  const points = newIn(before?.points, after.points, (a, b) => a.join() === b.join());
  if (points) change.points = points;
  if (JSON.stringify(before?.marks) !== JSON.stringify(after.marks)) change.marks = after.marks;
  return Object.keys(change).length === 0 ? null : change;
}

function newIn<K extends string, V>(
  before: Record<K, V> | undefined,
  after: Record<K, V>,
  same: (a: V, b: V) => boolean = Object.is,
): Record<K, V> | null {
  const found = (Object.entries(after) as [K, V][]).filter(
    ([key, value]) => before === undefined || !(key in before) || !same(before[key], value),
  );
  return found.length === 0 ? null : (Object.fromEntries(found) as Record<K, V>);
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

function mapValues<K extends string, V, W>(record: Record<K, V>, map: (value: V) => W): Record<K, W> {
  return Object.fromEntries(
    (Object.entries(record) as [K, V][]).map(([key, value]) => [key, map(value)]),
  ) as Record<K, W>;
}
