/**
 * Mailbox and outbox: what must not be lost. Neither Campfire's wire nor Claude is known here; content and
 * bodies are opaque text. Drivers keep both contracts and pass one suite; every verb is one atomic step.
 *
 * Invariants every driver keeps:
 * 1. `accept` resolved means durable: the message survives kill -9 of the service at any later instant.
 * 2. (bot, message id) is accepted once; a repeated delivery is reported as a duplicate and changes nothing.
 * 3. A conversation has at most one unfinished turn. Attempts are counted durably before the turn is handed out.
 * 4. Outcome and outbox rows of a turn become visible together or not at all; a turn is decided once.
 * 5. Outbox rows of a conversation are handed out strictly in the order in which they were written.
 * 6. A message gets at most one notice, and none once it has its outcome.
 * 7. A replayed message is one that waits, like any other; what its first turn wrote stays written.
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
  /** Written by a bot; counted apart, because bots can answer each other for ever. */
  fromBot?: boolean;
  /** Not for a turn of its own: it waits for `settle`, never behind a turn. */
  atOnce?: boolean;
  /** Read long after it was written, with others like it: it does not count against its author's rate. */
  fetched?: boolean;
}

export interface Message {
  /** The driver's own name of the message. */
  id: number;
  messageId: number | null;
  authorId: number;
  content: string;
  /** When it arrived, or was replayed. */
  receivedAt: number;
  /** How often it was given another turn after its outcome; tells the posts of its turns apart. */
  replays: number;
}

/** How much there is beside a message that was just accepted, itself included; at-once messages count nowhere. */
export interface Standing {
  waitingHere: number;
  waitingInAll: number;
  /** Messages of the last minute that got a turn or wait for one. */
  lastMinute: { ofAuthorHere: number; ofAuthorInAll: number; ofBotsInRoom: number };
  /** Whether a refusal was written to this author, in this conversation, within the last minute. */
  toldLately: boolean;
}

export type Accepted = { kind: 'duplicate' } | { kind: 'accepted'; message: Message; standing: Standing };

/** One run over what one person said in a row. */
export interface Turn extends Conversation {
  /** Grows with every turn of the service; also the order of turns within a conversation. */
  id: number;
  /** 1 for the first try; counted before the turn is handed out. */
  attempt: number;
  /** How often it was put off, which no attempt counts for. */
  postponements: number;
  /** Names this attempt's prompt in the agent's transcript; another one for every attempt that asks. */
  promptUuid: string;
  /** That of the attempt before, when this turn was cut off. */
  previousPromptUuid: string | null;
  startedAt: number;
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
   * one twice does little harm. `waiting`: a line ahead of an answer, never worth posting twice. `in-place`: a message
   * whose beginning the room sees already in the turn's notice, and that may take its place.
   */
  kind: 'post' | 'in-place' | 'file' | 'notice' | 'waiting';
  /** Opaque: what a kind needs is between those who write and those who deliver. */
  body: string;
}

/** A line ahead of the outcome. `ordinal` is from `noticeOrdinals`, so that its mark is not that of an answer's row. */
export interface Notice {
  ordinal: number;
  body: string;
}

/** Ordinals of notices: an answer has far fewer rows. */
export const noticeOrdinals = { waiting: 900, postponed: 901, working: 902 } as const;

/** A conversation as it stands. */
export interface Situation {
  /** The unfinished turn, whether or not somebody runs it; as its last attempt was. */
  turn: (Turn & { dueAt: number | null }) | null;
  /** What waits for a turn, in order, and whether it has had its notice. */
  waiting: Array<Message & { noticed: boolean }>;
  /** What waits for `settle`, in order of arrival. */
  atOnce: Message[];
}

export interface PendingConversation extends Conversation {
  /** Whether `begin` would give a turn. */
  ready: boolean;
  atOnce: boolean;
  /** When the longest waiting message without a notice arrived; null if there is none. */
  unnoticedSince: number | null;
}

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

/** What is settled without an agent. */
export interface Settlement {
  /** Waiting messages that share the outcome, in any lane. */
  messages: readonly Message[];
  /** The unfinished turn to be decided as stopped in the same step; null leaves it alone. */
  stopTurn: number | null;
  outcome: Outcome;
  drafts: readonly OutboxDraft[];
}

/** What is to be replayed: all that one turn was over, or that of the turn which a message belongs to. */
export type ReplayOf = { turnId: number } | { botId: string; messageId: number };

