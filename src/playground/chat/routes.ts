import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Hono } from 'hono';
import { type PageOptions, pageHtml, styles } from './html.ts';

const scripts = [
  ...['theme', 'page', 'api', 'dom', 'rooms', 'messages', 'actions', 'composer', 'completion', 'stage'],
  ...['inside', 'sessions', 'trace', 'words', 'deliveries', 'pushes'],
];

/** The highlighter that Campfire's page uses, with the languages that Campfire registers. */
const highlighter = dirname(fileURLToPath(import.meta.resolve('@highlightjs/cdn-assets/es/core.min.js')));
const languages = 'bash css diff go java javascript json python ruby rust sql xml'.split(' ');

/** Everything that the page loads besides itself, and its file; nothing else of this folder is served. */
const assets: readonly { name: string; file: string; type: string }[] = [
  ...styles.map((name) => ({ name: `${name}.css`, file: `style/${name}.css`, type: 'text/css' })),
  ...scripts.map((name) => ({ name: `${name}.js`, file: `script/${name}.js`, type: 'text/javascript' })),
  ...['core', ...languages.map((name) => `languages/${name}`)].map((name) => ({
    name: `highlight/${name}.js`,
    file: join(highlighter, `${name}.min.js`),
    type: 'text/javascript',
  })),
  { name: 'mark.svg', file: 'mark.svg', type: 'image/svg+xml' },
];

/** No inline script or style: what a bot posts can then do nothing, even if the sanitiser missed it. */
const policy = [
  "default-src 'none'",
  ...['script', 'style', 'media', 'connect'].map((kind) => `${kind}-src 'self'`),
  "img-src 'self' data: blob:",
  ...['base-uri', 'form-action', 'frame-ancestors'].map((kind) => `${kind} 'none'`),
].join('; ');

/** `GET /playground` and its assets; `data` is what the page draws first. */
export function pageRoutes(options: PageOptions & { data: () => Promise<unknown> }): Hono {
  const app = new Hono();
  app.get('/playground', async (c) =>
    c.html(pageHtml(options, await options.data()), 200, {
      'content-security-policy': policy,
      'cache-control': 'no-store',
    }),
  );
  for (const { name, file, type } of assets) {
    app.get(`/playground/assets/${name}`, (c) => {
      // Read anew, so that an edit shows at the next reload; a browser that has it already gets no bytes.
      const content = readFileSync(resolve(import.meta.dirname, file));
      const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
      const headers = { etag, 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' };
      if (c.req.header('if-none-match') === etag) return c.body(null, 304, headers);
      return c.body(content, 200, { ...headers, 'content-type': `${type}; charset=utf-8` });
    });
  }
  return app;
}
