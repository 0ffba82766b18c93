import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Hono } from 'hono';
import { type PageOptions, shell } from './shell.ts';

const css = 'text/css; charset=utf-8';
const javascript = 'text/javascript; charset=utf-8';

/** Everything that the page loads besides itself; nothing else of this folder is served. */
const assets = {
  'icon.svg': 'image/svg+xml',
  'page.css': css,
  'room.css': css,
  'message.css': css,
  'panel.css': css,
  'theme.js': javascript,
  'page.js': javascript,
  'api.js': javascript,
  'boosts.js': javascript,
  'completion.js': javascript,
  'composer.js': javascript,
  'controls.js': javascript,
  'deliveries.js': javascript,
  'dom.js': javascript,
  'highlight.js': javascript,
  'live.js': javascript,
  'message.js': javascript,
  'messages.js': javascript,
  'model.js': javascript,
  'notices.js': javascript,
  'rooms.js': javascript,
  'service.js': javascript,
  'sessions.js': javascript,
  'trace-view.js': javascript,
  'traces.js': javascript,
} as const;

/** No inline script or style: what a bot posts can then do nothing, even if the sanitiser missed it. */
const policy = [
  "default-src 'none'",
  ...['script', 'style', 'img', 'media', 'connect'].map((kind) => `${kind}-src 'self'`),
  ...['base-uri', 'form-action', 'frame-ancestors'].map((kind) => `${kind} 'none'`),
].join('; ');

/** `GET /playground` and what it loads. */
export function pageRoutes(options: PageOptions): Hono {
  const app = new Hono();
  app.get('/playground', (c) =>
    c.html(shell(options), 200, {
      'content-security-policy': policy,
      'cache-control': 'no-cache',
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    }),
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
