import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { getCookie } from 'hono/cookie';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { tellCalls } from './api-calls.ts';
import { boostJson, messageJson } from './bot-json.ts';
import { type BotBody, clientAddress, isBlank, isOutdatedBrowser, readBody, textOf } from './bot-request.ts';
import type { Campfire } from './campfire.ts';
import type { EventStream } from './events.ts';
import { type Faults, faultyConnection } from './faults.ts';
import { type BotContext, errorPage, htmlPage, jsonPage, RailsException } from './rails-pages.ts';
import type { Draft, Face, Message, Person, Room, User } from './records.ts';

export interface BotApiOptions {
  clock: Clock;
  events: EventStream;
  campfire: Campfire;
  faults: Faults;
  /** Asked at every request: an upgrade may come between two. */
  face: () => Face;
  /** Campfire behind `DISABLE_SSL`: URLs begin with http. Without it they say https, even over internal http. */
  disableSsl: boolean;
}

/** One request that passed the door. */
interface Visit {
  c: BotContext;
  user: User;
  body: BotBody;
  /** `https://<Host header>`, the start of every URL that Campfire writes. */
  origin: string;
}

const pageSize = 40;

/**
 * Campfire's routes as a bot can meet them, under `/rooms`, `/session`, `/searches`, `/autocompletable` and
 * `/messages`; a request to another route of these gets the routing error's page.
 */
export function botApi(options: BotApiOptions): Hono<{ Bindings: HttpBindings }> {
  const api = new BotApi(options);
  const app = new Hono<{ Bindings: HttpBindings }>();
  const bots = '/rooms/:room/:key/messages';
  for (const path of ['/rooms/*', '/session/*', '/searches', '/autocompletable/*', '/messages/*']) {
    app.use(
      path,
      tellCalls(options.events, options.clock),
      faultyConnection(options.faults, options.campfire, options.clock),
    );
  }
  app.get('/session/new', (c) => api.page(c, '<h1>Sign in to Campfire</h1>'));
  for (const path of ['/searches', '/autocompletable/users', '/messages/:id', '/rooms/:room']) {
    app.all(path, (c) => api.humansOnly(c));
  }
  for (const path of [
    '/rooms/:room/messages',
    '/rooms/:room/messages/:id{[0-9]+}',
    '/rooms/:room/:at{@[0-9]+}',
  ]) {
    app.all(path, (c) => api.humansOnly(c));
  }
  app.post(bots, (c) => api.visit(c, (visit) => api.create(visit)));
  app.use(`${bots}/*`, async (c, next) => (options.face() === 'full' ? next() : errorPage(c, 404)));
  app.get(bots, (c) => api.visit(c, (visit) => api.index(visit)));
  app.on(['PATCH', 'PUT'], `${bots}/:id`, (c) => api.visit(c, (visit) => api.update(visit)));
  app.delete(`${bots}/:id`, (c) => api.visit(c, (visit) => api.destroy(visit)));
  app.post(`${bots}/:id/boosts`, (c) => api.visit(c, (visit) => api.boost(visit)));
  app.delete(`${bots}/:id/boosts/:boost`, (c) => api.visit(c, (visit) => api.unboost(visit)));
  app.all('/rooms/*', (c) => errorPage(c, 404));
  return app;
}

/** The controllers: who may pass, and what each action does and answers. */
class BotApi {
  readonly #options: BotApiOptions;
  readonly #campfire: Campfire;

  constructor(options: BotApiOptions) {
    this.#options = options;
    this.#campfire = options.campfire;
  }

