import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Hono } from 'hono';
import { type PageOptions, pageHtml } from './html.ts';

/** Everything that the page loads besides itself; nothing else of this folder is served. */
const assets = {
  'page.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'api.js': 'text/javascript; charset=utf-8',
  'rooms.js': 'text/javascript; charset=utf-8',
  'composer.js': 'text/javascript; charset=utf-8',
  'service.js': 'text/javascript; charset=utf-8',
} as const;

/** No inline script or style: what a bot posts can then do nothing, even if the sanitiser missed it. */
const policy = [
  "default-src 'none'",
  ...['script', 'style', 'media', 'connect'].map((kind) => `${kind}-src 'self'`),
  "img-src 'self' data:",
  ...['base-uri', 'form-action', 'frame-ancestors'].map((kind) => `${kind} 'none'`),
].join('; ');

/** `GET /playground` and its assets. */
export function pageRoutes(options: PageOptions): Hono {
  const app = new Hono();
  app.get('/playground', (c) =>
    c.html(pageHtml(options), 200, { 'content-security-policy': policy, 'cache-control': 'no-cache' }),
  );
  for (const [name, type] of Object.entries(assets)) {
    app.get(`/playground/assets/${name}`, (c) => {
      // Read anew, so that an edit shows at the next reload; a browser that has it already gets no bytes.
      const content = readFileSync(join(import.meta.dirname, name));
      const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
      const headers = { etag, 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' };
      if (c.req.header('if-none-match') === etag) return c.body(null, 304, headers);
      return c.body(content, 200, { ...headers, 'content-type': type });
    });
  }
  return app;
}
