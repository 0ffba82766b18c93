/**
 * Files that are kept for people: what is known of each (`FileIndex`) and its bytes (`ByteStore`). Neither Campfire nor
 * the agent is known here. Drivers keep these two contracts and pass one suite.
 *
 * Invariants every driver keeps:
 * 1. A call that resolved is durable: links survive a restart.
 * 2. Tokens are known by their hash alone; whoever reads the index cannot make a link of it.
 * 3. Bytes never change once they are put, and are put before the index knows of them.
 */

/** One bot in one room. */
export interface Conversation {
  botId: string;
  roomId: number;
}

/** The turn that a file belongs to; its id is opaque here. */
export interface Owner extends Conversation {
  turnId: string;
}

export interface KeptFile extends Owner {
  /** Also the name of its bytes. */
  id: string;
  /** `link`: people open it by a link. `attachment`: waits to be posted, and has no token. */
  as: 'link' | 'attachment';
  /** What it was made of, so that the same thing kept twice in one turn is known. */
  source: string;
  /** For display only: free of control characters and of anything that means something in a path. */
  name: string;
  title: string;
  mediaType: string;
  bytes: number;
  /** Of the bytes: SHA-256, base64url. */
  digest: string;
  /** Epoch ms, as the two below. */
  createdAt: number;
  expiresAt: number;
  /** When it was shared or last opened: by this the least recent one goes first. */
  usedAt: number;
  /** How often it was opened. */
  hits: number;
}

/** Why a file was not kept. */
export type Refusal =
  | { kind: 'missing' | 'outside' | 'folder' | 'special' | 'hard-linked' | 'unreadable' }
  /** `failed`: for a reason on our side, which the log has. */
  | { kind: 'secret' | 'full' | 'failed' }
  | { kind: 'too-large'; maxMegabytes: number };

export interface FileIndex {
  add(file: KeptFile, tokenHash: string | null): Promise<void>;
  /** The file, expired or not; null when it was never there or is removed. */
  byId(id: string): Promise<KeptFile | null>;
  byToken(tokenHash: string): Promise<KeptFile | null>;
  /** In the order in which they were added. */
  ofTurn(owner: Owner): Promise<KeptFile[]>;
  /** Files of a conversation or of all, those that expire by a time or all; the least recently used first. */
  list(which: { conversation?: Conversation; expiredBy?: number }): Promise<KeptFile[]>;
  /** Bytes kept for a conversation, or for all. */
  usedBytes(conversation: Conversation | null): Promise<number>;
  /** The earlier token opens nothing any more. */
  replaceToken(id: string, tokenHash: string): Promise<void>;
  /** Counts one more opening. */
  countHit(id: string, at: number): Promise<void>;
  /** False when there was none. */
  remove(id: string): Promise<boolean>;
}

/** What was put: its size and its digest as `KeptFile` has them. */
export interface PutBytes {
  bytes: number;
  digest: string;
}

export interface ByteStore {
  /**
   * Takes all chunks, or nothing of them: null when they are more than `maxBytes`. Whatever the chunks throw is
   * thrown on, and nothing is left.
   */
  put(id: string, chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<PutBytes | null>;
  /** Read lazily and in any part, without being loaded whole; null when there are none of this id. */
  open(id: string): Promise<Blob | null>;
  /** Nothing when there are none. */
  remove(id: string): Promise<void>;
  /** Of everything that was put, half-written leftovers of an earlier life included. */
  ids(): AsyncIterable<string>;
}
