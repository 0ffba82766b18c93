import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import type { Bot } from '../config/bot.ts';
import type { Bots } from '../config/bots.ts';
import { digestOf, isSecret } from '../config/secret.ts';
import { isLoopbackAddress, isLoopbackHost, isLoopbackUrl } from './loopback.ts';
import { type Payload, parsePayload, type WebhookMessage } from './payload.ts';
import { type Place, Places } from './places.ts';

/**
 * Where Campfire's webhooks come in.
 *
 * 1. No answer has a Content-Type or a body, whatever happens: Campfire posts either into the room.
 * 2. A message is accepted, which means durable, before it is answered 204: Campfire never delivers it again.
 * 3. Nothing is looked at beyond 4 MB, and nothing is told to who asks: reasons go to `onRefused`.
 * 4. However many send at once, two bodies are in memory beyond their first 256 KB; the others wait where they are.
 */

/** What became of a message that was handed over. */
export type Acceptance =
  /** It is durable, or was already: repeats are accepted too. */
  | { readonly kind: 'accepted' }
  /** It was not kept: 503 for trouble here such as a full disk, 429 for too much from one conversation. */
  | { readonly kind: 'refused'; readonly status: 429 | 503; readonly reason: string };

/** A message that was not taken. Holds nothing secret. */
export interface Refusal {
  /** The HTTP status that was answered; 204 for a message of another bot, which Campfire need not know. */
  readonly status: number;
  /** One word for logs and metrics: a RefusalReason, or what `accept` said. */
  readonly reason: string;
  /** The bot that was asked for, where there is one of that name. */
  readonly botId?: string;
  /** What was thrown, for the log; only with reason `error`. */
  readonly error?: unknown;
}

export type RefusalReason =
  | 'aborted'
  | 'bot_author'
  | 'error'
  | 'flat_not_allowed'
  | 'key'
  | 'method'
  | 'no_default_bot'
  | 'not_json'
  | 'not_utf8'
  | 'path'
  | 'payload'
  | 'token'
  | 'too_large'
  | 'unknown_bot';

export interface IntakeOptions {
  readonly bots: Pick<Bots, 'all' | 'byId' | 'byKey' | 'default' | 'refresh'>;
  /** WEBHOOK_TOKEN and PUBLIC_URL. */
  readonly settings: { readonly webhookToken: string | undefined; readonly publicUrl: string | undefined };
  /** Makes the message durable. What it throws is answered 500. */
  accept(bot: Bot, message: WebhookMessage): Promise<Acceptance>;
  /** The address at the other end of the socket; never what a header claims. */
  remoteAddress(c: Context): string | undefined;
  onRefused(refusal: Refusal): void;
}

/**
 * Campfire's bodies have a few kilobytes. A pasted log comes twice, as HTML and as text, with up to ten bytes for one
 * character that needs escaping.
 */
export const BODY_MAX_BYTES = 4 * 1024 * 1024;
/** What is read of any number of bodies at once … */
const SMALL_BODY_BYTES = 256 * 1024;
/** … and how many may be larger: one of the largest takes some 20 MB until it is kept, and the event loop for up to a second. */
export const LARGE_BODIES = 2;

/**
 * The routes `POST /webhook/:bot_id` and `POST /webhook`, and an empty refusal for all else below `/webhook`. Mount
 * it at the root, and answer with `emptyResponse` in the application's own `notFound` and `onError` too.
 */
export function intakeRoutes(options: IntakeOptions): Hono<{ Bindings: HttpBindings }> {
  const intake = new Intake(options);
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.all('/webhook', (c) => intake.answer(c, null));
  app.all('/webhook/:bot_id', (c) => intake.answer(c, c.req.param('bot_id')));
  app.all('/webhook/*', () => intake.refuse({ status: 404, reason: 'path' }));
  return app;
}

/** An answer that Campfire ignores: no body and no Content-Type. */
export function emptyResponse(status: number, headers: Record<string, string> = {}): Response {
  // A 204 must not have a length; without one, Node would announce any other answer as a chunked body.
  const length = status === 204 ? {} : { 'content-length': '0' };
  return new Response(null, { status, headers: { ...headers, ...length } });
}

type Refused = { readonly status: number; readonly reason: RefusalReason; readonly botId?: string };

class Intake {
  readonly #options: IntakeOptions;
  readonly #token: ReturnType<typeof digestOf> | null;
  readonly #isPublic: boolean;
  readonly #largeBodies = new Places(LARGE_BODIES);

  constructor(options: IntakeOptions) {
    const { webhookToken, publicUrl } = options.settings;
    this.#options = options;
    this.#token = webhookToken === undefined ? null : digestOf(webhookToken);
    this.#isPublic = publicUrl !== undefined && !isLoopbackUrl(publicUrl);
  }

