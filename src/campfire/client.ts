import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { type Call, type Failure, failureOf, failureOfBreak, SUCCESS } from './answers.ts';
import { type Answer, exchange, type MayBeSent } from './wire.ts';

/**
 * Campfire's bot API. Every verb resolves to what happened and never rejects: a failure is a value with a kind
 * (answers.ts), so that the caller decides about repeating.
 *
 * 1. The bot key is part of the address, so no address appears in a result.
 * 2. Nothing is sent twice, and no redirect is followed: a redirected POST becomes a GET, whose 200 looks like
 *    success.
 * 3. Every request has its own connection. On a kept one that Campfire closed meanwhile (each restart does), nobody
 *    could tell whether a post arrived.
 * 4. What changes a room is written at once after `mayBeSent` agreed to it, with nothing in between that takes time.
 */
export interface CampfireClient {
  /** Posts HTML. `id` is null in the odd case that Campfire took the message without telling its id. */
  post(key: string, roomId: number, html: string, mayBeSent?: MayBeSent): Promise<Posted | Failure>;
  /** Replaces an own message. Notifies nobody. */
  edit(
    key: string,
    roomId: number,
    messageId: number,
    html: string,
    mayBeSent?: MayBeSent,
  ): Promise<Done | Failure>;
  delete(key: string, roomId: number, messageId: number, mayBeSent?: MayBeSent): Promise<Done | Failure>;
  /** Posts one file as a message of its own. For a file on disk, give `await openAsBlob(path)`: it is streamed. */
  attach(key: string, roomId: number, file: Attachment, mayBeSent?: MayBeSent): Promise<Posted | Failure>;
  /** Adds an emoji or a few words (16 characters at most) to any message of the room. */
  boost(key: string, roomId: number, messageId: number, content: string): Promise<Boosted | Failure>;
  unboost(key: string, roomId: number, messageId: number, boostId: number): Promise<Done | Failure>;
  /** At most 40 messages, oldest first: the newest, or those next to (not including) a message. */
  index(key: string, roomId: number, around?: Around): Promise<Page | Failure>;
  /** What this Campfire lets the bot do, found by reading the room. Ask again after Campfire was updated. */
  probeFace(key: string, roomId: number): Promise<Face>;
}

export type Posted = { readonly kind: 'posted'; readonly id: number | null };
export type Boosted = { readonly kind: 'boosted'; readonly id: number };
export type Done = { readonly kind: 'done' };
export type Page = {
  readonly kind: 'messages';
  readonly messages: readonly RoomMessage[];
  /** Messages of the whole room, where Campfire tells it. */
  readonly total: number | null;
  /** Whether there are more in the same direction. */
  readonly more: boolean;
};

export type Attachment = {
  readonly filename: string;
  readonly content: Blob | Uint8Array<ArrayBuffer>;
  /** Media type; without it Campfire finds out for itself. */
  readonly type?: string;
};

/** With both, Campfire follows `before`. */
export type Around = { readonly before?: number; readonly after?: number };

/** `post-only` is Campfire 1.4.9 and before (or a wrong address: its answer is the same). */
export type Face = 'full' | 'post-only' | 'not-a-member' | 'bad-key' | 'unreachable';

/** A message as the index has it. `html` is the rendered form, other than a webhook's. */
export interface RoomMessage {
  readonly id: number;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly plain: string;
  readonly html: string;
  readonly creator: { readonly id: number; readonly name: string; readonly isBot: boolean };
}

export interface CampfireClientOptions {
  /** CAMPFIRE_URL, without a slash at the end. */
  readonly baseUrl: string;
  /** This product's version, for the User-Agent. */
  readonly version: string;
  readonly clock: Clock;
  /** Limit of a whole call. */
  readonly timeoutMs?: number;
  /** The same for `attach`: Campfire makes previews before it answers. */
  readonly attachTimeoutMs?: number;
  /** Told of every call that was made, by whomever. The key is a credential: find its bot, then forget it. */
  readonly onCall?: (report: CallReport) => void;
}

