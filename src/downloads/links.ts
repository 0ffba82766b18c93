import { hash, randomBytes } from 'node:crypto';
import { isPage } from './names.ts';

/** Links to kept files: how they look, and which of those in a text are real. */

/** 256 bits, as 43 characters of base64url. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** What is kept of a token. One round is enough: there is nothing to guess in 256 random bits. */
export function hashOfToken(token: string): string {
  return hash('sha256', token, 'base64url');
}

export interface Links {
  /** What the button opens: a page is shown, anything else is downloaded. */
  open: string;
  download: string;
}

/** `publicUrl` may have a path, behind a proxy. */
export function linksTo(publicUrl: string, token: string, mediaType: string): Links {
  const download = `${publicUrl}/files/download/${token}`;
  return { open: isPage(mediaType) ? `${publicUrl}/files/view/${token}` : download, download };
}

const tokenShape = /^[\w-]{43}$/;
const linkPath = /\/files\/(?:download|view)(?![\w-])/gi;
/** What an address in running text consists of, as far as it has to be found. */
const addressCharacter = /[^\s"'`<>(){}|\\^[\]\u3000-\u303f\uff00-\uffef\u2018-\u201f]/u;
/** Looked for from the beginning of such a run only: from each of its characters it would take quadratic time. */
const trailingProse = /(?<![.,;:!?*_~])[.,;:!?*_~]+$/;
/** Names that models make up for a host that they do not know, and such as lead nowhere from a chat. */
const inventedHost =
  /^(?:localhost|127(?:\.\d+){3}|0\.0\.0\.0|\[::1?\]|10(?:\.\d+){3}|192\.168(?:\.\d+){2}|[^.]+|(?:.*\.)?example(?:\.\w+)?|(?:your|my)-?(?:domain|server|host|site|app|company)\..*)$/i;

/** Addresses in a text that look like links to kept files, real or not. */
export function addressesIn(text: string): Array<{ start: number; end: number; address: string }> {
  const found: Array<{ start: number; end: number; address: string }> = [];
  // Nothing is looked at twice: a text of nothing but such paths must not cost quadratic time.
  let seen = 0;
  for (const { index, 0: path } of text.matchAll(linkPath)) {
    if (index < seen) continue;
    let start = index;
    while (start > seen && addressCharacter.test(text[start - 1] ?? '')) start--;
    while (/[*_~]/.test(text[start] ?? '')) start++;
    seen = index + path.length;
    while (seen < text.length && addressCharacter.test(text[seen] ?? '')) seen++;
    const address = text.slice(start, seen).replace(trailingProse, '');
    found.push({ start, end: start + address.length, address });
  }
  return found;
}

/** The token that an address ends in; null when it has none of our shape. */
export function tokenIn(address: string): string | null {
  const last = address.split('/').at(-1) ?? '';
  return tokenShape.test(last) ? last : null;
}

/** Links in an answer that must not stand there: made up, altered, or of files that are not (or no longer) this room's. */
export interface DeadLinks {
  isDead(address: string): boolean;
  findIn(text: string): Array<{ start: number; end: number }>;
}

/** Only exact links with one of these tokens are alive; addresses that lead elsewhere are nobody's business here. */
export function deadLinks(publicUrl: string | null, liveTokens: ReadonlySet<string>): DeadLinks {
  const isDead = (address: string) => {
    if (!isOurs(address, publicUrl)) return false;
    const token = tokenIn(address);
    if (publicUrl === null || token === null || !liveTokens.has(token)) return true;
    return !['download', 'view'].some((how) => address === `${publicUrl}/files/${how}/${token}`);
  };
  return { isDead, findIn: (text) => addressesIn(text).filter(({ address }) => isDead(address)) };
}

function isOurs(address: string, publicUrl: string | null): boolean {
  const [found] = addressesIn(address);
  if (found === undefined) return false;
  // An address in another one's query, such as a search for it, is that other one's.
  const parsed = URL.parse(address.trim(), 'relative://none');
  if (parsed === null) return true;
  if (!/\/files\/(?:download|view)(?:\/|$)/i.test(parsed.pathname)) return false;
  const own = publicUrl === null ? null : URL.parse(publicUrl);
  if (parsed.protocol === 'relative:' || !/^https?:$/.test(parsed.protocol)) return true;
  return parsed.host === own?.host || inventedHost.test(parsed.hostname) || tokenIn(address) !== null;
}
