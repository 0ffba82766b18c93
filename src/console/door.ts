import { createHmac, randomBytes } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import { digestOf, isSecret } from '../config/secret.ts';
import type { Clock } from '../lib/clock.ts';

/**
 * Who may come in: whoever has the ADMIN_TOKEN, shown with each request or exchanged for a cookie.
 *
 * 1. The cookie names nobody and is kept nowhere: it is an end and a random word, signed with the token. It outlives
 *    a restart, is good at every machine with the same token, and ends with the token or after twelve hours.
 * 2. A cookie is sent by a browser whoever made it send: what changes something needs the CSRF word of that very
 *    cookie, and an Origin that is ours.
 */
export interface Door {
  isToken(given: string): boolean;
  /** A new cookie's value, and for how many seconds it is good. */
  newCookie(): { value: string; seconds: number };
  /** Whether the request may do what it asks for, and if so until when (epoch ms). */
  judge(c: Context): Verdict;
  /** Whether a form was sent from one of our own pages, as browsers tell. */
  isOwnOrigin(c: Context): boolean;
  /** The word that a page with this cookie sends along with what changes something. */
  csrfFor(cookie: string): string;
}

export type Verdict =
  | { kind: 'in'; cookie: string | null; until: number }
  | { kind: 'out' }
  | { kind: 'forged'; problem: string };

export const cookieName = 'campfire_ai_bot_console';
const csrfHeader = 'X-CSRF-Token';
const cookieSeconds = 12 * 3600;

export function createDoor(parts: { adminToken: string; publicUrl: string | null; clock: Clock }): Door {
  const { adminToken, publicUrl, clock } = parts;
  const token = digestOf(adminToken);
  const bearer = digestOf(`Bearer ${adminToken}`);
  const publicHost = publicUrl === null ? null : (URL.parse(publicUrl)?.host ?? null);
  const sign = (purpose: string, text: string) =>
    createHmac('sha256', adminToken).update(`console ${purpose} ${text}`).digest('base64url');

  /** When it ends; null unless we signed it and it has not ended. */
  const endOf = (cookie: string): number | null => {
    const [end = '', word = '', signature = ''] = cookie.split('.');
    if (!isSecret(signature, digestOf(sign('cookie', `${end}.${word}`)))) return null;
    return Number(end) > clock.now() ? Number(end) : null;
  };
  const isOwnOrigin = (c: Context): boolean => {
    const host = URL.parse(c.req.header('origin') ?? '')?.host;
    if (!host) return false;
    // A proxy may pass on another Host; what the browser itself says of the two sites cannot be made up by a page.
    if (c.req.header('sec-fetch-site') === 'same-origin') return true;
    return host === c.req.header('host') || host === publicHost;
  };
  const csrfFor = (cookie: string) => sign('csrf', cookie);

  return {
    ...{ isOwnOrigin, csrfFor },
    isToken: (given) => isSecret(given, token),
    newCookie() {
      const text = `${clock.now() + cookieSeconds * 1000}.${randomBytes(16).toString('base64url')}`;
      return { value: `${text}.${sign('cookie', text)}`, seconds: cookieSeconds };
    },
    judge(c) {
      const shown = c.req.header('authorization');
      if (shown !== undefined)
        return isSecret(shown, bearer)
          ? { kind: 'in', cookie: null, until: Number.POSITIVE_INFINITY }
          : { kind: 'out' };
      const cookie = getCookie(c, cookieName) ?? '';
      const until = endOf(cookie);
      if (until === null) return { kind: 'out' };
      if (c.req.method === 'GET' || c.req.method === 'HEAD') return { kind: 'in', cookie, until };
      if (!isOwnOrigin(c)) return { kind: 'forged', problem: 'The Origin of this request is another site.' };
      if (!isSecret(c.req.header(csrfHeader) ?? '', digestOf(csrfFor(cookie))))
        return { kind: 'forged', problem: `${csrfHeader} is missing or not that of the page.` };
      return { kind: 'in', cookie, until };
    },
  };
}

/** For JSON and streams: 401 without, 403 where another site may have made the browser ask. */
export function guard(door: Door): MiddlewareHandler {
  return async (c, next) => {
    const verdict = door.judge(c);
    if (verdict.kind === 'in') return next();
    if (verdict.kind === 'forged') return c.json({ error: verdict.problem }, 403);
    return c.json({ error: 'Send "Authorization: Bearer" with the ADMIN_TOKEN.' }, 401);
  };
}
