import type { Clock } from '../lib/clock.ts';

/**
 * What Campfire's answer to a call of its bot API means. Decided purely, from the status and four headers; facts:
 * key failures are a 302 to the sign-in page, every answer of Campfire's own code carries X-Version, and versions
 * up to 1.4.9 have no route but `POST messages`.
 */

/** Why a call did nothing, or may have done something. No field holds a key or a whole address. */
export type Failure =
  /** The key is not that of an active bot: wrong, reset, or the bot was removed. */
  | { readonly kind: 'badKey'; readonly remedy: string }
  /** There is no such room, or the bot is not in it. */
  | { readonly kind: 'notMember'; readonly remedy: string }
  /** The message or boost is gone, or the room. */
  | { readonly kind: 'notFound' }
  /** The message is not this bot's own. */
  | { readonly kind: 'forbidden' }
  /** This Campfire lets bots post and nothing else (1.4.9 and before), or the address is wrong. */
  | { readonly kind: 'unsupported'; readonly remedy: string }
  /** Whatever answered is not Campfire's bot API. */
  | { readonly kind: 'wrongAddress'; readonly status: number; readonly remedy: string }
  /** Sent elsewhere, mostly to https; `to` is the other origin. Nothing was done. */
  | { readonly kind: 'redirected'; readonly to: string; readonly remedy: string }
  /** The content was refused and would be again: blank, malformed or too large. 0: refused here, not sent. */
  | { readonly kind: 'rejected'; readonly status: number }
  /** Wait, then try again. Campfire answers so to a banned address, proxies to haste. */
  | { readonly kind: 'tooMany'; readonly retryAfterMs: number | null }
  /** Not sent, because `mayBeSent` said no in the last moment. */
  | { readonly kind: 'withheld' }
  /**
   * No usable answer. `uncertain`: the request may have taken effect all the same, so that repeating it may double
   * it. `cause` is an error code, for logs.
   */
  | {
      readonly kind: 'unavailable';
      readonly uncertain: boolean;
      readonly status: number | null;
      readonly cause: string;
    };

/** What decides about an answer. */
export interface AnswerHead {
  readonly status: number;
  /** By lower-case name. */
  header(name: string): string | undefined;
}

/** The parts of the API, as far as answers differ between them. */
export type Call = 'post' | 'attach' | 'edit' | 'delete' | 'boost' | 'unboost' | 'index';

/** The one status with which each call reports success; any other 2xx is not Campfire's. */
export const SUCCESS: Readonly<Record<Call, number>> = {
  post: 201,
  attach: 201,
  edit: 200,
  delete: 204,
  boost: 201,
  unboost: 204,
  index: 200,
};

const REMEDY = {
  badKey: 'Copy the key again from the bot’s page in Campfire; it changes when somebody resets it.',
  notMember: 'Add the bot to the room in Campfire.',
  unsupported:
    'Update Campfire to let bots edit, delete, boost and read; if posting fails too, check CAMPFIRE_URL.',
  wrongAddress:
    'Check that CAMPFIRE_URL is Campfire’s own address, and that no login page or proxy stands before it.',
};

/** The failure that an answer stands for which is not, or does not look like, the documented success. */
export function failureOf(call: Call, { status, header }: AnswerHead, clock: Clock): Failure {
  const isCampfire = header('x-version') !== undefined;
  if (status >= 300 && status < 400) return redirection(status, header('location'));
  if (status === 404) return missing(call, isCampfire);
  if (status === 403 && isCampfire) return { kind: 'forbidden' };
  if (status === 429) return { kind: 'tooMany', retryAfterMs: retryAfter(header('retry-after'), clock) };
  if (status === 408 || status >= 500) {
    return {
      kind: 'unavailable',
      uncertain: mayHaveTakenEffect(call, status),
      status,
      cause: `HTTP ${status}`,
    };
  }
  if (REJECTIONS.has(status)) return { kind: 'rejected', status };
  return { kind: 'wrongAddress', status, remedy: REMEDY.wrongAddress };
}

/** The failure that a missing answer stands for. `sent`: whether the request may have been received. */
export function failureOfBreak(call: Call, sent: boolean, cause: string): Failure {
  return { kind: 'unavailable', uncertain: sent && call !== 'index', status: null, cause };
}

const REJECTIONS: ReadonlySet<number> = new Set([400, 411, 413, 414, 415, 422, 431]);

function redirection(status: number, location = ''): Failure {
  const target = URL.parse(location, 'relative://campfire');
  if (target?.pathname.endsWith('/session/new')) return { kind: 'badKey', remedy: REMEDY.badKey };
  if (!target || target.protocol === 'relative:') {
    return { kind: 'wrongAddress', status, remedy: REMEDY.wrongAddress };
  }
  // The origin alone: the rest of the address repeats the key.
  return {
    kind: 'redirected',
    to: target.origin,
    remedy: `Set CAMPFIRE_URL to ${target.origin} if that is Campfire.`,
  };
}

function missing(call: Call, isCampfire: boolean): Failure {
  const posts = call === 'post' || call === 'attach';
  if (!isCampfire && posts) return { kind: 'wrongAddress', status: 404, remedy: REMEDY.wrongAddress };
  if (!isCampfire) return { kind: 'unsupported', remedy: REMEDY.unsupported };
  return posts || call === 'index' ? { kind: 'notMember', remedy: REMEDY.notMember } : { kind: 'notFound' };
}

/**
 * 503 is what proxies say when they have nobody to hand the request to; Campfire itself never says it. Every other
 * 5xx may come after the message was stored: a failed thumbnail, a broken broadcast, a gateway that gave up waiting.
 */
function mayHaveTakenEffect(call: Call, status: number): boolean {
  return call !== 'index' && status !== 503;
}

/** Seconds or a date (RFC 9110 §10.2.3), as milliseconds from now. */
function retryAfter(value: string | undefined, clock: Clock): number | null {
  if (value === undefined) return null;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - clock.now());
}
