import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { User } from './records.ts';

/** Campfire's content type of a mention inside an `<action-text-attachment>`. */
const mentionContentType = 'application/vnd.campfire.mention';

/** The tag with its attributes; quoted values may contain `>`, as a mention's `content` does. */
const attachmentTag = /<action-text-attachment\b((?:[^>"']|"[^"]*"|'[^']*')*)>/gi;
const attribute = /([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const userGid = /^gid:\/\/campfire\/User\/(\d+)(?:\?|$)/;

/**
 * Signed global ids as Rails makes them, and the two ways in which Campfire reads them: showing a message
 * trusts an unsigned id, telling who was mentioned does not. So a forged id looks like a mention and reaches
 * nobody.
 */
export class Mentions {
  readonly #secret = randomBytes(32);

  /** The genuine attachment that the composer writes for a mention of `user`. */
  html(user: User): string {
    const shown = mentionMarkup(user).replaceAll('"', '&quot;');
    return `<action-text-attachment sgid="${this.sgidOf(user.id)}" content-type="${mentionContentType}" content="${shown}"></action-text-attachment>`;
  }

  sgidOf(userId: number): string {
    const payload = { _rails: { data: `gid://campfire/User/${userId}?expires_in`, pur: 'attachable' } };
    const data = Buffer.from(JSON.stringify(payload)).toString('base64');
    return `${data}--${this.#sign(data)}`;
  }

  /** Ids of the users whom `html` mentions with a valid signature, in order of appearance. */
  verifiedIn(html: string): number[] {
    const ids = new Set<number>();
    for (const attributes of attachmentsIn(html)) {
      const sgid = attributes.get('sgid');
      if (sgid === undefined || !this.#isSigned(sgid)) continue;
      const id = userIdIn(sgid);
      if (id !== null) ids.add(id);
    }
    return [...ids];
  }

  #sign(data: string): string {
    return createHmac('sha1', this.#secret).update(data).digest('hex');
  }

  #isSigned(sgid: string): boolean {
    const [data = '', signature = ''] = sgid.split('--');
    const expected = Buffer.from(this.#sign(data));
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }
}

/** The user that an sgid names, signed or not; null when it names none. The lookup of the rendering path. */
export function userIdIn(sgid: string): number | null {
  try {
    const payload: unknown = JSON.parse(Buffer.from(sgid.split('--')[0] ?? '', 'base64').toString());
    const id = userGid.exec(gidIn(payload) ?? '')?.[1];
    return id === undefined ? null : Number(id);
  } catch {
    return null;
  }
}

/** Replaces every mention in `html` by what `render` makes of the user it names (null: nobody) and of its opening tag. */
export function replaceMentions(
  html: string,
  render: (userId: number | null, openingTag: string) => string,
): string {
  const whole = new RegExp(`(${attachmentTag.source})(?:[^<]*</action-text-attachment>)?`, 'gi');
  return html.replace(whole, (tag, openingTag: string, attributes: string) => {
    const sgid = readAttributes(attributes).get('sgid');
    return sgid === undefined ? tag : render(userIdIn(sgid), openingTag);
  });
}

/** How a mention looks in a room. */
export function mentionMarkup(user: User): string {
  const name = escapeHtml(user.name);
  return `<span class="mention"><img class="avatar" alt="${name}" src="/users/${user.id}/avatar"> ${name}</span>`;
}

/** Text as HTML that shows it unchanged. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function* attachmentsIn(html: string): Generator<Map<string, string>> {
  for (const match of html.matchAll(attachmentTag)) yield readAttributes(match[1] ?? '');
}

function readAttributes(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', double, single] of text.matchAll(attribute)) {
    found.set(name.toLowerCase(), double ?? single ?? '');
  }
  return found;
}

function gidIn(payload: unknown): string | null {
  if (typeof payload !== 'object' || payload === null || !('_rails' in payload)) return null;
  const inner = payload._rails;
  if (typeof inner !== 'object' || inner === null || !('data' in inner)) return null;
  return typeof inner.data === 'string' ? inner.data : null;
}
