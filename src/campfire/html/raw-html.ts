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

const nowhere = -1;

/** No name of an element is longer. */
const opening = /<\/?([a-z][^\s/>]{0,30})(?=[\s/>])/iy;

/** What has been found out about a text, so that nothing in it is searched for again and again. */
interface Searched {
  /** See `tagEnds`. */
  ends: Int32Array;
  /** Names of elements, and `!--`, whose end does not follow any more. */
  endless: Set<string>;
}

/** The HTML of one Markdown node with everything escaped that a browser would silently drop. Takes linear time. */
export function withOnlyRealTags(html: string): string {
  const searched = { ends: tagEnds(html), endless: new Set<string>() };
  let result = '';
  let position = 0;
  for (let start = html.indexOf('<'); start >= 0; start = html.indexOf('<', position)) {
    const end = endOfMarkup(html, start, searched);
    result += html.slice(position, start) + (end === undefined ? '&lt;' : html.slice(start, end));
    position = end ?? start + 1;
  }
  return result + html.slice(position);
}

/** Where the tag, comment or whole raw text element that begins at `start` ends; undefined when it is none. */
function endOfMarkup(html: string, start: number, searched: Searched): number | undefined {
  if (html.startsWith('<!--', start)) {
    // For a browser these two are whole comments.
    const isEmpty = html.startsWith('<!-->', start) || html.startsWith('<!--->', start);
    return isEmpty ? undefined : endOfContent(html, start + 4, '!--', searched);
  }
  opening.lastIndex = start;
  const name = opening.exec(html)?.[1]?.toLowerCase();
  const end = searched.ends[opening.lastIndex] ?? nowhere;
  if (name === undefined || end === nowhere) return undefined;
  if (elementNames.has(name)) return end;
  if (!rawTextNames.has(name) || html[start + 1] === '/') return undefined;
  return endOfContent(html, end, name, searched);
}

function endOfContent(html: string, from: number, name: string, { endless }: Searched): number | undefined {
  if (endless.has(name)) return undefined;
  const closing = name === '!--' ? /-->/g : new RegExp(`</${name}\\s*>`, 'ig');
  closing.lastIndex = from;
  if (closing.test(html)) return closing.lastIndex;
  endless.add(name);
  return undefined;
}

/**
 * For each position inside a tag where it ends: behind the next `>` that is not in quotes. All at once and backwards,
 * because one search for each of many tags that never end would take quadratic time.
 */
function tagEnds(html: string): Int32Array {
  const ends = new Int32Array(html.length + 1).fill(nowhere);
  const behind = new Map<string, number>();
  for (let at = html.length - 1; at >= 0; at -= 1) {
    const character = html.charAt(at);
    if (character === '>') {
      ends[at] = at + 1;
    } else if (character === '"' || character === "'") {
      ends[at] = ends[behind.get(character) ?? html.length] ?? nowhere;
      behind.set(character, at + 1);
    } else {
      ends[at] = ends[at + 1] ?? nowhere;
    }
  }
  return ends;
}
