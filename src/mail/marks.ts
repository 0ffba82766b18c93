import type { Conversation } from './mail.ts';

/** Marks that stand on people's messages while they wait for their outcome, so that each is taken away again. */

export interface Mark {
  /** The mailbox's name of the message. */
  message: number;
  botId: string;
  roomId: number;
  /** Campfire's ids of the message and of the mark on it. */
  messageId: number;
  markId: number;
  /** Epoch ms. */
  setAt: number;
}

export interface Marks {
  put(mark: Mark): Promise<void>;
  /**
   * Those whose message has its outcome, and nothing of that left to send; or is not on record any more. What was
   * given to somebody a moment ago may be left out. Those of one conversation, at least, or of all.
   */
  over(conversation?: Conversation): Promise<Mark[]>;
  drop(mark: Mark): Promise<void>;
}
