/** Text on its way into a page. */

/** `text` with the characters escaped that mean something in HTML text and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Without white space of any script at the end, and without empty lines in front; the first line keeps its indent. */
export function withoutEmptyEdges(text: string): string {
  return text.replace(/^(?:[ \t]*\n)+/, '').trimEnd();
}

/** Without any of `characters` at the end. A loop, because `/[…]+$/` takes quadratic time on runs elsewhere. */
export function withoutTrailing(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** Every line break, with the white space around it, becomes one space, as on a page. */
export function onOneLine(text: string): string {
  const lines = text.split('\n');
  const last = lines.length - 1;
  if (last === 0) return text;
  return [
    (lines[0] ?? '').trimEnd(),
    ...lines
      .slice(1, last)
      .map((line) => line.trim())
      .filter((line) => line !== ''),
    (lines[last] ?? '').trimStart(),
  ].join(' ');
}

/**
 * `text` as Campfire can store it: half surrogates become U+FFFD (its Ruby refuses invalid UTF-8), line ends become
 * `\n`, control characters that no font shows are dropped.
 */
export function repairText(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/(?![\n\t])\p{Cc}/gu, '');
}