/** What came of one call. */
export interface CallReport {
  readonly key: string;
  readonly call: Call;
  /** The HTTP status; null when there was no answer. */
  readonly status: number | null;
  readonly result: { readonly kind: 'success' } | Failure;
}

/** A client of one Campfire, for any number of bots. Holds no connection and no key. */
export function createCampfireClient(options: CampfireClientOptions): CampfireClient {
  const call = caller(options);
  const room = (key: string, roomId: number, rest = ''): Target => ({
    key,
    path: `/rooms/${roomId}/${encodeURIComponent(key)}/messages${rest}`,
  });
  const blank: Failure = { kind: 'rejected', status: 0 };

  return {
    async post(key, roomId, html, mayBeSent) {
      if (html.trim() === '') return blank;
      return call('post', 'POST', room(key, roomId), html, postedMessage, mayBeSent);
    },
    async edit(key, roomId, messageId, html, mayBeSent) {
      // Campfire would empty the message.
      if (html.trim() === '') return blank;
      return call('edit', 'PATCH', room(key, roomId, `/${messageId}`), html, doneWithJson, mayBeSent);
    },
    async delete(key, roomId, messageId, mayBeSent) {
      return call('delete', 'DELETE', room(key, roomId, `/${messageId}`), null, done, mayBeSent);
    },
    async attach(key, roomId, { filename, content, type = 'application/octet-stream' }, mayBeSent) {
      const form = multipart(filename, content, type);
      return call('attach', 'POST', room(key, roomId), form, postedMessage, mayBeSent);
    },
    async boost(key, roomId, messageId, content) {
      if (content.trim() === '') return blank;
      return call('boost', 'POST', room(key, roomId, `/${messageId}/boosts`), content, newBoost);
    },
    async unboost(key, roomId, messageId, boostId) {
      return call('unboost', 'DELETE', room(key, roomId, `/${messageId}/boosts/${boostId}`), null, done);
    },
    async index(key, roomId, around = {}) {
      const query = new URLSearchParams();
      for (const [name, id] of Object.entries(around)) query.set(name, String(id));
      const page = await call('index', 'GET', room(key, roomId, `?${query}`), null, pageOfMessages);
      // With a reference, a 404 may as well mean that the message referred to is gone.
      return page.kind === 'notMember' && query.size > 0 ? { kind: 'notFound' } : page;
    },
    async probeFace(key, roomId) {
      const answer = await call('index', 'GET', room(key, roomId), null, doneWithJson);
      return FACES[answer.kind] ?? 'unreachable';
    },
  };
}

const FACES: Readonly<Partial<Record<(Done | Failure)['kind'], Face>>> = {
  done: 'full',
  unsupported: 'post-only',
  notMember: 'not-a-member',
  badKey: 'bad-key',
};

/** Forty very long messages; a body beyond this is not a page of a chat. */
const ANSWER_MAX_BYTES = 32 * 1024 * 1024;

/** A path of the API and the key that is part of it. */
interface Target {
  readonly key: string;
  readonly path: string;
}

/** Reads a success; undefined when it is not what Campfire sends. */
type Reader<T> = (answer: Answer) => Promise<T | undefined>;

