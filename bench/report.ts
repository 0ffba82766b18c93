import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { replaceMarked } from './marked.ts';
import { draw } from './plot/draw.ts';
import type { Plot } from './plot/plot.ts';
import { type Findings, megabyte, type Row } from './section.ts';
import { inWords } from './verdict.ts';

/**
 * Where the numbers are read: the table in docs/benchmarks.md, and beside it the plots and the rows of every section's
 * newest full measurement, so that one section can be measured anew without the others.
 */

/** A section's newest measurement. */
interface Measured {
  /** When and on what machine. */
  on: string;
  rows: readonly Row[];
  plots: ReadonlyArray<{ file: string; title: string }>;
}

/** Puts what one section found in the place of what was known of it, and writes the page in the order of `sections`. */
export function writeReport(
  checkout: string,
  { name, findings: { rows, plots } }: { name: string; findings: Findings },
  { sections, now }: { sections: readonly string[]; now: number },
): void {
  const folder = join(checkout, 'docs/benchmarks');
  mkdirSync(folder, { recursive: true });
  const numbers = join(folder, 'numbers.json');
  const known: Record<string, Measured> = existsSync(numbers)
    ? JSON.parse(readFileSync(numbers, 'utf8'))
    : {};
  for (const plot of plots) writeFileSync(join(folder, plot.file), draw(plot));
  known[name] = { on: machine(now), rows, plots: plots.map(({ file, title }) => ({ file, title })) };
  writeFileSync(numbers, `${JSON.stringify(known, null, 2)}\n`);
  const page = join(checkout, 'docs/benchmarks.md');
  const measured = sections.flatMap((name) => known[name] ?? []);
  const parts = [
    [...new Set(measured.map(({ on }) => on))].join('\n'),
    tableOf(measured.flatMap(({ rows }) => rows)),
    ...measured.flatMap(({ plots }) => plots.map(imageOf)),
  ];
  writeFileSync(page, replaceMarked(readFileSync(page, 'utf8'), 'bench', parts.join('\n\n')));
}

export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(({ what, predecessor, ours, baseline, target, verdict }) =>
    [what, predecessor || '—', ours, baseline || '—', target || '—', inWords(verdict)].join(' | '),
  );
  return [
    '| what | predecessor | ours | without it, same run | target | verdict |',
    '|---|---|---|---|---|---|',
    ...lines.map((cells) => `| ${cells} |`),
  ].join('\n');
}

/** `Measured on 2026-11-24: 2 cores (…), 24 GB, Linux 6.18 x64, Node 24.21.0.` */
function machine(now: number): string {
  const memoryGb = Math.round(totalmem() / megabyte / 1024);
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  const day = new Date(now).toISOString().slice(0, 10);
  return `Measured on ${day}: ${availableParallelism()} cores (${model}), ${memoryGb} GB, Linux ${release()} ${arch()}, Node ${process.versions.node}.`;
}

function imageOf({ title, file }: Pick<Plot, 'title' | 'file'>): string {
  return `![${title}](benchmarks/${file})`;
}
