import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const page = join(import.meta.dirname, '../../docs/benchmarks.md');

/** Puts `text` between the markers of this name in docs/benchmarks.md, under `heading` where they are missing. */
export function writeSection(name: string, heading: string, text: string): void {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const before = existsSync(page) ? readFileSync(page, 'utf8') : '# Benchmarks\n';
  const section = `${begin}\n${text.trim()}\n${end}`;
  const from = before.indexOf(begin);
  const to = before.indexOf(end);
  const after =
    from >= 0 && to > from
      ? before.slice(0, from) + section + before.slice(to + end.length)
      : `${before.trimEnd()}\n\n## ${heading}\n\n${section}\n`;
  writeFileSync(page, after);
}
