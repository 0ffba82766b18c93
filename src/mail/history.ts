import type { Conversation } from './mail.ts';

/**
 * What is kept of conversations beyond their mail, and for how long mail itself is kept. Drivers pass one suite.
 *
 * Invariants every driver keeps:
 * 1. Only what is settled is pruned: nobody asks for it again but a repeated webhook, the catch-up and a replay, and
 *    none of them is about messages that old.
 * 2. One step is small: whoever wants to accept a message waits a few milliseconds, however much there is to prune.
 */

/** A room from which Campfire once delivered a message for the bot. */
export interface SeenRoom extends Conversation {
  /** Null in a direct room, which has no name. */
  name: string | null;
}

/** Which messages of a conversation are on record; null where there are none. */
export interface KnownRange {
  /** The newest one that had arrived before the given time. */
  newestBefore: number | null;
  oldest: number | null;
}

export interface MailHistory {
  /** Notes the room and that it was seen now, to a day. */
  see(room: SeenRoom): Promise<void>;
  /** The rooms of a bot, those seen last first. */
  rooms(botId: string, max: number): Promise<SeenRoom[]>;
  /** Campfire's ids of what is known, `before` in epoch ms. */
  known(conversation: Conversation, before: number): Promise<KnownRange>;
  /** Deletes at most `max` turns that were settled before that time, with all that belongs to them. */
  prune(settledBefore: number, max: number): Promise<number>;
  /** Whether nothing waits, runs or has to be sent. */
  isQuiet(conversation: Conversation): Promise<boolean>;
  /**
   * Deletes all mail of the conversation and that its room was seen. False, and nothing happens, when it is not quiet;
   * `evenUnfinished` deletes what waits, runs or has to be sent as well.
   */
  forget(conversation: Conversation, options?: { evenUnfinished: boolean }): Promise<boolean>;
}
