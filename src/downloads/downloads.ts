import { randomUUID } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { Emit, SessionName } from '../telemetry/events.ts';
import { emitFailure } from '../telemetry/failure.ts';
import type { ByteStore, Conversation, FileIndex, KeptFile, Owner, Refusal } from './kept.ts';
import { hashOfToken, type Links, linksTo, newToken } from './links.ts';
import { displayName, displayTitle, mediaTypeOf, withExtension } from './names.ts';
import { holdsSecret, SecretFoundError, withoutSecrets } from './secrets.ts';
import { openWorkFile, type WorkFolder } from './work-file.ts';

/**
 * What bots hand to people: files are copied into the store and from then on live on their own, until they expire.
 *
 * Invariants:
 * 1. Only the copy is served, posted and deleted; a bot's own file is read once and never touched.
 * 2. A file is served to whoever holds its token and to nobody else; no token is kept, logged or listed.
 * 3. Room is made for a file by ending the least recently used links, never by dropping one that waits to be posted.
 */

const megabyte = 1024 * 1024;
/** Longer than delivery tries to post something. */
const attachmentTtlMs = 72 * 3_600_000;

export interface DownloadLimits {
  fileMaxBytes: number;
  conversationMaxBytes: number;
  totalMaxBytes: number;
  linkTtlMs: number;
}

export interface DownloadParts {
  index: FileIndex;
  bytes: ByteStore;
  limits: DownloadLimits;
  /** Without it there are no links, and every file is attached. */
  publicUrl: string | null;
  /** Strings that no shared file may hold. */
  secrets: () => Iterable<string>;
  clock: Clock;
  emit: Emit;
}

export type Source = { from: 'file'; folder: WorkFolder; path: string } | { from: 'text'; text: string };

export interface Wish {
  as: KeptFile['as'];
  /** Null: as the file is called. */
  name: string | null;
  /** Null: the name. */
  title: string | null;
}

export interface Kept {
  kind: 'kept';
  file: KeptFile;
  /** Null for an attachment. */
  links: Links | null;
  /** Files of the same conversation whose links ended to make room for this one. */
  ended: KeptFile[];
}

/** Why people cannot have a file any more. */
type Ending = 'time' | 'space' | 'revoked' | 'conversation deleted';

export interface Downloads {
  /** Copies a file. Sharing the same thing again in the same turn replaces the first copy. Never throws. */
  keep(source: Source, owner: Owner, wish: Wish): Promise<Kept | Refusal>;
  /** What is kept of a turn and has not expired, in the order of keeping. */
  ofTurn(owner: Owner): Promise<KeptFile[]>;
  /** A new link to a file whose token nobody can know; the earlier one ends. Null without PUBLIC_URL. */
  renewLinks(file: KeptFile): Promise<Links | null>;
  /** The file that a token opens now; null for everything else, in the same time. */
  find(token: string): Promise<KeptFile | null>;
  /** Its bytes; null when they are gone. */
  open(id: string): Promise<{ file: KeptFile; content: Blob } | null>;
  /** Counts an opening of which `bytes` were sent. */
  served(file: KeptFile, bytes: number): Promise<void>;
  /** Links that are alive. */
  list(): Promise<KeptFile[]>;
  /** Ends a link at once. False when there is none of this id. */
  revoke(id: string): Promise<boolean>;
  /** Drops an attachment that was posted or never will be. */
  release(id: string): Promise<void>;
  /** Drops everything of a conversation. */
  forgetConversation(conversation: Conversation): Promise<void>;
  /** Drops what has expired, and bytes that nothing refers to. */
  sweep(): Promise<void>;
}

export function createDownloads(parts: DownloadParts): Downloads {
  return new KeptDownloads(parts);
}

class KeptDownloads implements Downloads {
  readonly #parts: DownloadParts;
  /** Put, and not yet in the index: no orphans. */
  readonly #arriving = new Set<string>();
  /** Making room and taking it is one step. */
  #entering: Promise<unknown> = Promise.resolve();