export type Replay =
  /** `was` is how the turn had ended; `ahead` messages wait in front of these. */
  | {
      kind: 'replayed';
      conversation: Conversation;
      messages: readonly [Message, ...Message[]];
      was: Outcome;
      ahead: number;
    }
  /** There is no such turn or message, or it is no question: a control word, a notice, one replayed already. */
  | { kind: 'unknown' }
  /** It waits, runs or is being delivered. */
  | { kind: 'unfinished' }
  /** It ended well, and nobody insisted. */
  | { kind: 'finished'; was: Outcome };

export class TurnDecidedError extends Error {
  override readonly name = 'TurnDecidedError';
}

export interface Mailbox {
  accept(mail: IncomingMail): Promise<Accepted>;
  /** Conversations with something to do or an unfinished turn, the longest waiting first. */
  conversationsWithMail(): Promise<PendingConversation[]>;
  situation(conversation: Conversation): Promise<Situation>;
  /**
   * The next turn of a conversation: one that was cut off again, or one over the first burst that waits
   * (`burst.ts`); null if there is none or it is not due. With `same` only one that was cut off, which keeps its prompt:
   * what became of that is still to be looked up, and the look may be cut off, too.
   */
  begin(conversation: Conversation, prompt?: 'new' | 'same'): Promise<Turn | null>;
  /**
   * Takes back an attempt that ended for no fault of its own; the next `begin` gets it again, not before
   * `postponed.until` (epoch ms) if that is given. The notice is written with it.
   */
  giveBack(turn: Turn, postponed?: { until: number; notice: Notice | null }): Promise<void>;
  /**
   * Rejected means that nothing was decided. Resolved is safe from kill -9; from a power cut not before one of its rows
   * is handed out. @throws TurnDecidedError when the turn is already decided.
   */
  decide(turn: Turn, outcome: Outcome, drafts: readonly OutboxDraft[]): Promise<void>;
  /** All of it or nothing, as safe as `decide`: false when one of the messages does not wait any more or the turn is decided. */
  settle(conversation: Conversation, settlement: Settlement): Promise<boolean>;
  /** Marks those of the messages that have neither notice nor outcome; writes the notice if there are any. */
  notice(conversation: Conversation, messages: readonly Message[], notice: Notice): Promise<boolean>;
  /**
   * Lets the messages of a turn wait again, behind whatever waits in their conversation, as if they had just arrived;
   * they keep their ids, count against nobody's rate and may have a notice again. Only of a turn that has failed, was
   * undeliverable, or wrote something that was; `force` takes any that is settled.
   */
  replay(of: ReplayOf, force: boolean): Promise<Replay>;
  counts(): Promise<MailCounts>;
}

/** The one notice of a turn's messages, as the room has it. */
export type NoticeState =
  | { kind: 'none' }
  /** Written, and not in the room yet. */
  | { kind: 'on-its-way' }
  /** `id` is Campfire's. It is about these messages and no others. */
  | { kind: 'shown'; id: number }
  /** It stays as it is: its id is not known, it could not be posted, or it is about other messages, too. */
  | { kind: 'fixed' };

export interface OutboxRow extends Conversation {
  id: number;
  turnId: number;
  ordinal: number;
  kind: OutboxDraft['kind'];
  body: string;
  /** What the row answers; the last one names it in the room. */
  messages: readonly [Message, ...Message[]];
  /** The notice that the first row of a turn follows, and may replace; null for other rows, and once it was. */
  noticeId: number | null;
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

/** No row is put off for longer than this, whatever an answer with `Retry-After` asks for. */
export const retryMaxMs = 900_000;

/** When a row may be tried: at once if that is further away than `retryMaxMs`, since the clock was set back then. */
export function dueTime(at: number, now: number): number {
  return at > now + retryMaxMs ? now : at;
}

/** A conversation with outbox rows left, and when the first of them may next be tried (epoch ms). */
export interface DueConversation extends Conversation {
  at: number;
}

export interface Outbox {
  /**
   * The first due first, and of each bot no more than that: of one whose key is refused thousands may wait, and one look
   * must neither take long nor miss the others.
   */
  conversationsWithOutbox(perBotMax: number): Promise<DueConversation[]>;
  /** The first row of a conversation, marked as being sent; null if none is due at `now`. */
  takeOutbox(conversation: Conversation, now: number): Promise<OutboxRow | null>;
  /** Records what became of a row; the turn is settled with its last one, and a notice is over that its first one saw. */
  settleOutbox(row: OutboxRow, result: DeliveryResult): Promise<void>;
  /** Of a turn that is settled a driver may not know it any more, which is `fixed`. */
  noticeOf(turn: Pick<Turn, 'id'>): Promise<NoticeState>;
}

/** Both, as one driver gives them. */
export type Mail = Mailbox & Outbox;
