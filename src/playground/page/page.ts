import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Hono } from 'hono';
import { pageHtml, type SuggestedPrompt } from './html.ts';

export interface PageOptions {
  /** Messages that the page offers to send. */
  suggestedPrompts: readonly SuggestedPrompt[];
  /** Whether a service reports what it does; without one the page shows webhook deliveries instead. */
  hasService: boolean;
}

/** Everything that the page loads besides itself; nothing else of this folder is served. */
const assets: ReadonlyMap<string, string> = new Map([
  ...['page', 'body', 'service', 'narrow'].map((name) => [`${name}.css`, 'text/css; charset=utf-8'] as const),
  ...[
    ...['theme', 'page', 'api', 'dom', 'state', 'rooms', 'timeline', 'message', 'highlight', 'composer'],
    ...['completion', 'trace', 'trace-view', 'sessions', 'service', 'stage', 'wire'],
  ].map((name) => [`${name}.js`, 'text/javascript; charset=utf-8'] as const),
]);

/** No inline script or style: what a bot posts can then do nothing, even if the sanitiser missed it. */
const policy = [
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'",
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
].join('; ');

/** `GET /playground` and `GET /playground/assets/:name`. */
export function pageRoutes(options: PageOptions): Hono {
  const app = new Hono();
  app.get('/playground', (c) => {
    c.header('content-security-policy', policy);
    c.header('cache-control', 'no-cache');
    c.header('referrer-policy', 'no-referrer');
    c.header('x-content-type-options', 'nosniff');
    return c.html(pageHtml(options));
  });
  app.get('/playground/assets/:name', (c) => {
    const name = c.req.param('name');
    const type = assets.get(name);
    if (type === undefined) return c.notFound();
    const content = readFileSync(join(import.meta.dirname, name));
    const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
    const headers = { etag, 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' };
    if (c.req.header('if-none-match') === etag) return c.body(null, 304, headers);
    return c.body(new Uint8Array(content), 200, { ...headers, 'content-type': type });
  });
  return app;
}