  /** Runs an action behind Campfire's checks, in their order: ban, session or key, CSRF, browser. */
  async visit(c: BotContext, action: (visit: Visit) => Response): Promise<Response> {
    try {
      return this.#versioned(await this.#admit(c, action));
    } catch (error) {
      if (error instanceof RailsException) return errorPage(c, error.status, this.#isFull);
      throw error;
    }
  }

  index({ c, user, origin }: Visit): Response {
    const room = this.#room(c, user);
    if (!room) return c.body(null, 404);
    const all = this.#campfire.messagesIn(room.id);
    const { messages, more } = page(all, c.req.query('before'), c.req.query('after'));
    c.header('x-total-count', String(all.length));
    if (more !== null) {
      const url = `${origin}${c.req.path}?${new URLSearchParams([more])}`;
      c.header('link', `<${url}>; rel="next"`);
    }
    return jsonPage(
      c,
      200,
      messages.map((message) => messageJson(this.#campfire, origin, message)),
    );
  }

  create({ c, user, body, origin }: Visit): Response {
    const room = this.#room(c, user);
    if (!room) {
      if (this.#isFull) return c.body(null, 404);
      throw new RailsException(500, 'the page for a missing room needs a message to link to');
    }
    const draft = draftOf(body);
    if (this.#isFull && 'html' in draft && isBlank(draft.html)) return c.body(null, 422);
    const { id } = this.#stored(() => this.#campfire.post(user.id, room.id, draft));
    return c.body(null, 201, { location: `${origin}/messages/${id}` });
  }

  update({ c, user, body, origin }: Visit): Response {
    const found = this.#ownMessage(c, user);
    if (found instanceof Response) return found;
    this.#campfire.edit(found, draftOf(body));
    return jsonPage(c, 200, messageJson(this.#campfire, origin, found));
  }

  destroy({ c, user }: Visit): Response {
    const found = this.#ownMessage(c, user);
    if (found instanceof Response) return found;
    this.#campfire.delete(found);
    return c.body(null, 204);
  }

  boost({ c, user, body, origin }: Visit): Response {
    const message = this.#reachableMessage(c, user);
    if (!message) return c.body(null, 404);
    const content = textOf(body);
    if (isBlank(content)) return c.body(null, 422);
    return jsonPage(
      c,
      201,
      boostJson(this.#campfire, origin, message, this.#campfire.boost(user.id, message, content)),
    );
  }

  unboost({ c, user }: Visit): Response {
    const message = this.#reachableMessage(c, user);
    const id = idIn(c.req.param('boost'));
    const boost = message?.boosts.find((each) => each.id === id && each.boosterId === user.id);
    if (!message || !boost) return c.body(null, 404);
    this.#campfire.unboost(message, boost);
    return c.body(null, 204);
  }

  /** A page for people: a bot is turned away, a stranger is sent to sign in. */
  humansOnly(c: BotContext): Response {
    if (this.#person(c)) return this.page(c, '<h1>Campfire</h1>');
    const bot = this.#campfire.access.botByKey(c.req.query('bot_key') ?? '');
    return this.#versioned(bot ? c.body(null, 403) : this.#signIn(c));
  }

  page(c: BotContext, html: string): Response {
    return this.#versioned(htmlPage(c, 200, html));
  }

  async #admit(c: BotContext, action: (visit: Visit) => Response): Promise<Response> {
    const { access } = this.#campfire;
    const reads = c.req.method === 'GET' || c.req.method === 'HEAD';
    if (!reads && access.isBanned(clientAddress(c))) return c.body(null, 429);
    const body = await readBody(c);
    const person = this.#person(c);
    const user = person ?? access.botByKey(c.req.param('key') ?? '');
    if (!user) return this.#signIn(c);
    // A cookie wins over the key, and only a request by key is free of the token against forgery.
    if (person && !reads) throw new RailsException(422, "Can't verify CSRF token authenticity.");
    if (isOutdatedBrowser(c.req.header('user-agent') ?? '')) {
      return htmlPage(c, 200, '<h1>Upgrade to a supported web browser</h1>');
    }
    return action({ c, user, body, origin: this.#origin(c) });
  }

  get #isFull(): boolean {
    return this.#options.face() === 'full';
  }

  #room(c: BotContext, user: User): Room | null {
    return this.#campfire.roomOf(user.id, idIn(c.req.param('room')));
  }

  #reachableMessage(c: BotContext, user: User): Message | null {
    const room = this.#room(c, user);
    return room && this.#campfire.message(room.id, idIn(c.req.param('id')));
  }

  /** The message to change, or the refusal. @throws RailsException 404 when the room has no such message. */
  #ownMessage(c: BotContext, user: User): Message | Response {
    const room = this.#room(c, user);
    if (!room) return c.body(null, 404);
    const message = this.#campfire.message(room.id, idIn(c.req.param('id')));
    if (!message) throw new RailsException(404, "Couldn't find Message");
    return message.creatorId === user.id ? message : c.body(null, 403);
  }

  /** What fails after the message was stored fails as an exception: the caller gets a 500 and no id. */
  #stored<T>(store: () => T): T {
    try {
      return store();
    } catch (error) {
      throw new RailsException(500, messageOf(error));
    }
  }

  #person(c: BotContext): Person | null {
    return this.#campfire.access.personBySession(getCookie(c, 'session_token') ?? '');
  }

  #signIn(c: BotContext): Response {
    return c.body(null, 302, {
      location: `${this.#origin(c)}/session/new`,
      'content-type': 'text/html; charset=utf-8',
    });
  }

  #origin(c: BotContext): string {
    return `${this.#options.disableSsl ? 'http' : 'https'}://${c.req.header('host') ?? ''}`;
  }

  #versioned(response: Response): Response {
    response.headers.set('x-version', this.#isFull ? 'main' : '1.4.9');
    response.headers.set('x-rev', this.#isFull ? '9310b00' : 'v1.4.9');
    return response;
  }
}

/** A page of messages, oldest first, and the parameter that leads on, if there is more in that direction. */
function page(all: Message[], before?: string, after?: string) {
  const reference = before || after;
  const instant = reference ? find(all, idIn(reference)).createdAt : 0;
  if (!before && after) {
    const rest = all.filter((message) => message.createdAt > instant);
    const messages = rest.slice(0, pageSize);
    return { messages, more: rest.length > pageSize ? next('after', messages.at(-1)) : null };
  }
  const rest = before ? all.filter((message) => message.createdAt < instant) : all;
  const messages = rest.slice(-pageSize);
  return { messages, more: rest.length > pageSize ? next('before', messages[0]) : null };
}

function next(parameter: 'before' | 'after', message: Message | undefined): [string, string] | null {
  return message ? [parameter, String(message.id)] : null;
}

function find(all: Message[], id: number): Message {
  const found = all.find((message) => message.id === id);
  if (!found) throw new RailsException(404, "Couldn't find Message");
  return found;
}

function draftOf(body: BotBody): Draft {
  if (body.attachment === 'unusable') throw new RailsException(500, 'mismatched digest');
  return body.attachment === null ? { html: textOf(body) } : { file: body.attachment };
}

/** As the database casts it: "12abc" is 12, and what is no number is nobody's id. */
function idIn(parameter: string | undefined): number {
  return Number.parseInt(parameter ?? '', 10) || -1;
}