  constructor(parts: DownloadParts) {
    this.#parts = parts;
  }

  async keep(source: Source, owner: Owner, wish: Wish): Promise<Kept | Refusal> {
    const { emit } = this.#parts;
    const kept = await this.#keep(source, owner, wish).catch((error: unknown): Refusal => {
      emitFailure(emit, 'downloads', error);
      return { kind: 'failed' };
    });
    if (kept.kind !== 'kept')
      emit({ type: 'download.refused', session: nameOf(owner), turn: owner.turnId, reason: kept.kind });
    return kept;
  }

  async ofTurn(owner: Owner) {
    return (await this.#parts.index.ofTurn(owner)).filter((file) => this.#isAlive(file));
  }

  async renewLinks(file: KeptFile) {
    if (this.#parts.publicUrl === null) return null;
    const token = newToken();
    await this.#parts.index.replaceToken(file.id, hashOfToken(token));
    return linksTo(this.#parts.publicUrl, token, file.mediaType);
  }

  async find(token: string) {
    const file = await this.#parts.index.byToken(hashOfToken(token));
    return file && file.as === 'link' && this.#isAlive(file) ? file : null;
  }

  async open(id: string) {
    const file = await this.#parts.index.byId(id);
    const content = file && (await this.#parts.bytes.open(file.id));
    return content ? { file, content } : null;
  }

  async served(file: KeptFile, bytes: number) {
    const { index, clock, emit } = this.#parts;
    await index.countHit(file.id, clock.now());
    emit({ type: 'download.served', session: nameOf(file), id: file.id, bytes });
  }

  async list() {
    return (await this.#parts.index.list({})).filter((file) => file.as === 'link' && this.#isAlive(file));
  }

  async revoke(id: string) {
    const file = await this.#parts.index.byId(id);
    if (file?.as !== 'link') return false;
    await this.#end(file, 'revoked');
    return true;
  }

  async release(id: string) {
    const file = await this.#parts.index.byId(id);
    if (file) await this.#drop(file);
  }

  async forgetConversation(conversation: Conversation) {
    for (const file of await this.#parts.index.list({ conversation }))
      await this.#end(file, 'conversation deleted');
  }

  async sweep() {
    const { index, bytes, clock } = this.#parts;
    for (const file of await index.list({ expiredBy: clock.now() })) await this.#end(file, 'time');
    for await (const id of bytes.ids()) {
      if (!this.#arriving.has(id) && (await index.byId(id)) === null) await bytes.remove(id);
    }
  }

  async #keep(source: Source, owner: Owner, wish: Wish): Promise<Kept | Refusal> {
    if (source.from === 'text') {
      const name = displayName(wish.name ?? '', 'file.txt');
      return this.#copy(chunksOf(source.text), { ...owner, source: `text ${name}` }, name, wish);
    }
    const opened = await openWorkFile(source.folder, source.path);
    if ('kind' in opened) return opened;
    await using file = opened;
    const ownName = displayName(file.name, 'file');
    const name = wish.name === null ? ownName : displayName(withExtension(wish.name, file.name), ownName);
    // Awaited here: the file is closed when this function is left.
    return await this.#copy(file.chunks(), { ...owner, source: `file ${file.place} ${name}` }, name, wish);
  }

  async #copy(
    chunks: AsyncIterable<Uint8Array>,
    of: Owner & { source: string },
    name: string,
    wish: Wish,
  ): Promise<Kept | Refusal> {
    const { bytes, limits, secrets } = this.#parts;
    // As it was wished, too: what was changed about it may still be read for what it is.
    const words = [name, wish.name, wish.title, displayTitle(wish.title ?? '', name)].join('\n');
    if (holdsSecret(words, secrets())) return { kind: 'secret' };
    const id = randomUUID();
    this.#arriving.add(id);
    try {
      const put = await bytes.put(id, withoutSecrets(chunks, secrets()), limits.fileMaxBytes);
      if (put === null)
        return { kind: 'too-large', maxMegabytes: Math.floor(limits.fileMaxBytes / megabyte) };
      const described = this.#describe({ ...of, ...put, id, name }, wish);
      const entering = this.#entering.then(() => this.#enter(described));
      this.#entering = entering.catch(() => undefined);
      const kept = await entering;
      if (kept.kind !== 'kept') await bytes.remove(id);
      return kept;
    } catch (error) {
      await bytes.remove(id);
      if (error instanceof SecretFoundError) return { kind: 'secret' };
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return { kind: 'full' };
      throw error;
    } finally {
      this.#arriving.delete(id);
    }
  }

  #describe(of: Owner & Pick<KeptFile, 'id' | 'source' | 'name' | 'bytes' | 'digest'>, wish: Wish): KeptFile {
    const now = this.#parts.clock.now();
    const as = this.#parts.publicUrl === null ? 'attachment' : wish.as;
    return {
      ...{ ...of, as, title: displayTitle(wish.title ?? '', of.name), mediaType: mediaTypeOf(of.name) },
      ...{ createdAt: now, usedAt: now, hits: 0 },
      expiresAt: now + (as === 'link' ? this.#parts.limits.linkTtlMs : attachmentTtlMs),
    };
  }

  /** Into the index, with room made before and the earlier copy of the same thing dropped behind it. */
  async #enter(file: KeptFile): Promise<Kept | Refusal> {
    const { index, emit, publicUrl } = this.#parts;
    const ended = await this.#makeRoom(file);
    if (ended === null) return { kind: 'full' };
    const token = file.as === 'link' && publicUrl !== null ? newToken() : null;
    await index.add(file, token === null ? null : hashOfToken(token));
    for (const earlier of await index.ofTurn(file)) {
      if (earlier.id !== file.id && earlier.as === file.as && earlier.source === file.source)
        await this.#drop(earlier);
    }
    const session = nameOf(file);
    emit({
      ...{ type: 'download.shared', session, turn: file.turnId, id: file.id, as: file.as },
      bytes: file.bytes,
    });
    const links = token === null || publicUrl === null ? null : linksTo(publicUrl, token, file.mediaType);
    return { kind: 'kept', file, links, ended };
  }

  /** What had to end in the file's own conversation; null when there is not enough that may end. */
  async #makeRoom(file: KeptFile): Promise<KeptFile[] | null> {
    const { index, limits } = this.#parts;
    const victims: KeptFile[] = [];
    for (const [conversation, maxBytes] of [
      [file, limits.conversationMaxBytes],
      [null, limits.totalMaxBytes],
    ] as const) {
      let excess = (await index.usedBytes(conversation)) + file.bytes - maxBytes;
      for (const { bytes } of victims) excess -= bytes;
      if (excess <= 0) continue;
      for (const other of await index.list(conversation ? { conversation } : {})) {
        if (excess <= 0) break;
        if (other.as !== 'link' || victims.some(({ id }) => id === other.id)) continue;
        victims.push(other);
        excess -= other.bytes;
      }
      if (excess > 0) return null;
    }
    for (const victim of victims) await this.#end(victim, 'space');
    return victims.filter((victim) => nameOf(victim) === nameOf(file));
  }

  async #end(file: KeptFile, why: Ending): Promise<void> {
    await this.#drop(file);
    this.#parts.emit({ type: 'download.expired', session: nameOf(file), id: file.id, why });
  }

  /** The index first: what it does not know is not served, and bytes left behind are swept. */
  async #drop({ id }: KeptFile): Promise<void> {
    await this.#parts.index.remove(id);
    await this.#parts.bytes.remove(id);
  }

  #isAlive({ expiresAt }: KeptFile): boolean {
    return expiresAt > this.#parts.clock.now();
  }
}

async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text.toWellFormed());
  for (let at = 0; at < bytes.length; at += megabyte) yield bytes.subarray(at, at + megabyte);
}

function nameOf({ roomId, botId }: Conversation): SessionName {
  return `${roomId}:${botId}`;
}
