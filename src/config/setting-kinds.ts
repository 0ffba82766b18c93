import { resolve } from 'node:path';

/** How one kind of setting is written in the environment, what of it is allowed, and what the code gets. */
export interface Kind<T> {
  /** In a word, for .env.example: `seconds`, `MB`, `URL` … */
  readonly unit: string;
  /** Completes the sentence "NAME must be …". */
  readonly allowed: string;
  /** The value for the code, or undefined when `raw` (never empty) is not allowed. */
  parse(raw: string): T | undefined;
}

/** Any text without line breaks. */
export const text: Kind<string> = {
  unit: 'text',
  allowed: 'text on one line',
  parse: (raw) => (/[\r\n\0]/.test(raw) ? undefined : raw),
};

/** A host name or an IP address to listen on. */
export const hostName: Kind<string> = {
  unit: 'host',
  allowed: 'a host name or an IP address, without a port',
  parse: (raw) => (/^[A-Za-z0-9._-]+$|^[0-9A-Fa-f:.]+$/.test(raw) ? raw : undefined),
};

/** A path; relative ones start at the working directory. The code gets an absolute path. */
export const folder: Kind<string> = {
  unit: 'folder',
  allowed: 'a path',
  parse: (raw) => (raw.includes('\0') ? undefined : resolve(raw)),
};

/** An http or https address. The code gets it without a slash at the end. */
export const url: Kind<string> = {
  unit: 'URL',
  allowed: 'an http:// or https:// address without user name, query or fragment',
  parse(raw) {
    const parsed = URL.parse(raw);
    if (!parsed || !['http:', 'https:'].includes(parsed.protocol)) return undefined;
    if (parsed.username || parsed.password || parsed.search || parsed.hash) return undefined;
    return `${parsed.origin}${parsed.pathname}`.replace(/\/+$/, '');
  },
};

/** The address of a Redis, password included. */
export const redisUrl: Kind<string> = {
  unit: 'URL',
  allowed: 'a redis:// or rediss:// address',
  parse(raw) {
    const parsed = URL.parse(raw);
    return parsed?.hostname && /^rediss?:$/.test(parsed.protocol) ? raw : undefined;
  },
};

/** An IANA time zone that this Node knows. */
export const timeZone: Kind<string> = {
  unit: 'time zone',
  allowed: 'an IANA time zone such as Europe/Berlin',
  parse(raw) {
    try {
      return new Intl.DateTimeFormat('en', { timeZone: raw }).resolvedOptions().timeZone;
    } catch {
      return undefined;
    }
  },
};

/** Yes or no. */
export const flag: Kind<boolean> = {
  unit: 'flag',
  allowed: '1, true, yes or on; or 0, false, no or off',
  parse(raw) {
    const word = raw.toLowerCase();
    if (['1', 'true', 'yes', 'on'].includes(word)) return true;
    if (['0', 'false', 'no', 'off'].includes(word)) return false;
    return undefined;
  },
};

/** A whole number within bounds, both included. */
export function count(min: number, max: number): Kind<number> {
  return {
    unit: 'number',
    allowed: `a whole number from ${min} to ${max}`,
    parse: (raw) => whole(raw, min, max),
  };
}

/** Written in seconds; the code gets milliseconds. */
export function seconds(min: number, max: number): Kind<number> {
  return {
    unit: 'seconds',
    allowed: `a whole number of seconds from ${min} to ${max}`,
    parse: (raw) => scaled(whole(raw, min, max), 1000),
  };
}

/** Written in minutes; the code gets milliseconds. */
export function minutes(min: number, max: number): Kind<number> {
  return {
    unit: 'minutes',
    allowed: `a whole number of minutes from ${min} to ${max}`,
    parse: (raw) => scaled(whole(raw, min, max), 60_000),
  };
}

/** Written in days; the code gets milliseconds. */
export function days(min: number, max: number): Kind<number> {
  return {
    unit: 'days',
    allowed: `a whole number of days from ${min} to ${max}`,
    parse: (raw) => scaled(whole(raw, min, max), 86_400_000),
  };
}

/** Written in MB of 1024 × 1024 bytes; the code gets bytes. */
export function megabytes(min: number, max: number): Kind<number> {
  return {
    unit: 'MB',
    allowed: `a whole number of MB from ${min} to ${max}`,
    parse: (raw) => scaled(whole(raw, min, max), 1024 * 1024),
  };
}

/** US dollars and cents, above 0. */
export const dollars: Kind<number> = {
  unit: 'USD',
  allowed: 'a number of US dollars above 0, such as 20 or 2.50',
  parse(raw) {
    const value = /^\d{1,9}(?:\.\d{1,6})?$/.test(raw) ? Number(raw) : 0;
    return value > 0 ? value : undefined;
  },
};

/** A room of Campfire and one of our bots in it, `12:assistant`. */
export const roomAndBot: Kind<{ roomId: number; botId: string }> = {
  unit: 'room:bot',
  allowed: 'the number of a room and the id of a bot, such as 12:assistant',
  parse(raw) {
    const [, roomId, botId] = /^(\d{1,15}):([a-z0-9_]{1,64})$/.exec(raw) ?? [];
    return roomId === undefined || botId === undefined ? undefined : { roomId: Number(roomId), botId };
  },
};

/** One of a few words. */
export function oneOf<const Word extends string>(...words: Word[]): Kind<Word> {
  return {
    unit: words.join(', '),
    allowed: `one of ${words.join(', ')}`,
    parse: (raw) => words.find((word) => word === raw),
  };
}

function whole(raw: string, min: number, max: number): number | undefined {
  if (!/^-?\d{1,15}$/.test(raw)) return undefined;
  const value = Number(raw);
  return value >= min && value <= max ? value : undefined;
}

function scaled(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}
