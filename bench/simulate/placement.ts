/**
 * Which machine takes up a conversation that has mail and no owner; pure. A conversation is cheapest where its session is
 * still live, or at least its folder is: that machine hears of it first. It is left to the others when it would have to
 * wait there anyway.
 */

/** How long only the conversation's home machine knows, before all do. */
export const headStartMs = 300;
/** From then on somebody takes it, busy or not: who waits must be told so, and in the end be refused. */
export const lateAfterMs = 2_000;

/** What a machine heard: its own bell, the one that all share, or that nobody has come for long. */
export type Bell = 'own' | 'shared' | 'late';

export interface Listener {
  draining: boolean;
  /** Its session of this conversation is live and free. */
  hot: boolean;
  /** Its pool has no session for it right now and would not start one at once. */
  wouldWait: boolean;
}

/** Which bells are rung after a message was accepted, in ms from then; `home` is alive or null. */
export function bellsFor(home: string | null): Array<{ bell: Bell; afterMs: number }> {
  const sharedMs = home === null ? 0 : headStartMs;
  return [
    ...(home === null ? [] : [{ bell: 'own' as const, afterMs: 0 }]),
    { bell: 'shared', afterMs: sharedMs },
    { bell: 'late', afterMs: sharedMs + lateAfterMs },
  ];
}

/** Whether a machine that heard a bell takes the conversation up. */
export function takesUp(bell: Bell, { draining, hot, wouldWait }: Listener): boolean {
  if (draining) return false;
  return hot || bell === 'late' || !wouldWait;
}
