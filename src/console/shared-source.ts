import type { Clock } from '../lib/clock.ts';
import type { MachineSession } from './api.ts';
import type { NewestSaid } from './said.ts';
import { readShare, type Share, type ShareLimits } from './share.ts';
import type { ConsoleSnapshot, ConsoleSource, MachineSeen, SessionRow, Trouble } from './source.ts';
import { worstFirst } from './troubles.ts';

/**
 * The console over all machines. What they share is read where it is; what each knows alone it is asked for, and only
 * while somebody looks.
 *
 * Invariants:
 * 1. A machine that does not answer holds nobody up for longer than a question takes, and keeps its row.
 * 2. Figures and charts of memory and agents are this machine's: each has its own limit.
 */

/** The machines as the console needs them. */
export interface ManyMachines {
  /** This one first; those without `memory` are missing. One is a machine that is alone. */
  rows(): MachineSeen[];
  /** Of all machines, by label. */
  sessions(): Promise<MachineSession[]>;
  /** What the others' consoles show, by label; those that do not answer are left out. */
  looks(limits: ShareLimits): Promise<Map<string, unknown>>;
  /** Wherever it is. */
  closeSession(id: string): Promise<'closed' | 'unknown' | 'failed'>;
}

/** How old what the others told may be. */
const periodMs = 3_000;
/** For so long a machine that does not answer is shown as it was. */
const keptMs = 10_000;
/** Of all other machines together, and of one at least and at most. */
const rowsMax = { all: 400, least: 20, most: 200 };

interface Told {
  share: Share;
  at: number;
}

export function createSharedSource(parts: {
  local: ConsoleSource & { said(): NewestSaid };
  machines: ManyMachines;
  showText: boolean;
  clock: Clock;
}): ConsoleSource {
  const { local, machines, showText, clock } = parts;
  const told = new Map<string, Told>();
  let askedAt = Number.NEGATIVE_INFINITY;

  const ask = async (rows: readonly MachineSeen[], version: string): Promise<void> => {
    if (clock.monotonicMs() - askedAt < periodMs) return;
    askedAt = clock.monotonicMs();
    const most = Math.floor(rowsMax.all / Math.max(1, rows.length - 1));
    const limit = Math.min(rowsMax.most, Math.max(rowsMax.least, most));
    const looks = await machines.looks({ turns: limit, events: limit });
    for (const [label, { at }] of told) if (at < askedAt - keptMs) told.delete(label);
    for (const [label, look] of looks) {
      const share = readShare(look, version);
      if (share) told.set(label, { share, at: askedAt });
    }
  };

  return {
    ...local,
    async snapshot() {
      const own = await local.snapshot();
      const rows = machines.rows();
      if (rows.length === 1) return own;
      await ask(rows, own.version);
      const shares = new Map(
        rows.flatMap(({ label, memory }) => {
          const share = memory ? told.get(label)?.share : undefined;
          return share ? [[label, share] as const] : [];
        }),
      );
      const said = [local.said(), ...[...shares.values()].map((share) => share.said)];
      return merge({ own, rows, shares, said, sessions: await machines.sessions(), showText });
    },
    subscribe(changed) {
      const stops = [local.subscribe(changed), clock.every(periodMs, changed)];
      return () => {
        for (const stop of stops) stop();
      };
    },
    closeSession: async (id) => (await machines.closeSession(id)) === 'closed',
  };
}

