import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { replaceMarked } from './marked.ts';
import { draw } from './plot/draw.ts';
import type { Plot } from './plot/plot.ts';
import { type Findings, megabyte, type Row } from './section.ts';
import { inWords } from './verdict.ts';

/** Where the numbers are read: the table and the machine in docs/benchmarks.md, the plots beside it. */

export function writeReport(checkout: string, { rows, plots }: Findings, now: number): void {
  const page = join(checkout, 'docs/benchmarks.md');
  const folder = join(checkout, 'docs/benchmarks');
  mkdirSync(folder, { recursive: true });
  for (const plot of plots) writeFileSync(join(folder, plot.file), draw(plot));
  const parts = [`${machine(now)}\n\n${tableOf(rows)}`, ...plots.map(imageOf)];
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

function imageOf({ title, file }: Plot): string {
  return `![${title}](benchmarks/${file})`;
}
