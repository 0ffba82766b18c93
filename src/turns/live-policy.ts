/**
 * What the room sees while a turn runs, decided purely: never more than one message of ours, and none where the answer
 * comes soon. docs/replies.md has the same as a table.
 */

/** An answer that comes within this time is one post and nothing else. */
const quietMs = { full: 4_000, 'post-only': 8_000 } as const;
/** Campfire redraws a message with every edit; more often than this is unrest. */
const editPauseMs = 1_000;
/** How soon a message on its way is looked for. */
const lookAgainMs = 250;

export interface LiveReading {
  /** Null while it is not known. */
  face: 'full' | 'post-only' | null;
  /** Since the turn began to run. */
  ranMs: number;
  /** The one notice of the turn's messages, which a line about waiting may have used up. */
  notice: Notice;
  /** Whether what could be shown is something else than what the room sees. */
  isNew: boolean;
  /** Since the last edit; null before the first. */
  sinceEditMs: number | null;
}

export type Notice =
  | { kind: 'none' }
  /** Written, and not in the room yet. */
  | { kind: 'on-its-way' }
  /** `id` is Campfire's. */
  | { kind: 'shown'; id: number }
  /** There is one that cannot be edited: it is gone, its id is not known, or it is about other messages, too. */
  | { kind: 'fixed' };

export type LiveDecision =
  | { kind: 'post' }
  | { kind: 'edit'; id: number }
  /** Null: nothing will change any more. */
  | { kind: 'wait'; lookAgainMs: number | null };

export function decideLive({ face, ranMs, notice, isNew, sinceEditMs }: LiveReading): LiveDecision {
  if (face === null || notice.kind === 'fixed') return { kind: 'wait', lookAgainMs: null };
  if (notice.kind === 'none') {
    const leftMs = quietMs[face] - ranMs;
    return leftMs <= 0 ? { kind: 'post' } : { kind: 'wait', lookAgainMs: leftMs };
  }
  if (face === 'post-only') return { kind: 'wait', lookAgainMs: null };
  if (notice.kind === 'on-its-way' || !isNew) return { kind: 'wait', lookAgainMs };
  const leftMs = sinceEditMs === null ? 0 : editPauseMs - sinceEditMs;
  return leftMs <= 0 ? { kind: 'edit', id: notice.id } : { kind: 'wait', lookAgainMs: leftMs };
}