/** Pure. */
function merge({
  own,
  rows,
  shares,
  said,
  sessions,
  showText,
}: {
  own: ConsoleSnapshot;
  rows: readonly MachineSeen[];
  /** By label. */
  shares: ReadonlyMap<string, Share>;
  said: readonly NewestSaid[];
  sessions: readonly MachineSession[];
  showText: boolean;
}): ConsoleSnapshot {
  const here = rows[0]?.label ?? '';
  const all = [[here, own] as const, ...shares];
  const roomOf = (id: string) => first(said, ({ rooms }) => rooms[id.slice(0, id.indexOf(':'))]);
  const gather = <R extends object>(of: (each: ConsoleSnapshot | Share) => readonly R[]) =>
    all.flatMap(([machine, each]) => of(each).map((row) => ({ ...row, machine })));
  const named = <R extends { id: string; room: string | null }>(row: R): R => ({
    ...row,
    room: row.room ?? roomOf(row.id),
  });
  const known = gather((each) => each.sessions);
  const unknown = sessions
    .filter(({ machine }) => machine !== here && !shares.has(machine))
    .map((session) => withoutDetails(session, own.at));
  const turns = gather<ConsoleSnapshot['turns'][number]>((each) => each.turns).map((turn) => ({
    ...turn,
    key: turn.machine === here ? turn.key : `${turn.key} ${turn.machine}`,
    room: turn.room ?? roomOf(turn.session),
    text: showText ? (turn.text ?? textOf(turn.session, turn.messageIds, said)) : null,
  }));
  const allSessions = [...known, ...unknown].map(named);
  return {
    ...own,
    troubles: withOthers(own.troubles, rows, shares),
    sessions: allSessions,
    waiting: gather<ConsoleSnapshot['waiting'][number]>((each) => each.waiting)
      .map(named)
      .sort((a, b) => a.since - b.since),
    turns: turns.sort((a, b) => b.arrivedAt - a.arrivedAt),
    events: gather<ConsoleSnapshot['events'][number]>((each) => each.events).sort((a, b) => b.at - a.at),
    machines: rows.map((row) => ({ ...row, ...countsOf(row.label, allSessions) })),
  };
}

function countsOf(label: string, sessions: readonly SessionRow[]): { live: number; busy: number } {
  const there = sessions.filter(({ machine }) => machine === label);
  return {
    live: there.length,
    busy: there.filter(({ state }) => state === 'busy' || state === 'starting').length,
  };
}

function withoutDetails({ idleSeconds, ...session }: MachineSession, at: number): SessionRow {
  return {
    ...session,
    ...{ room: null, step: null, costUsd: null },
    idleSince: session.state === 'idle' ? at - idleSeconds * 1000 : null,
  };
}

function textOf(
  session: string,
  messageIds: readonly (number | null)[],
  said: readonly NewestSaid[],
): string | null {
  const found = messageIds.flatMap((id) => first(said, ({ texts }) => texts[`${session} ${id}`]) ?? []);
  return found.length === 0 ? null : found.join('\n');
}

function first<T>(said: readonly NewestSaid[], of: (each: NewestSaid) => T | undefined): T | null {
  for (const each of said) {
    const found = of(each);
    if (found !== undefined) return found;
  }
  return null;
}

/** Machines that are missing, then this machine's troubles, then what others alone have; the worst first. */
function withOthers(
  own: readonly Trouble[],
  rows: readonly MachineSeen[],
  shares: ReadonlyMap<string, Share>,
): Trouble[] {
  const [here] = rows;
  const there = rows.filter(({ memory }) => memory).length;
  const missing = rows
    .filter(({ memory }) => !memory)
    .map(
      ({ label, seenAt }): Trouble => ({
        level: 'warn',
        problem: `${there} of ${rows.length} machines are there: nothing is heard of ${label}.`,
        remedy: 'The others do its work. Start it again, or see why it cannot reach Redis.',
        since: seenAt,
      }),
    );
  const apart = rows.slice(1).flatMap(({ label, version, memory }): Trouble[] => {
    if (!memory || shares.has(label)) return [];
    const isOther = version !== here?.version;
    return [
      {
        level: 'note',
        problem: `Turns and events of ${label} are not here.`,
        remedy: isOther
          ? `It runs version ${version}; they are on its own console.`
          : 'It does not answer, or has no ADMIN_TOKEN.',
        since: null,
      },
    ];
  });
  const told = new Set(own.map(({ problem }) => problem));
  const others = [...shares].flatMap(([label, { troubles }]) =>
    troubles
      .filter(({ problem }) => !told.has(problem))
      .map((trouble) => ({ ...trouble, problem: `${label}: ${trouble.problem}` })),
  );
  return worstFirst([...missing, ...own, ...others, ...apart]);
}
