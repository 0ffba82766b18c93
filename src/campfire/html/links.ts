/** Where a link of an answer may lead, seen from a Campfire page. */

type LinkTarget =
  /** Campfire keeps it and it leads somewhere. */
  | { kind: 'link'; href: string }
  /** Leads nowhere from a chat (a path, another program's scheme), but tells the reader something. */
  | { kind: 'note'; address: string }
  /** Script, data, or a place in a document that is not there. */
  | { kind: 'none' };

const toldSchemes = /^(?!javascript|data|vbscript|blob|about)[a-z][a-z0-9+.-]*:/i;

/** Judges the address of a link or an image as the model wrote it. */
export function linkTarget(address: string): LinkTarget {
  const url = address.trim().replace(/[\t\n]/g, '');
  if (/^(?:https?:\/\/|mailto:|tel:)[^\s]/i.test(url))
    return { kind: 'link', href: url.replaceAll(' ', '%20') };
  if (/^\/\/[\w[]/.test(url)) return { kind: 'link', href: `https:${url}` };
  if (url.startsWith('/rooms/')) return { kind: 'link', href: url };
  if (url === '' || url.startsWith('#')) return { kind: 'none' };
  if (toldSchemes.test(url)) return { kind: 'note', address: url };
  return /^[^/?#]*:/.test(url) ? { kind: 'none' } : { kind: 'note', address: decoded(url) };
}

/** The last part of an address's path, the way a reader would name the file; undefined when there is none. */
export function fileNameIn(address: string): string | undefined {
  const path = address.replace(/[?#].*$/s, '').replace(/^[a-z]+:\/\/[^/]*/i, '');
  const name = decoded(path.split('/').at(-1) ?? '');
  return name === '' || name.includes(':') ? undefined : name;
}

/** Markdown percent-encodes addresses; as a note they are for people. */
function decoded(address: string): string {
  try {
    return decodeURI(address);
  } catch {
    return address;
  }
}