  async answer(c: Context, botId: string | null): Promise<Response> {
    try {
      return await this.#take(c, botId);
    } catch (error) {
      return this.refuse({ status: 500, reason: 'error', error, ...(botId !== null && this.#named(botId)) });
    }
  }

  refuse(refusal: Refusal, headers?: Record<string, string>): Response {
    this.#options.onRefused(refusal);
    return emptyResponse(refusal.status, headers);
  }

  async #take(c: Context, botId: string | null): Promise<Response> {
    if (c.req.method !== 'POST') return this.refuse({ status: 405, reason: 'method' }, { allow: 'POST' });
    const token = this.#checkToken(c);
    if (token === 'wrong') return this.refuse({ status: 401, reason: 'token' });
    using place = this.#largeBodies.place();
    const body = await readBody(c.req.raw, place);
    // What is left of a body that is too large, the adapter swallows for half a second, so that the answer is heard.
    if ('reason' in body) return this.refuse(body);
    const payload = decode(body.bytes);
    if ('reason' in payload) return this.refuse(payload);

    const bot =
      payload.kind === 'flat' ? this.#botOfFlat(c, token, botId) : this.#botOfKey(payload.botKey, botId);
    if ('reason' in bot) return this.refuse(bot);
    const { message } = payload;
    if (this.#isFromBot(message, bot))
      return this.refuse({ status: 204, reason: 'bot_author', botId: bot.id });
    const acceptance = await this.#options.accept(bot, message);
    if (acceptance.kind === 'accepted') return emptyResponse(204);
    return this.refuse({ status: acceptance.status, reason: acceptance.reason, botId: bot.id });
  }

  /** A wrong token is refused whatever the body says: who sends one means to be checked by it. */
  #checkToken(c: Context): 'right' | 'wrong' | 'none' {
    const given = c.req.query('token');
    if (given === undefined || !this.#token) return 'none';
    return isSecret(given, this.#token) ? 'right' : 'wrong';
  }

  #botOfKey(key: string | null, botId: string | null): Bot | Refused {
    const { bots } = this.#options;
    const find = () => {
      const bot = key === null ? undefined : bots.byKey(key);
      return botId === null || bot?.id === botId ? bot : undefined;
    };
    const bot = find() ?? this.#afterRefresh(find);
    if (bot) return bot;
    if (botId !== null && !bots.byId(botId)) return { status: 404, reason: 'unknown_bot' };
    return { status: 401, reason: 'key', ...(botId !== null && { botId }) };
  }

  #botOfFlat(c: Context, token: 'right' | 'none', botId: string | null): Bot | Refused {
    const { bots } = this.#options;
    if (token !== 'right' && !this.#isLocal(c)) return { status: 401, reason: 'flat_not_allowed' };
    const find = () => (botId === null ? bots.default() : bots.byId(botId));
    const bot = find() ?? this.#afterRefresh(find);
    return bot ?? { status: 404, reason: botId === null ? 'no_default_bot' : 'unknown_bot' };
  }

  /** A bot or a key may have been added to the folder a moment ago. */
  #afterRefresh(find: () => Bot | undefined): Bot | undefined {
    return this.#options.bots.refresh() ? find() : undefined;
  }

  /**
   * Whether a flat body may come without a token: nobody set one, and it was sent on this very machine, neither
   * through a proxy (which would make everybody local) nor by a web page in a browser here.
   */
  #isLocal(c: Context): boolean {
    if (this.#token || this.#isPublic) return false;
    const { headers } = c.req.raw;
    if ([...headers.keys()].some((name) => FORWARDING.test(name)) || headers.has('origin')) return false;
    return (
      isLoopbackHost(headers.get('host') ?? '') && isLoopbackAddress(this.#options.remoteAddress(c) ?? '')
    );
  }

  /** Two bots in one direct room would answer each other for ever. */
  #isFromBot(message: WebhookMessage, bot: Bot): boolean {
    if (message.author.id === bot.userId) return true;
    return !bot.answerBots && this.#options.bots.all().some((other) => other.userId === message.author.id);
  }

  #named(botId: string): { botId?: string } {
    return this.#options.bots.byId(botId) ? { botId } : {};
  }
}

const FORWARDING =
  /^(?:forwarded|via|x-forwarded-.*|x-forwarded|x-real-ip|x-client-ip|x-cluster-client-ip|.*-connecting-ip|true-client-ip|fastly-client-ip|x-original-.*)$/;

/** The whole body, as far as it is not too large. Counts what arrives, because Content-Length may be absent. */
async function readBody(request: Request, place: Place): Promise<{ bytes: Uint8Array } | Refused> {
  const tooLarge = { status: 413, reason: 'too_large' } as const;
  if (Number(request.headers.get('content-length')) > BODY_MAX_BYTES) return tooLarge;
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = request.body?.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
      size += next.value.byteLength;
      if (size > BODY_MAX_BYTES) {
        await reader?.cancel();
        return tooLarge;
      }
      chunks.push(next.value);
      if (size > SMALL_BODY_BYTES) await place.take();
    }
  } catch {
    return { status: 400, reason: 'aborted' };
  }
  return { bytes: Buffer.concat(chunks, size) };
}

function decode(bytes: Uint8Array): Payload | Refused {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { status: 400, reason: 'not_utf8' };
  }
  try {
    return parsePayload(JSON.parse(text)) ?? { status: 400, reason: 'payload' };
  } catch {
    return { status: 400, reason: 'not_json' };
  }
}
