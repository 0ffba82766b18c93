import { isUtf8 } from 'node:buffer';
import { isPrivateAddress } from './access.ts';
import { type BotContext, RailsException } from './rails-pages.ts';
import type { UploadedFile } from './records.ts';

/** A request's body and what its `params` say of an attachment. */
export interface BotBody {
  bytes: Uint8Array;
  /** `unusable`: there is such a parameter, but no uploaded file is in it. */
  attachment: UploadedFile | 'unusable' | null;
}

/**
 * Reads the body, and parses it by its content type although the text of a message is taken from the raw bytes:
 * that is how a form-encoded "100% sure" fails.
 * @throws RailsException 400 when the content type promises what the body does not hold.
 */
export async function readBody(c: BotContext): Promise<BotBody> {
  const bytes = new Uint8Array(await c.req.arrayBuffer());
  const contentType = c.req.header('content-type') ?? '';
  const mediaType = (contentType.split(';')[0] ?? '').trim().toLowerCase();
  if (mediaType === 'multipart/form-data') {
    return { bytes, attachment: await multipartAttachment(bytes, contentType) };
  }
  const named = jsonTypes.has(mediaType)
    ? jsonHasAttachment(bytes)
    : // Rack takes a POST without a content type for a form.
      (mediaType === formType || (mediaType === '' && c.req.method === 'POST')) && formHasAttachment(bytes);
  return { bytes, attachment: named ? 'unusable' : null };
}

/** @throws RailsException 500 for bytes that are not UTF-8: Ruby raises as soon as it looks at such a text. */
export function textOf({ bytes }: BotBody): string {
  if (!isUtf8(bytes)) throw new RailsException(500, 'invalid byte sequence in UTF-8');
  return Buffer.from(bytes).toString('utf8');
}

/** Ruby's `blank?`. */
export function isBlank(text: string): boolean {
  return /^\p{White_Space}*$/u.test(text);
}

/** Rails' `remote_ip`: the nearest forwarded address that is not a private proxy, or the connection's own. */
export function clientAddress(c: BotContext): string {
  const forwarded = (c.req.header('x-forwarded-for') ?? '').split(',').map((address) => address.trim());
  const ownAddress = c.env.incoming.socket.remoteAddress ?? '';
  return (
    [...forwarded, ownAddress].findLast((address) => address && !isPrivateAddress(address)) ?? ownAddress
  );
}

/** Whether Campfire refuses the browser (concerns/allow_browser.rb). What is no known browser passes. */
export function isOutdatedBrowser(userAgent: string): boolean {
  if (!userAgent.startsWith('Mozilla/') || /bot/i.test(userAgent)) return false;
  if (/\bMSIE |\bTrident\//.test(userAgent)) return true;
  if (/\bEdg\//.test(userAgent)) return false;
  for (const [version, oldestAllowed] of oldestBrowsers) {
    const found = version.exec(userAgent)?.[1];
    if (found !== undefined) return Number.parseFloat(found) < oldestAllowed;
  }
  return false;
}

/** In this order, because each names the next ones too. */
const oldestBrowsers: readonly (readonly [RegExp, number])[] = [
  [/\bOPR\/(\d+)/, 104],
  [/\bChrome\/(\d+)/, 120],
  [/\bFirefox\/(\d+)/, 121],
  [/\bVersion\/(\d+\.\d+).*\bSafari\//, 17.2],
];

const formType = 'application/x-www-form-urlencoded';
const jsonTypes: ReadonlySet<string> = new Set([
  'application/json',
  'text/x-json',
  'application/jsonrequest',
]);

async function multipartAttachment(bytes: Uint8Array, contentType: string): Promise<BotBody['attachment']> {
  const form = await new Response(Buffer.from(bytes), { headers: { 'content-type': contentType } })
    .formData()
    .catch(() => {
      throw new RailsException(400, 'bad content body');
    });
  const field = form.getAll('attachment').at(-1);
  if (field === undefined) return null;
  if (typeof field === 'string') return 'unusable';
  // Rack drops a file field whose name is empty, which is what a browser sends when no file was chosen.
  if (field.name === '') return null;
  const type = field.type || 'application/octet-stream';
  return { name: field.name, type, bytes: await field.bytes() };
}

function jsonHasAttachment(bytes: Uint8Array): boolean {
  if (bytes.byteLength === 0) return false;
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return typeof value === 'object' && value !== null && 'attachment' in value && value.attachment !== null;
  } catch {
    throw new RailsException(400, 'Error occurred while parsing request parameters');
  }
}

function formHasAttachment(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes).toString('utf8');
  try {
    decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new RailsException(400, 'Invalid query parameters: invalid %-encoding');
  }
  return new URLSearchParams(text).has('attachment');
}
