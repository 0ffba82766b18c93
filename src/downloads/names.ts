import { extname } from 'node:path';
import { getMimeType, mimes } from 'hono/utils/mime';

/** How a kept file is called: names are for people only, and lead nowhere. */

/** File systems take no longer ones. */
const nameMaxBytes = 255;
/** Room for a browser's " (1)" behind it. */
const nameLimitBytes = nameMaxBytes - 8;
const titleMaxCharacters = 120;

/**
 * `wanted` as a file name that every system takes and that shows what it is: one line, no path, no control or
 * invisible direction characters (which make `exe.gpj` of a `jpg.exe`), none of the characters that Campfire replaces.
 */
export function displayName(wanted: string, fallback: string): string {
  const clean = wanted
    .toWellFormed()
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffd]/g, '')
    .replace(/[%$|:;/<>?*"\\]/g, '-')
    .replace(/\s+/g, ' ')
    // The lookbehind keeps it linear: a run of dots elsewhere is tried once, and not from each of its dots.
    .replace(/^[\s.-]+|(?<![\s.])[\s.]+$/g, '');
  return shortened(clean) || fallback;
}

/** A line for a button. */
export function displayTitle(wanted: string, fallback: string): string {
  const title = wanted
    .toWellFormed()
    .replace(/[\s\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim();
  return [...title].slice(0, titleMaxCharacters).join('') || fallback;
}

/** In the middle: the extension says what the file is. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= nameLimitBytes) return name;
  const extension = extname(name).length <= 16 ? extname(name) : '';
  let stem = name.slice(0, name.length - extension.length);
  const limit = nameLimitBytes - Buffer.byteLength(extension);
  // By whole characters, so that none is cut in two.
  stem = [...stem].slice(0, limit).join('');
  while (Buffer.byteLength(stem) > limit) stem = stem.replace(/.$/su, '').toWellFormed();
  return `${stem.trimEnd()}${extension}`;
}

/** `name` with the extension of `like` if it has none of its own. */
export function withExtension(name: string, like: string): string {
  return extname(name) === '' ? `${name}${extname(like)}` : name;
}

const documents = {
  ...mimes,
  csv: 'text/csv',
  doc: 'application/msword',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  md: 'text/markdown',
  odp: 'application/vnd.oasis.opendocument.presentation',
  ods: 'application/vnd.oasis.opendocument.spreadsheet',
  odt: 'application/vnd.oasis.opendocument.text',
  ppt: 'application/vnd.ms-powerpoint',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  tar: 'application/x-tar',
  // Not a film.
  ts: 'text/plain',
  xls: 'application/vnd.ms-excel',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  yaml: 'application/yaml',
  yml: 'application/yaml',
};

/** By the name's extension, without parameters. */
export function mediaTypeOf(name: string): string {
  const type = getMimeType(name, documents) ?? 'application/octet-stream';
  return type.split(';', 1)[0] ?? type;
}

export function isPage(mediaType: string): boolean {
  return mediaType === 'text/html';
}

/**
 * `Content-Disposition` by RFC 6266: the name in UTF-8 (RFC 8187), and in ASCII for whoever cannot read that.
 */
export function disposition(how: 'attachment' | 'inline', name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]/g, '_').replace(/["\\%]/g, '-');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${how}; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
