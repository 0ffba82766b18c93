import type { Conversation } from '../mail/mail.ts';

/**
 * Which machine takes up a conversation that has mail; pure. The one that has it; else the one where its session or
 * working folder is, with a short head start; else whichever is free; else one where it waits.
 *
 * A machine where somebody waits for a session leaves to others what they can begin as well. What nobody has begun after
 * a moment is late: it goes to a machine all the same, because only there it stands in line by its arrival, is told why
 * it waits, and is given up in the end.
 */

/** How long only a conversation's own machine knows of new mail, before all do. */
const headStartMs = 300;
/** Mail that nobody has taken for so long is late. */
const lateAfterMs = 2_000;
/** Who waits this long for a session that another machine could give at once goes there. */
const patienceMs = 3_000;
/** So many go to one free machine before it says again whether it is: they start within that time. */
const passedAtOnceMax = 4;

export interface News extends Conversation {
  /** It is not for a turn and takes a moment. */
  atOnce: boolean;
  /** Found by a look, and not when it came. `forOwner`: even whoever has it must be told. `waitedMs`: until now. */
  found: { forOwner: boolean; waitedMs: number } | null;
}

/** Where a conversation is; names of machines. */
export interface Whereabouts {
  /** Has the right to it. */
  owner: string | null;
  /** Served it last, and lives. */
  home: string | null;
}

/** A machine that begins turns. */
export interface OpenMachine {
  name: string;
  /** Somebody waits for a session there. */
  isBusy: boolean;
}

/** `own` and `late` ring at one machine, `shared` wherever one is free. */
export type Bell =
  | { kind: 'own' | 'late'; machine: string; afterMs: number }
  | { kind: 'shared'; machine: null; afterMs: number };

/** Which bells are rung for news, in ms from now; `open` in the order in which they are preferred. */
export function bellsFor(
  { roomId, atOnce, found }: News,
  { owner, home }: Whereabouts,
  open: readonly OpenMachine[],
): Bell[] {
  if (owner !== null && found && !found.forOwner) return [];
  const shared = { kind: 'shared', machine: null, afterMs: headStartMs } as const;
  const isLate = owner === null && found !== null && found.waitedMs >= lateAfterMs;
  const late = isLate ? waitingPlace(roomId, home, open) : null;
  if (late !== null) return [{ kind: 'late', machine: late, afterMs: 0 }, shared];
  const machine = owner ?? home ?? (atOnce ? (open[0]?.name ?? null) : null);
  return machine === null ? [{ ...shared, afterMs: 0 }] : [{ kind: 'own', machine, afterMs: 0 }, shared];
}

/** Whether a machine that hears a bell begins the conversation's next turn. */
export function takesUp(
  kind: Bell['kind'],
  { isBusy, hasSession }: { isBusy: boolean; hasSession: boolean },
): boolean {
  return kind === 'late' || !isBusy || (kind === 'own' && hasSession);
}

/** Who of those that wait here, the longest first, goes to which of the machines that are free. */
export function passedOn<W extends { waitedMs: number }>(
  waiting: readonly W[],
  free: readonly string[],
): Array<{ waiter: W; machine: string }> {
  const places = Array.from({ length: passedAtOnceMax }, () => free).flat();
  return waiting
    .filter(({ waitedMs }) => waitedMs > patienceMs)
    .flatMap((waiter, index) => {
      const machine = places[index];
      return machine === undefined ? [] : [{ waiter, machine }];
    });
}

/** Where late mail waits: rooms without a home are spread over the machines. */
function waitingPlace(roomId: number, home: string | null, open: readonly OpenMachine[]): string | null {
  if (open.some(({ name }) => name === home)) return home;
  const free = open.filter(({ isBusy }) => !isBusy);
  const places = free.length > 0 ? free : open;
  return places[roomId % places.length]?.name ?? null;
}
