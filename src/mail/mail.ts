/**
 * Mailbox and outbox: what must not be lost. Neither Campfire's wire nor Claude is known here; content and
 * bodies are opaque text. Drivers (`sqlite.ts`) keep this contract and pass one suite.
 *
 * Invariants every driver keeps:
 * 1. `accept` resolved means durable: the message survives kill -9 of the service at any later instant.
 * 2. (bot, message id) is accepted once; a repeated delivery is reported as a duplicate and changes nothing.
 * 3. A conversation has at most one unfinished turn. Attempts are counted durably before the turn is handed out.
 * 4. Outcome and outbox rows of a turn become visible together or not at all; a turn is decided once.
 * 5. Outbox rows of a conversation are handed out strictly in the order in which they were decided.
 */

/** One bot in one room; the unit of order, memory and isolation. */
export interface Conversation {
  botId: string;
  roomId: number;
}

export interface IncomingMail extends Conversation {
  /** Campfire's id of the message; null for senders that have none (no deduplication, ordered by arrival). */
  messageId: number | null;
  authorId: number;
  /** Opaque to this folder. */
  content: string;
}

export interface Message {
  messageId: number | null;
  authorId: number;
  content: string;
  receivedAt: number;
}

/** One run over the oldest waiting message of a conversation. */
export interface Turn extends Conversation {
  /** Grows with every turn of the service; also the order of turns within a conversation. */
  id: number;
  /** 1 for the first try; counted before the turn is handed out. */
  attempt: number;
  /** Names this attempt's prompt in the agent's transcript; another one for every attempt. */
  promptUuid: string;
  /** That of the attempt before, when this turn was cut off. */
  previousPromptUuid: string | null;
  messages: readonly [Message, ...Message[]];
}

/** How a turn ended. `cause` is for the operator and never shown in the room. */
export type Outcome =
  | { kind: 'answered' }
  | { kind: 'stopped' }
  | { kind: 'failed'; cause: string }
  | { kind: 'undeliverable'; cause: string };

/** What a turn writes to Campfire, in order; ordinals are the indices. */
export interface OutboxDraft {
  /**
   * `post`: a message. `file`: an attachment. `notice`: stands in for an answer that could not be posted; posting
   * one twice does little harm.
   */
  kind: 'post' | 'file' | 'notice';
  /** Opaque: what a kind needs is between those who write and those who deliver. */
  body: string;
}

export interface OutboxRow extends Conversation {
  id: number;
  turnId: number;
  ordinal: number;
  kind: OutboxDraft['kind'];
  body: string;
  /** What the turn's messages brought; the last one is what the row answers. */
  messages: readonly [Message, ...Message[]];
  /** True when an earlier life of the service may already have carried this out. */
  inDoubt: boolean;
  /** Failed tries so far. */
  tries: number;
  /** When this row was decided, epoch ms. */
  decidedAt: number;
  /** The newest Campfire id among what its turn has sent before: whatever this row becomes is younger. */
  sentBefore: number | null;
}

export type DeliveryResult =
  | { kind: 'sent'; campfireId: number | null }
  | { kind: 'retry'; at: number; problem: string }
  /** It may have arrived and nobody could be asked: it stays in doubt. */
  | { kind: 'ask-again'; at: number; problem: string }
  /** The row keeps its place, with other words; due at once. */
  | { kind: 'replaced'; draft: OutboxDraft; problem: string }
  | { kind: 'undeliverable'; problem: string };

export interface MailCounts {
  /** Messages that no turn has taken yet. */
  waiting: number;
  /** Turns begun and not decided. */
  running: number;
  /** Messages accepted whose turn is not decided: waiting and running ones. 0 when idle. */
  withoutOutcome: number;
  /** Outbox rows not yet carried out. */
  undelivered: number;
}

export interface Mail {
  accept(mail: IncomingMail): Promise<'accepted' | 'duplicate'>;
  /** Conversations with a message waiting or a turn that was cut off, the longest waiting first. */
  conversationsWithMail(): Promise<Conversation[]>;
  /** The next turn of a conversation: one that was cut off again, or the oldest waiting message; null if none. */
  begin(conversation: Conversation): Promise<Turn | null>;
  /** Takes back an attempt that ended for no fault of its own, such as a drain; the next `begin` gets it again. */
  giveBack(turn: Turn): Promise<void>;
  decide(turn: Turn, outcome: Outcome, drafts: readonly OutboxDraft[]): Promise<void>;
  /** Conversations with outbox rows left, and when the first of their rows may next be tried (epoch ms). */
  conversationsWithOutbox(): Promise<Array<Conversation & { at: number }>>;
  /** The first row of a conversation, marked as being sent; null if none is due at `now`. */
  takeOutbox(conversation: Conversation, now: number): Promise<OutboxRow | null>;
  /** Records what became of a row; the turn is settled with its last one. */
  settleOutbox(row: OutboxRow, result: DeliveryResult): Promise<void>;
  counts(): Promise<MailCounts>;
}
