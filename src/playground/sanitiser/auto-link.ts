/**
 * Campfire's automatic links: a text search over the finished HTML, tags included, so it knows its surroundings only
 * by looking at the text before and after a hit. Behaviour of the gem rails_autolink, its oddities included: they
 * decide what happens to code. Ruby's `^` and `$` match at every line, its `\s` and `\w` are ASCII.
 */

const linkedSchemes =
  'ed2k|ftp|https?|irc|mailto|news|gopher|nntp|telnet|webcal|xmpp|callto|feed|svn|urn|aim|rsync|tag|ssh|sftp|rtsp|afs|file';
const url = new RegExp(
  `(?:(?<scheme>(?:${linkedSchemes}):)//|www\\.[a-z0-9_])[^ \\t\\r\\n\\f\\v<\\u00A0"]+`,
  'gi',
);
/** An address is searched for from its `@`: from each character of a long word it would take quadratic time. */
const emailStart = /[\w.!#$%+-]/;
const emailCharacter = /[\w.!#$%&'*/=?^`{|}~+-]/;
const emailDomain = /@[\w-]+(?:\.[\w-]+)+/g;

/** Never part of the link when it comes last. */
const trailing = /[^\p{L}\p{M}\p{N}\p{Pc}/\-=&]$/u;
const openers = new Map([
  [']', '['],
  [')', '('],
  ['}', '{'],
]);

/** Links URLs, `www.` names and e-mail addresses that it takes for unlinked, also inside `pre` and `code`. */
export function autoLink(html: string): string {
  return linkEmails(linkUrls(html));
}

function linkUrls(html: string): string {
  return html.replace(url, (match: string, scheme: string | undefined, offset: number) => {
    if (isLinked(html.slice(0, offset), html.slice(offset + match.length))) return match;
    const { target, rest } = splitPunctuation(match);
    return `<a target="_blank" href="${scheme === undefined ? 'http://' : ''}${target}">${target}</a>${rest}`;
  });
}

function linkEmails(html: string): string {
  let result = '';
  let from = 0;
  for (const { 0: domain, index } of html.matchAll(emailDomain)) {
    let start = index;
    for (let at = index - 1; at >= from && emailCharacter.test(html.charAt(at)); at -= 1) {
      if (emailStart.test(html.charAt(at))) start = at;
    }
    if (start === index) continue;
    const end = index + domain.length;
    const address = html.slice(start, end);
    const isText = !isLinked(html.slice(0, start), html.slice(end));
    result += html.slice(from, start);
    result += isText ? `<a target="_blank" href="mailto:${address}">${address}</a>` : address;
    from = end;
  }
  return result + html.slice(from);
}

function splitPunctuation(match: string): { target: string; rest: string } {
  let target = match;
  let rest = '';
  for (let last = trailing.exec(target)?.[0]; last !== undefined; last = trailing.exec(target)?.[0]) {
    const shorter = target.slice(0, -last.length);
    const opener = openers.get(last);
    if (opener !== undefined && count(shorter, opener) > count(shorter, last)) break;
    target = shorter;
    rest = last + rest;
  }
  return { target, rest };
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}

/** In the middle of a tag, or between `<a …>` and `</a>`, judged by line ends: a tag with a line break confuses it. */
function isLinked(left: string, right: string): boolean {
  const insideTag = /<[^>]+(?![^\n])/.test(left) && /(?<![^\n])[^>]*>/.test(right);
  return insideTag || isAfterUnclosedLink(left);
}

function isAfterUnclosedLink(left: string): boolean {
  const opening = /<a\b[^\n]*?>/iy;
  const lower = left.toLowerCase();
  for (
    let start = lower.lastIndexOf('<a');
    start >= 0;
    start = start === 0 ? -1 : lower.lastIndexOf('<a', start - 1)
  ) {
    opening.lastIndex = start;
    if (opening.test(left)) return !lower.includes('</a>', opening.lastIndex);
  }
  return false;
}
