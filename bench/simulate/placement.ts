/**
 * Which machine takes up a conversation that has mail and no owner; pure. A conversation is cheapest where its session is
 * still live, or at least its folder is: that machine hears of it first, and leaves it to the others when it would have
 * to wait there behind others anyway.
 */

/** How long only the conversation's home machine knows of new mail, before all do. */
const headStartMs = 300;
/** From then on its home takes it, busy or not: its pool serves by arrival, tells who waits, and gives up in the end. */
const lateAfterMs = 2_000;
/** Who waits this long for a session that another machine could give at once goes there. */
const patienceMs = 3_000;

/** What a machine heard: the bell that is its own, the one that all share, or that nobody has come for long. */
export type Bell = 'own' | 'shared' | 'late';

export interface Listener {
  /** Somebody waits for a session there. */
  isBusy: boolean;
  /** It has a session of this conversation. */
  hasSession: boolean;
  /** As many turns as it has cores are about to begin there. */
  isBeginning: boolean;
}

/** Which bells are rung for new mail, in ms from then; `home` is a machine that lives, or null. */
export function bellsFor(home: string | null): Array<{ bell: Bell; afterMs: number }> {
  const own = { bell: 'own' as const, afterMs: 0 };
  const late = { bell: 'late' as const, afterMs: lateAfterMs };
  return home === null
    ? [{ bell: 'shared', afterMs: 0 }, late]
    : [own, { bell: 'shared', afterMs: headStartMs }, late];
}

/** Whether a machine that heard a bell takes the conversation up. */
export function takesUp(bell: Bell, { isBusy, hasSession, isBeginning }: Listener): boolean {
  switch (bell) {
    case 'own':
      return hasSession || !isBusy;
    case 'shared':
      return !isBusy && !isBeginning;
    case 'late':
      return true;
  }
}

/** Whether who has waited so long for a session should go to another machine. */
export function passesOn(waitedMs: number, isOneFree: boolean): boolean {
  return waitedMs > patienceMs && isOneFree;
}
