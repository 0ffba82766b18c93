import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { deleteCookie, setCookie } from 'hono/cookie';
import { emptyResponse } from '../campfire/intake.ts';
import { isLoopbackAddress } from '../campfire/loopback.ts';
import type { Clock } from '../lib/clock.ts';
import { sentEvents } from '../lib/sent-events.ts';
import { cookieName, type Door } from './door.ts';
import { Feed } from './feed.ts';
import { sampleFields } from './history/samples.ts';
import type { ConsoleSource } from './source.ts';
import { createTries } from './tries.ts';
import { textOf } from './views/bits.ts';
import { consolePage, signInPage } from './views/page.ts';

/** The pages of the console. Loaded when somebody first asks for one: few services are looked at all the time. */

export interface WindowParts {
  door: Door;
  source: ConsoleSource;
  clock: Clock;
  /** Aborts when open pages should be let go. */
  closing: AbortSignal;
  /** The address at the other end of the socket. */
  remoteAddress: (c: Context) => string | undefined;
  onError: (error: unknown) => void;
}

type App = Hono<{ Bindings: HttpBindings }>;

const uplot = dirname(fileURLToPath(import.meta.resolve('uplot')));

/** Everything that the pages load; nothing else is served. */
const assets: readonly { name: string; file: string; type: string }[] = [
  ...['console.css', 'tables.css'].map((name) => ({ name, file: `page/${name}`, type: 'text/css' })),
  ...['console.js', 'live.js', 'charts.js', 'times.js'].map((name) => ({
    ...{ name, file: `page/${name}`, type: 'text/javascript' },
  })),
  { name: 'uplot.js', file: join(uplot, 'uPlot.iife.min.js'), type: 'text/javascript' },
  { name: 'uplot.css', file: join(uplot, 'uPlot.min.css'), type: 'text/css' },
  { name: 'mark.svg', file: 'page/mark.svg', type: 'image/svg+xml' },
];

/** No inline script or style, so that nothing that somebody wrote can be one. */
const policy = [
  "default-src 'none'",
  ...['script', 'style', 'img', 'connect'].map((kind) => `${kind}-src 'self'`),
  "form-action 'self'",
  ...['base-uri', 'frame-ancestors'].map((kind) => `${kind} 'none'`),
].join('; ');

const pageHeaders = {
  'Content-Security-Policy': policy,
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  // `no-referrer` would make the browser send `Origin: null` with the form.
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** A page that reads so slowly is cut off; its EventSource connects again and gets the whole. */
const unreadMax = 16;

export function createWindow(parts: WindowParts): App {
  const { door, source, clock } = parts;
  const feed = new Feed(source, clock, parts.onError);
  const app: App = new Hono();
  app.get('/console', async (c) => {
    const verdict = door.judge(c);
    if (verdict.kind !== 'in') return c.redirect('/console/sign-in', 303);
    const { frame, snapshot, version, samples } = await feed.now();
    const csrf = verdict.cookie === null ? '' : door.csrfFor(verdict.cookie);
    const { points, marks, several } = frame;
    const { highPercent } = snapshot.memory;
    const chartData = { fields: sampleFields, samples, points, marks, highPercent };
    const data = { at: snapshot.at, version, several, ...chartData };
    return c.html(textOf(consolePage(snapshot, frame, { csrf, data })), 200, pageHeaders);
  });
  app.get('/console/live', (c) => {
    const verdict = door.judge(c);
    if (verdict.kind !== 'in') return c.json({ error: 'Sign in again.' }, 401);
    // Nobody would read, and so nobody would end, a stream that answers HEAD.
    if (c.req.method === 'HEAD') return c.body(null, 204);
    const version = c.req.header('last-event-id') ?? c.req.query('version') ?? '';
    const stream = sentEvents(
      (send, end) => feed.subscribe(version, (text) => (clock.now() < verdict.until ? send(text) : end())),
      ...([parts.closing, unreadMax] as const),
    );
    return c.body(stream, 200, {
      ...{ 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
    });
  });
  addSignIn(app, parts);
  addAssets(app);
  app.notFound((c) => (c.req.method === 'GET' ? c.text('Not found', 404) : emptyResponse(404)));
  app.onError((error) => {
    throw error;
  });
  return app;
}

function addSignIn(app: App, { door, clock, remoteAddress }: WindowParts): void {
  const tries = createTries(clock);
  const answer = (c: Context, status: 200 | 400 | 401 | 403 | 429, problem: string | null) =>
    c.html(textOf(signInPage(problem)), status, pageHeaders);

  app.get('/console/sign-in', (c) =>
    door.judge(c).kind === 'in' ? c.redirect('/console', 303) : answer(c, 200, null),
  );
  app.post('/console/sign-in', async (c) => {
    if (!door.isOwnOrigin(c))
      return answer(c, 403, 'This form was sent from another site. Open the console itself.');
    const address = addressOf(c, remoteAddress(c));
    const waitMs = tries.waitMs(address);
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000);
      c.header('Retry-After', String(seconds));
      return answer(c, 429, `Too many tries. Wait ${seconds} s, then try again.`);
    }
    const token = await tokenIn(c);
    if (token === null) return answer(c, 400, 'Enter the token.');
    if (!door.isToken(token)) {
      tries.failed(address);
      return answer(c, 401, 'That is not the token.');
    }
    const { value, seconds } = door.newCookie();
    setCookie(c, cookieName, value, {
      ...{ httpOnly: true, sameSite: 'Strict', path: '/', maxAge: seconds },
      // As the browser sees us, whatever stands between.
      secure: c.req.header('origin')?.startsWith('https:') ?? false,
    });
    return c.redirect('/console', 303);
  });
  app.post('/console/sign-out', (c) => {
    const verdict = door.judge(c);
    if (verdict.kind === 'forged') return c.json({ error: verdict.problem }, 403);
    deleteCookie(c, cookieName, { path: '/' });
    return c.body(null, 204);
  });
}

const bodyMax = 4_096;

/** Null when the form has none. */
async function tokenIn(c: Context): Promise<string | null> {
  if (Number(c.req.header('content-length') ?? bodyMax + 1) > bodyMax) return null;
  if (!c.req.header('content-type')?.startsWith('application/x-www-form-urlencoded')) return null;
  const token = new URLSearchParams(await c.req.text()).get('token');
  return token === null || token === '' ? null : token;
}

/** Behind a proxy on this machine everybody has the proxy's address; what it added last is whom it heard. */
function addressOf(c: Context, socket: string | undefined): string {
  const forwarded = c.req.header('x-forwarded-for')?.split(',').at(-1)?.trim();
  return socket !== undefined && isLoopbackAddress(socket) && forwarded ? forwarded : (socket ?? 'unknown');
}

function addAssets(app: App): void {
  for (const { name, file, type } of assets) {
    app.get(`/console/assets/${name}`, (c) => {
      const content = readFileSync(resolve(import.meta.dirname, file));
      const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
      const headers = { etag, 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' };
      if (c.req.header('if-none-match') === etag) return c.body(null, 304, headers);
      return c.body(content, 200, { ...headers, 'content-type': `${type}; charset=utf-8` });
    });
  }
}
