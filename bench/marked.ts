/**
 * Text between `<!-- <name>: begin -->` and `<!-- <name>: end -->`: the part of a page that a program writes, while people
 * write the rest.
 */
export function replaceMarked(page: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from === -1 || to < from) throw new RangeError(`The page has no place marked "${name}".`);
  return `${page.slice(0, from + begin.length)}\n${content.trim()}\n${page.slice(to)}`;
}
