/** What the room sees of an answer that is too long for it and goes into a file. */
import { withoutTrailing } from './text.ts';

interface OutlineWording {
  inFile(characters: number): string;
  moreSections(count: number): string;
}

const sectionsMax = 30;
const openingMaxCharacters = 600;

/**
 * Markdown that announces the file: its size, the answer's opening, its headings. Lines are enough to find them; a
 * text of this size is not parsed, because that could take seconds.
 */
export function outlineOf(markdown: string, words: OutlineWording): string {
  const headings = headingsOf(markdown);
  const top = headings.reduce((least, { level }) => Math.min(least, level), 6);
  const lines = headings
    .slice(0, sectionsMax)
    .map(({ level, text }) => `${'  '.repeat(Math.min(level - top, 1))}- ${text}`);
  const more = headings.length - sectionsMax;
  return [
    words.inFile(markdown.length),
    openingOf(markdown),
    lines.join('\n'),
    more > 0 ? words.moreSections(more) : '',
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

interface Heading {
  level: number;
  text: string;
}

function headingsOf(markdown: string): Heading[] {
  let fence = '';
  return markdown.split('\n').flatMap((line): Heading[] => {
    const mark = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line);
    if (fence === '') fence = mark?.[1] ?? '';
    else if (mark?.[1]?.startsWith(fence) && mark[2]?.trim() === '') fence = '';
    const heading = fence === '' ? /^ {0,3}(#{1,6})[ \t](.*)/.exec(line) : null;
    const text = withoutClosing((heading?.[2] ?? '').trim()).slice(0, 200);
    return text === '' ? [] : [{ level: heading?.[1]?.length ?? 1, text }];
  });
}

/** Without the `#` that may close a heading, behind a space. */
function withoutClosing(heading: string): string {
  const open = withoutTrailing(heading, '#');
  return /[ \t]$/.test(open) ? open.trimEnd() : heading;
}

/** The first paragraph, if the answer begins with one. */
function openingOf(markdown: string): string {
  const first = markdown.trimStart().split(/\n\s*\n|\n(?=#)/, 1)[0] ?? '';
  if (/^\s*(?:#|```|~~~|\||<)/.test(first)) return '';
  return first.length <= openingMaxCharacters ? first : `${first.slice(0, openingMaxCharacters)}…`;
}
