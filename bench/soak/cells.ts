/** The kill matrix as data: what is killed, when, where and as whom, and what is expected. Nothing here acts. */

export const layers = ['namespace', 'group'] as const;
export const users = ['root', 'nobody'] as const;
export const moments = ['starting', 'idle', 'streaming', 'in a tool', 'closing'] as const;
export const victims = [
  'claude',
  'claude, stopped',
  'MCP server',
  'Bash foreground child',
  "setsid'ed child",
  'background child of a finished call',
  'double-forked daemon',
  'service, TERM',
  'service, KILL',
  'service, uncaught throw',
  'service, event loop stalled',
  'nobody, with a scrubbed daemon',
] as const;

/** Killed only where mail is kept in a Redis. */
export const redisVictims = ['Redis, KILL'] as const;

/** Where the service keeps its mail. */
export type MailStore = 'SQLite' | 'Redis';
export type Layer = (typeof layers)[number];
export type User = (typeof users)[number];
export type Moment = (typeof moments)[number];
export type Victim = (typeof victims | typeof redisVictims)[number];

export interface Cell {
  layer: Layer;
  user: User;
  moment: Moment;
  victim: Victim;
}

/**
 * What a cell measures. `alone`: from the kill until all that ran is gone, nothing else being done. `close`: from the
 * session's close, asked for after the kill. `exit`: from the signal until the service is gone too. `boot`: from the
 * next start of the service.
 */
export type Measure = 'alone' | 'close' | 'exit' | 'boot';

export type Expectation =
  | { kind: 'gone'; measure: Measure; boundMs: number }
  /** Documented in docs/processes.md: this layer cannot see it. */
  | { kind: 'not-held' }
  /** There is no such process at that moment. */
  | { kind: 'no-victim' };

/** The ladder's sum: interrupt 3 × 1 s, end of input 2 s, TERM 1.5 s, KILL 0.5 s; and room for a busy machine. */
const closeMs = 9000;
/** The service's own start, in which nothing but leftovers is ended before it is over. */
const bootMs = 10_000;
/** A drain in a grace period of 12 s. */
export const graceSeconds = 12;

export function expectation({ layer, moment, victim }: Cell): Expectation {
  const isChild = !/^(?:claude|MCP|service|Redis)/.test(victim);
  if (moment === 'starting' && isChild) return { kind: 'no-victim' };
  if (victim === 'Bash foreground child' && (moment === 'idle' || moment === 'streaming'))
    return { kind: 'no-victim' };
  switch (victim) {
    case 'claude':
      return { kind: 'gone', measure: 'alone', boundMs: moment === 'closing' ? closeMs : 2000 };
    case 'service, TERM':
      return { kind: 'gone', measure: 'exit', boundMs: graceSeconds * 1000 };
    case 'service, KILL':
    case 'service, uncaught throw':
      return layer === 'namespace'
        ? { kind: 'gone', measure: 'alone', boundMs: 1000 }
        : { kind: 'gone', measure: 'boot', boundMs: bootMs };
    case 'service, event loop stalled':
      return { kind: 'gone', measure: 'close', boundMs: 3000 + closeMs };
    case 'nobody, with a scrubbed daemon':
      return layer === 'group' ? { kind: 'not-held' } : { kind: 'gone', measure: 'close', boundMs: closeMs };
    default:
      return { kind: 'gone', measure: 'close', boundMs: closeMs };
  }
}

export function everyCell(store: MailStore): Cell[] {
  const killed = store === 'Redis' ? [...victims, ...redisVictims] : victims;
  return layers.flatMap((layer) =>
    users.flatMap((user) =>
      moments.flatMap((moment) => killed.map((victim) => ({ layer, user, moment, victim }))),
    ),
  );
}

/** A minute's worth: every victim, every moment, both layers and both users, but not each with each. */
export function representativeCells(): Cell[] {
  return cellsOf([
    ['namespace', 'root', 'in a tool', 'claude'],
    ['namespace', 'root', 'streaming', 'service, KILL'],
    ['namespace', 'nobody', 'in a tool', 'service, KILL'],
    ['namespace', 'root', 'idle', 'nobody, with a scrubbed daemon'],
    ['namespace', 'nobody', 'closing', 'MCP server'],
    ['namespace', 'root', 'starting', 'service, TERM'],
    ['group', 'root', 'in a tool', 'service, KILL'],
    ['group', 'nobody', 'idle', 'service, uncaught throw'],
    ['group', 'root', 'streaming', 'claude'],
    ['group', 'root', 'idle', 'claude, stopped'],
    ['group', 'nobody', 'in a tool', 'Bash foreground child'],
    ['group', 'root', 'closing', "setsid'ed child"],
    ['group', 'root', 'idle', 'background child of a finished call'],
    ['group', 'root', 'streaming', 'double-forked daemon'],
    ['group', 'root', 'in a tool', 'service, event loop stalled'],
    ['group', 'root', 'starting', 'MCP server'],
  ]);
}

/** Over Redis: what may end differently there, because a service comes back to it or has lost it. */
export function redisCells(): Cell[] {
  return cellsOf([
    ['namespace', 'nobody', 'in a tool', 'service, KILL'],
    ['group', 'root', 'streaming', 'service, KILL'],
    ['group', 'root', 'in a tool', 'claude'],
    ['group', 'root', 'in a tool', 'Redis, KILL'],
  ]);
}

function cellsOf(rows: ReadonlyArray<readonly [Layer, User, Moment, Victim]>): Cell[] {
  return rows.map(([layer, user, moment, victim]) => ({ layer, user, moment, victim }));
}
