import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import type { Downloads } from './downloads.ts';
import { decideFileAnswer, type FileAnswer } from './http-range.ts';
import type { KeptFile } from './kept.ts';
import { disposition, isPage } from './names.ts';
import { nothingHere } from './pages.ts';
import { checkPath, proofFor } from './public-url.ts';

/**
 * `GET|HEAD /files/download/:token` and `/files/view/:token`. What is served was written by a bot, on the operator's
 * own origin, so nothing of it may ever run there:
 *
 * 1. Every answer has a CSP with `sandbox`: should a browser show it after all, it has an origin of its own.
 * 2. Without a view, browsers are told to save it, not to guess its type, and get no type that a page of this origin
 *    could load as a script or a style.
 * 3. A view runs its own scripts, inline ones alone: no cookie, no storage, no request, no form, no frame.
 */

const everyFile = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'X-Robots-Tag': 'noindex, nofollow, noarchive',
  'Permissions-Policy':
    'camera=(), microphone=(), geolocation=(), payment=(), usb=(), display-capture=(), clipboard-read=()',
};

const downloadPolicy = "default-src 'none'; sandbox; frame-ancestors 'none'";

/**
 * `sandbox` without `allow-same-origin` gives the page an origin of its own, whatever else is allowed. Its links may open
 * other sites in tabs, which are then ordinary ones.
 */
const viewPolicy = [
  "default-src 'none'",
  "script-src 'unsafe-inline' 'unsafe-eval'",
  "style-src 'unsafe-inline'",
  'img-src data: blob:',
  'font-src data:',
  'media-src data: blob:',
  "connect-src 'none'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  'sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox',
].join('; ');

const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

export interface DownloadRoutesParts {
  downloads: Downloads;
  /** Its path is served too, for a reverse proxy that passes it on. */
  publicUrl: string | null;
  /** Names this service to itself, for the check of PUBLIC_URL. */
  instance: string;
}

export function downloadRoutes({
  downloads,
  publicUrl,
  instance,
}: DownloadRoutesParts): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const prefix = publicUrl === null ? '' : new URL(publicUrl).pathname.replace(/\/$/, '');
  for (const base of new Set(['', prefix])) {
    app.get(`${base}/files/download/:token`, (c) => answer(c, downloads, false));
    app.get(`${base}/files/view/:token`, (c) => answer(c, downloads, true));
    app.get(`${base}${checkPath}/:challenge`, (c) =>
      c.text(proofFor(instance, c.req.param('challenge') ?? ''), 200, { 'Cache-Control': 'no-store' }),
    );
    app.get(`${base}/files/*`, nothing);
  }
  return app;
}

async function answer(c: Context, downloads: Downloads, asView: boolean): Promise<Response> {
  const file = await downloads.find(c.req.param('token') ?? '');
  const opened = file && (await downloads.open(file.id));
  if (!file || !opened) return nothing(c);
  const method = c.req.method === 'HEAD' ? 'HEAD' : 'GET';
  const etag = `"${file.digest}"`;
  const decided = decideFileAnswer({
    ...{ method, etag, size: opened.content.size },
    header: (name) => c.req.header(name),
  });
  const headers = headersFor(decided, file, { etag, asView, size: opened.content.size });
  if (method === 'HEAD' || !('length' in decided)) {
    return new Response(null, { status: decided.status, headers });
  }
  const { start, length, status } = decided;
  if (start === 0 && !isPrefetch(c)) await downloads.served(file, length);
  return new Response(opened.content.slice(start, start + length).stream(), { status, headers });
}

function headersFor(
  decided: FileAnswer,
  file: KeptFile,
  how: { etag: string; asView: boolean; size: number },
) {
  const shown = how.asView && isPage(file.mediaType);
  const headers = new Headers({
    ...everyFile,
    ETag: how.etag,
    'Accept-Ranges': 'bytes',
    // Private, and asked for again each time: a revoked link must not live on in a cache.
    'Cache-Control': 'private, no-cache',
    'Content-Disposition': disposition(shown ? 'inline' : 'attachment', file.name),
    'Content-Security-Policy': shown ? viewPolicy : downloadPolicy,
  });
  if (decided.status === 416) headers.set('Content-Range', `bytes */${how.size}`);
  if (!('length' in decided)) return headers;
  headers.set('Content-Type', servedType(file.mediaType));
  headers.set('Content-Length', String(decided.length));
  if (decided.status === 206) {
    const end = decided.start + decided.length - 1;
    headers.set('Content-Range', `bytes ${decided.start}-${end}/${how.size}`);
  }
  return headers;
}

/** Scripts and styles go as text: no page of this origin can be made to load them. */
function servedType(mediaType: string): string {
  if (/\b(?:java|ecma)script$/.test(mediaType) || mediaType === 'text/css')
    return 'text/plain; charset=utf-8';
  return mediaType.startsWith('text/') ? `${mediaType}; charset=utf-8` : mediaType;
}

/** Browsers and link scanners that look ahead; nobody has opened anything yet. */
function isPrefetch(c: Context): boolean {
  const purpose = c.req.header('sec-purpose') ?? c.req.header('purpose') ?? c.req.header('x-moz') ?? '';
  return /\bprefetch\b|\bpreview\b/i.test(purpose);
}

async function nothing(c: Context): Promise<Response> {
  return c.html(await nothingHere(c.req.header('accept-language')), 404, {
    ...everyFile,
    'Cache-Control': 'no-store',
    'Content-Security-Policy': pagePolicy,
    Vary: 'Accept-Language',
  });
}
