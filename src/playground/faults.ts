import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context, MiddlewareHandler } from 'hono';
import type { Clock } from '../lib/clock.ts';
import type { Campfire } from './campfire.ts';
import type { EventStream } from './events.ts';
import type { FaultSettings } from './records.ts';

export const noFaults: Readonly<FaultSettings> = {
  down: false,
  slowMs: 0,
  badGateway: false,
  tlsRedirectTo: null,
  loseAnswers: false,
  deleteUnderEdit: false,
  failProcessing: false,
  outOfOrder: false,
  duplicates: 0,
  webhookBadGateway: false,
};

/** The page that nginx answers when nobody listens behind it. */
export const proxyErrorPage =
  '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n';

/** The faults that are on. Read at each use, so that a change holds for the next request or webhook. */
export class Faults {
  readonly #events: EventStream;
  #current: Readonly<FaultSettings> = noFaults;

  constructor(events: EventStream) {
    this.#events = events;
  }

  get current(): Readonly<FaultSettings> {
    return this.#current;
  }

  /** Switches the named faults and leaves the others as they are. */
  set(changes: Partial<FaultSettings>): void {
    this.#current = { ...this.#current, ...changes };
    this.#events.emit({ type: 'faults.changed', faults: this.#current });
  }

  clear(): void {
    this.set(noFaults);
  }
}

const editedMessage = /^\/rooms\/(\d+)\/[^/]+\/messages\/(\d+)$/;

/** Stands in front of the bot API and does to its callers what the faults say. */
export function faultyConnection(
  faults: Faults,
  campfire: Campfire,
  clock: Clock,
): MiddlewareHandler<{ Bindings: HttpBindings }> {
  return async (c, next) => {
    const { down, slowMs, badGateway, tlsRedirectTo, loseAnswers, deleteUnderEdit } = faults.current;
    // A caller that gives up does not undo its request: what it asked for happens all the same.
    if (slowMs > 0) await clock.sleep(slowMs, c.req.raw.signal);
    if (down) return dropConnection(c);
    if (badGateway) return c.body(proxyErrorPage, 502, { 'content-type': 'text/html' });
    if (tlsRedirectTo !== null) {
      return c.body(null, 301, { location: `${tlsRedirectTo}${pathAndQuery(c)}`, connection: 'close' });
    }
    if (deleteUnderEdit && (c.req.method === 'PATCH' || c.req.method === 'PUT')) deleteEdited(c, campfire);
    await next();
    if (loseAnswers) c.res = dropConnection(c);
    return undefined;
  };
}

/** Whether the caller got this answer or only a closed connection. */
export function wasDropped(response: Response): boolean {
  return response.headers.has('x-hono-already-sent');
}

/** Ends the caller's connection without a byte of an answer. */
function dropConnection(c: Context<{ Bindings: HttpBindings }>): Response {
  c.env.incoming.socket.destroy();
  return RESPONSE_ALREADY_SENT;
}

function deleteEdited(c: Context, campfire: Campfire): void {
  const [, roomId, id] = editedMessage.exec(c.req.path) ?? [];
  const message = campfire.message(Number(roomId), Number(id));
  if (message) campfire.delete(message);
}

function pathAndQuery(c: Context): string {
  const { pathname, search } = new URL(c.req.url);
  return `${pathname}${search}`;
}
