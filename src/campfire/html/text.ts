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
