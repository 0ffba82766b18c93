import { STATUS_CODES } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';

/** A request to Campfire's routes. */
export type BotContext = Context<{ Bindings: HttpBindings }>;

/**
 * An exception inside Campfire. Rails answers it from outside the controller with an error page of its own, so
 * the controller's headers, `X-Version` among them, are lost.
 */
export class RailsException extends Error {
  readonly status: 400 | 404 | 422 | 500;

  constructor(status: 400 | 404 | 422 | 500, message: string) {
    super(message);
    this.status = status;
  }
}

/** Rails' page for an exception or a missing route: JSON where that is the route's format or is asked for. */
export function errorPage(c: BotContext, status: 400 | 404 | 422 | 500, isJsonRoute = false): Response {
  const error = STATUS_CODES[status] ?? '';
  if (isJsonRoute || /\bjson\b/.test(c.req.header('accept') ?? ''))
    return jsonPage(c, status, { status, error });
  return htmlPage(c, status, `<h1>${error}</h1>`);
}

export function jsonPage(c: BotContext, status: 200 | 201 | 400 | 404 | 422 | 500, value: unknown): Response {
  return c.body(JSON.stringify(value), status, { 'content-type': 'application/json; charset=utf-8' });
}

export function htmlPage(c: BotContext, status: 200 | 400 | 404 | 422 | 500, body: string): Response {
  return c.body(`<!DOCTYPE html>\n<html><body>${body}</body></html>\n`, status, {
    'content-type': 'text/html; charset=utf-8',
  });
}
