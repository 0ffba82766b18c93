import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { type Call, type Failure, failureOf, failureOfThrown, SUCCESS } from './answers.ts';

/**
 * Campfire's bot API. Every verb resolves to what happened and never rejects: a failure is a value with a kind
 * (answers.ts), so that the caller decides about repeating.
 *
 * 1. The bot key is part of the address, so no address appears in a result.
 * 2. Nothing is sent twice, and no redirect is followed: fetch would turn a redirected POST into a GET, whose 200
 *    looks like success.
 * 3. Every request has its own connection. On a kept one that Campfire closed meanwhile (each restart does), nobody
 *    could tell whether a post arrived.
 */
export interface CampfireClient {
  /** Posts HTML. `id` is null in the odd case that Campfire took the message without telling its id. */
  post(key: string, roomId: number, html: string): Promise<Posted | Failure>;
  /** Replaces an own message. Notifies nobody. */
  edit(key: string, roomId: number, messageId: number, html: string): Promise<Done | Failure>;
  delete(key: string, roomId: number, messageId: number): Promise<Done | Failure>;
  /** Posts one file as a message of its own. For a file on disk, give `await openAsBlob(path)`: it is streamed. */
  attach(key: string, roomId: number, file: Attachment): Promise<Posted | Failure>;
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
  /** Limit of a whole call; longer than a connection attempt (10 s), which can then be told from a lost answer. */
  readonly timeoutMs?: number;
  /** The same for `attach`: Campfire makes previews before it answers. */
  readonly attachTimeoutMs?: number;
  readonly fetch?: typeof fetch;
}

/** A client of one Campfire, for any number of bots. Holds no connection and no key. */
export function createCampfireClient(options: CampfireClientOptions): CampfireClient {
  const wire = new Wire(options);
  const room = (key: string, roomId: number) => `/rooms/${roomId}/${encodeURIComponent(key)}/messages`;
  const blank: Failure = { kind: 'rejected', status: 0 };

  return {
    async post(key, roomId, html) {
      if (html.trim() === '') return blank;
      return wire.call('post', 'POST', room(key, roomId), html, postedMessage);
    },
    async edit(key, roomId, messageId, html) {
      // Campfire would empty the message.
      if (html.trim() === '') return blank;
      return wire.call('edit', 'PATCH', `${room(key, roomId)}/${messageId}`, html, doneWithJson);
    },
    async delete(key, roomId, messageId) {
      return wire.call('delete', 'DELETE', `${room(key, roomId)}/${messageId}`, null, done);
    },
    async attach(key, roomId, { filename, content, type = '' }) {
      const form = new FormData();
      form.append('attachment', new File([content], filename.toWellFormed(), { type }));
      return wire.call('attach', 'POST', room(key, roomId), form, postedMessage);
    },
    async boost(key, roomId, messageId, content) {
      if (content.trim() === '') return blank;
      return wire.call('boost', 'POST', `${room(key, roomId)}/${messageId}/boosts`, content, newBoost);
    },
    async unboost(key, roomId, messageId, boostId) {
      return wire.call(
        'unboost',
        'DELETE',
        `${room(key, roomId)}/${messageId}/boosts/${boostId}`,
        null,
        done,
      );
    },
    async index(key, roomId, around = {}) {
      const query = new URLSearchParams();
      for (const [name, id] of Object.entries(around)) query.set(name, String(id));
      const page = await wire.call('index', 'GET', `${room(key, roomId)}?${query}`, null, pageOfMessages);
      // With a reference, a 404 may as well mean that the message referred to is gone.
      return page.kind === 'notMember' && query.size > 0 ? { kind: 'notFound' } : page;
    },
    async probeFace(key, roomId) {
      const answer = await wire.call('index', 'GET', room(key, roomId), null, doneWithJson);
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

/** Reads a success; undefined when it is not what Campfire sends. */
type Reader<T> = (response: Response) => Promise<T | undefined>;

class Wire {
  readonly #options: CampfireClientOptions;

  constructor(options: CampfireClientOptions) {
    this.#options = options;
  }

  async call<T>(
    call: Call,
    method: string,
    path: string,
    body: string | FormData | null,
    read: Reader<T>,
  ): Promise<T | Failure> {
    const {
      baseUrl,
      clock,
      timeoutMs = 30_000,
      attachTimeoutMs = 120_000,
      fetch: send = fetch,
    } = this.#options;
    const signal = clock.timeout(call === 'attach' ? attachTimeoutMs : timeoutMs);
    let response: Response;
    try {
      response = await send(`${baseUrl}${path}`, {
        method,
        headers: this.#headers(body),
        // Lone surrogates have no UTF-8; Campfire answers 500 to what is not UTF-8.
        body: typeof body === 'string' ? body.toWellFormed() : body,
        redirect: 'manual',
        signal,
      });
    } catch (error) {
      return failureOfThrown(call, error);
    }
    try {
      if (response.status !== SUCCESS[call]) return failureOf(call, response.status, response.headers, clock);
      return (await read(response)) ?? failureOf(call, response.status, response.headers, clock);
    } catch (error) {
      return failureOfThrown(call, error);
    } finally {
      await response.body?.cancel().catch(() => {});
    }
  }

  #headers(body: string | FormData | null): Record<string, string> {
    return {
      'user-agent': `campfire-ai-bot/${this.#options.version}`,
      connection: 'close',
      // Anything else has Rails parse the text as a form or as JSON before it becomes the message.
      ...(typeof body === 'string' && { 'content-type': 'text/html; charset=utf-8' }),
    };
  }
}

const done: Reader<Done> = async () => ({ kind: 'done' });

/** A 200 with a page is a proxy or a login, not Campfire. */
const doneWithJson: Reader<Done> = async ({ headers }) =>
  /^application\/json\b/.test(headers.get('content-type') ?? '') ? { kind: 'done' } : undefined;

const postedMessage: Reader<Posted> = async (response) => {
  const id = Number(/\/messages\/(\d{1,15})$/.exec(response.headers.get('location') ?? '')?.[1]);
  return { kind: 'posted', id: id || null };
};

const newBoost: Reader<Boosted> = async (response) => {
  const boost = boostAnswer.safeParse(await json(response));
  return boost.success ? { kind: 'boosted', id: boost.data.id } : undefined;
};

const pageOfMessages: Reader<Page> = async (response) => {
  const page = pageAnswer.safeParse(await json(response));
  if (!page.success) return undefined;
  const total = Number(response.headers.get('x-total-count') ?? Number.NaN);
  return {
    kind: 'messages',
    messages: page.data,
    total: Number.isSafeInteger(total) ? total : null,
    // Only whether there is a next page: the link itself holds the key and a guessed host.
    more: /;\s*rel="?next"?/.test(response.headers.get('link') ?? ''),
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

/** The body as JSON; undefined when it is not JSON or has no end. Rejects when the connection breaks. */
async function json(response: Response): Promise<unknown> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > ANSWER_MAX_BYTES) return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