/** The one way in which every verb talks to Campfire. */
function caller({
  baseUrl,
  version,
  clock,
  timeoutMs = 30_000,
  attachTimeoutMs = 120_000,
  onCall = () => {},
}: CampfireClientOptions) {
  return async <T>(
    call: Call,
    method: string,
    { key, path }: Target,
    content: string | Blob | null,
    read: Reader<T>,
    mayBeSent?: MayBeSent,
  ): Promise<T | Failure> => {
    // Any type but HTML has Rails parse the text as a form or as JSON before it becomes the message. Lone surrogates
    // have no UTF-8, and Campfire answers 500 to what is not UTF-8.
    const [body, type] =
      typeof content === 'string'
        ? [content.toWellFormed(), 'text/html; charset=utf-8']
        : [content, content?.type];
    const signal = clock.timeout(call === 'attach' ? attachTimeoutMs : timeoutMs);
    const answer = await exchange({
      url: `${baseUrl}${path}`,
      method,
      headers: { 'user-agent': `campfire-ai-bot/${version}`, ...(type && { 'content-type': type }) },
      ...{ body, signal, mayBeSent },
    });
    if (answer.kind === 'withheld') return answer;
    const failed = (status: number | null, failure: Failure): Failure => {
      onCall({ key, call, status, result: failure });
      return failure;
    };
    if (answer.kind === 'broken') return failed(null, failureOfBreak(call, answer.sent, answer.cause));
    try {
      const result = answer.status === SUCCESS[call] ? await read(answer) : undefined;
      if (result === undefined) return failed(answer.status, failureOf(call, answer, clock));
      onCall({ key, call, status: answer.status, result: { kind: 'success' } });
      return result;
    } catch {
      return failed(null, failureOfBreak(call, true, signal.aborted ? 'timeout' : 'answer_broke_off'));
    } finally {
      answer.discard();
    }
  };
}

/** A form of one file, in the one field whose content Campfire takes for a file. Streamed when the content is. */
function multipart(filename: string, content: Attachment['content'], type: string): Blob {
  const boundary = `campfire-ai-bot-${randomUUID()}`;
  const escapes: Record<string, string> = { '"': '%22', '\r': '%0D', '\n': '%0A' };
  const name = filename.toWellFormed().replace(/["\r\n]/g, (mark) => escapes[mark] ?? '');
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="attachment"; filename="${name}"\r\n`;
  const parts = [
    `${head}Content-Type: ${type.replace(/[^\x21-\x7e ]/g, '')}\r\n\r\n`,
    content,
    `\r\n--${boundary}--\r\n`,
  ];
  return new Blob(parts, { type: `multipart/form-data; boundary=${boundary}` });
}

const done: Reader<Done> = async () => ({ kind: 'done' });

/** A 200 with a page is a proxy or a login, not Campfire. */
const doneWithJson: Reader<Done> = async ({ header }) =>
  /^application\/json\b/.test(header('content-type') ?? '') ? { kind: 'done' } : undefined;

const postedMessage: Reader<Posted> = async (answer) => {
  const id = Number(/\/messages\/(\d{1,15})$/.exec(answer.header('location') ?? '')?.[1]);
  return { kind: 'posted', id: id || null };
};

const newBoost: Reader<Boosted> = async (answer) => {
  const boost = boostAnswer.safeParse(await json(answer));
  return boost.success ? { kind: 'boosted', id: boost.data.id } : undefined;
};

const pageOfMessages: Reader<Page> = async (answer) => {
  const page = pageAnswer.safeParse(await json(answer));
  if (!page.success) return undefined;
  const total = Number(answer.header('x-total-count') ?? Number.NaN);
  return {
    kind: 'messages',
    messages: page.data,
    total: Number.isSafeInteger(total) ? total : null,
    // Only whether there is a next page: the link itself holds the key and a guessed host.
    more: /;\s*rel="?next"?/.test(answer.header('link') ?? ''),
  };
};

const boostAnswer = z.object({ id: z.int().positive() });

const pageAnswer = z.array(
  z
    .object({
      id: z.int().positive(),
      created_at: z.string(),
      body: z.object({ plain_text: z.string().nullish(), html: z.string().nullish() }),
      creator: z.object({ id: z.int(), name: z.string().nullish(), role: z.string().nullish() }),
    })
    .transform(
      ({ id, created_at, body, creator }): RoomMessage => ({
        id,
        createdAt: created_at,
        plain: body.plain_text ?? '',
        html: body.html ?? '',
        creator: { id: creator.id, name: creator.name ?? '', isBot: creator.role === 'bot' },
      }),
    ),
);

async function json(answer: Answer): Promise<unknown> {
  const text = await answer.text(ANSWER_MAX_BYTES);
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
