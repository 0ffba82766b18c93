import type { Conversation } from './mail.ts';

/**
 * Who may work in a conversation. On one machine everybody here may; of many machines one at a time has the right to a
 * conversation, with a number that every write that matters is checked with.
 *
 * Invariants every driver keeps:
 * 1. No two machines are certain of one conversation at one time.
 * 2. Fence numbers of a conversation never fall, and every new owner has a higher one.
 * 3. Not being able to renew is not losing: the right is lost when another machine has taken it.
 */

/** One machine's fenced right to conversations. */
export interface Ownership {
  /** The right to a conversation, taken, or shared with whoever holds it here already; null while another machine has it. */
  hold(conversation: Conversation): Promise<Hold | null>;
  /** The number that writes are checked with; null when this machine has no right (any more). */
  fenceOf(conversation: Conversation): number | null;
  /** For how long no other machine can have it, in ms: Infinity on one machine, 0 when it is not certain. */
  certainForMs(conversation: Conversation): number;
  /** This machine's name, another one for every data folder. */
  readonly machine: string;
  /** Lets go of everything. */
  stop(): Promise<void>;
}

/** Disposed, it is given back; the conversation is free once nobody here holds it. */
export interface Hold extends AsyncDisposable {
  /** Aborts when another machine has taken it. */
  readonly lost: AbortSignal;
}

/** Another machine has the conversation: what was to be written has not been, and is that machine's business. */
export class FencedOutError extends Error {
  override readonly name = 'FencedOutError';
}

/** The ownership of a machine that is alone: always granted, never lost. */
export function soleOwnership(machine: string): Ownership {
  const hold: Hold = { lost: new AbortController().signal, [Symbol.asyncDispose]: async () => {} };
  return {
    machine,
    hold: async () => hold,
    fenceOf: () => 0,
    certainForMs: () => Number.POSITIVE_INFINITY,
    stop: async () => {},
  };
}
