/**
 * HTML inside Markdown. A browser drops what it takes for a tag, so that of `List<String> x` only `List x` would
 * remain: here only names of real HTML elements are tags, anything else in angle brackets is text.
 */

const elementNames = new Set(
  (
    'a abbr acronym action-text-attachment address area article aside audio b base bdi bdo big blink blockquote body br ' +
    'button canvas caption center circle cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em ' +
    'embed fieldset figcaption figure font footer form g h1 h2 h3 h4 h5 h6 head header hgroup hr html i img input ins ' +
    'kbd label legend li link main map mark marquee math menu meta meter nav nobr object ol optgroup option output p ' +
    'param path picture pre progress q rect rp rt ruby s samp search section select slot small source span strike ' +
    'strong sub summary sup svg table tbody td text tfoot th thead time tr track tt u ul var video wbr'
  ).split(' '),
);

/**
 * Their content is not parsed as HTML: one that is never closed would swallow the rest of the answer. Not noscript: the
 * parser, which runs no scripts, would read its content as HTML.
 */
const rawTextNames = new Set('iframe noembed noframes script style textarea title xmp'.split(' '));

const tag = /<\/?([a-z][^\s/>]*)(?:"[^"]*"|'[^']*'|[^'">])*>/iy;
const comment = /<!--(?!>|->)[\s\S]*?-->/y;

/** The HTML of one Markdown node with everything escaped that a browser would silently drop. */
export function withOnlyRealTags(html: string): string {
  let result = '';
  let position = 0;
  for (let start = html.indexOf('<'); start >= 0; start = html.indexOf('<', position)) {
    const end = endOfMarkup(html, start);
    result += html.slice(position, start) + (end === undefined ? '&lt;' : html.slice(start, end));
    position = end ?? start + 1;
  }
  return result + html.slice(position);
}

/** Where the tag, comment or whole raw text element that begins at `start` ends; undefined when it is none. */
function endOfMarkup(html: string, start: number): number | undefined {
  if (html.startsWith('<!--', start)) return match(comment, html, start)?.end;
  const found = match(tag, html, start);
  const name = found?.name.toLowerCase() ?? '';
  if (elementNames.has(name)) return found?.end;
  if (found === undefined || !rawTextNames.has(name) || html[start + 1] === '/') return undefined;
  const closing = new RegExp(`</${name}\\s*>`, 'ig');
  closing.lastIndex = found.end;
  return closing.test(html) ? closing.lastIndex : undefined;
}

function match(pattern: RegExp, html: string, start: number): { end: number; name: string } | undefined {
  pattern.lastIndex = start;
  const found = pattern.exec(html);
  return found === null ? undefined : { end: pattern.lastIndex, name: found[1] ?? '' };
}
