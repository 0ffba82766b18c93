/**
 * What Campfire's tables hold, as far as a bot or the chat page can tell, and what the simulator notes of itself.
 * Ids are those of the wire; times are milliseconds since 1970.
 */

/** Which Campfire: the full API of the main branch, or the newest release, whose bots can only post. */
export type Face = 'full' | 'v1.4.9';

export const faces: readonly Face[] = ['full', 'v1.4.9'];

export interface User {
  id: number;
  name: string;
  role: 'member' | 'administrator' | 'bot';
}

export interface Person extends User {
  role: 'member' | 'administrator';
}

export interface Bot extends User {
  role: 'bot';
  /** The part of the key after the dash: 12 alphanumerics. A credential: it never leaves through the page. */
  token: string;
  /** As the administrator typed it, query included; null = a bot that is never called. */
  webhookUrl: string | null;
  /** A deactivated bot's key is refused and it gets no webhooks; its messages stay. */
  active: boolean;
}

export interface Room {
  id: number;
  /** Direct rooms have no name. */
  name: string | null;
  kind: 'open' | 'closed' | 'direct';
  memberships: Map<number, Membership>;
}

export interface Membership {
  userId: number;
  /** When the room became unread for this member, in ms since 1970; null = read. */
  unreadAt: number | null;
  /** When the member was last seen in the room; null = has left it. */
  connectedAt: number | null;
}

export interface Message {
  id: number;
  roomId: number;
  creatorId: number;
  /** Stored HTML; null for a message that only carries a file. */
  html: string | null;
  /** Action Text's plain text, or the file's name. */
  plain: string;
  attachment: Attachment | null;
  boosts: Boost[];
  /** Milliseconds since 1970 with a microsecond fraction, so that no two messages share an instant. */
  createdAt: number;
  /** Campfire shows no "edited" mark; kept for the page and for tests. */
  editedAt: number | null;
}

export interface Attachment {
  /** Names the bytes in the file store. */
  fileId: string;
  name: string;
  type: string;
  /** Bytes. */
  size: number;
}

export interface Boost {
  id: number;
  messageId: number;
  boosterId: number;
  content: string;
  createdAt: number;
}

/** A web push as Campfire's pusher builds it, to one person. */
export interface Push {
  id: number;
  personId: number;
  roomId: number;
  messageId: number;
  title: string;
  body: string;
  at: number;
}

/** What a new or edited message is made of: HTML, or one file. */
export type Draft = { html: string } | { file: UploadedFile };

export interface UploadedFile {
  name: string;
  type: string;
  bytes: Uint8Array;
}

/** One webhook from its queueing to what the room saw of its answer. Never changed once told. */
export interface DeliveryRecord {
  id: number;
  botId: number;
  roomId: number;
  messageId: number;
  queuedAt: number;
  startedAt: number;
  /** Milliseconds until the answer was complete; null while it runs. */
  ms: number | null;
  /** Null without an HTTP answer. */
  status: number | null;
  contentType: string | null;
  /** Null while it runs. */
  effect: Effect | null;
}

/** What the answer did. Only the first three show in the room, as a message of the bot. */
export type Effect =
  | { kind: 'text'; messageId: number }
  | { kind: 'attachment'; messageId: number }
  | { kind: 'timeout'; messageId: number }
  | { kind: 'ignored' }
  | { kind: 'failed'; cause: string };

/** What goes wrong. All off is a healthy Campfire. */
export interface FaultSettings {
  /** The bot API's connections are dropped without an answer, and nothing happens. */
  down: boolean;
  /** The bot API takes this much longer, in milliseconds. */
  slowMs: number;
  /** A proxy in front of the bot API answers 502 with a page, and nothing happens. */
  badGateway: boolean;
  /** The bot API sits behind TLS and is called over http: 301 to this origin, e.g. `https://campfire.example`. */
  tlsRedirectTo: string | null;
  /** The bot API does what it is asked, but the connection drops before its answer arrives. */
  loseAnswers: boolean;
  /** Somebody deletes a message in the instant in which a bot edits it. */
  deleteUnderEdit: boolean;
  /** Thumbnails fail: posting a file stores the message and answers 500. */
  failProcessing: boolean;
  /** A later webhook overtakes an earlier one. */
  outOfOrder: boolean;
  /** Each webhook arrives this many times more often than once, as behind a proxy that repeats requests. */
  duplicates: number;
  /** A proxy in front of the service answers every webhook with a 502 page, which Campfire posts as a file. */
  webhookBadGateway: boolean;
}
