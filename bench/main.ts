import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { systemClock as clock } from '../src/lib/clock.ts';
import { messageOf } from '../src/lib/errors.ts';
import { tableOf, writeReport } from './report.ts';
import { fullSize, quickSize, run, sections } from './run.ts';
import type { Row } from './section.ts';

/** `bin/bench`: measures the service beside the raw Agent SDK in one run. */

interface Options {
  quick: boolean;
  runs?: number;
  only: string[];
  folder: string;
}

const checkout = join(import.meta.dirname, '..');
const known = Object.keys(sections);

const command = new Command('bench')
  .description(
    `Measures the built service beside the raw Agent SDK and beside sessions that are kept alive, in one run, with real
claude processes and a scripted model that answers at once. Takes some 20 minutes and wants the machine for itself.
Writes what it measured into the table and the plots of docs/benchmarks.md; with --quick or fewer than 20 runs it only
prints.`,
  )
  .option('--quick', 'few runs of everything, in about 3 minutes', false)
  .option('--runs <number>', 'runs behind every median', countOf)
  .option('--only <sections>', `only these, comma-separated: ${known.join(', ')}`, sectionsOf, known)
  .option(
    '--folder <path>',
    'where data folders are made; must be a disk, not memory, for the webhook row',
    '/var/tmp',
  )
  .helpOption('-h, --help', 'says this')
  .action(bench);

// Whoever interrupts it wants it gone, with everything that it started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

await command.parseAsync();

async function bench({ quick, runs, only, folder }: Options): Promise<void> {
  const built = spawnSync(join(checkout, 'bin/build'), { stdio: 'inherit' });
  if (built.status !== 0) process.exit(1);
  const size = { ...(quick ? quickSize : fullSize), ...(runs === undefined ? {} : { runs }) };
  const startedMs = clock.monotonicMs();
  const say = (line: string) =>
    process.stderr.write(`${Math.round((clock.monotonicMs() - startedMs) / 1000)} s  ${line}\n`);
  const rows: Row[] = [];
  // A median of fewer runs is not worth keeping.
  const isKept = !quick && size.runs >= 20;
  for await (const measured of run(only, { checkout, parent: folder, size, say })) {
    if ('failure' in measured) {
      say(`${measured.name} could not be measured: ${messageOf(measured.failure)}`);
      process.exitCode = 1;
      continue;
    }
    rows.push(...measured.findings.rows);
    // At once, so that a run that is cut short keeps what it has.
    if (isKept) writeReport(checkout, measured, { sections: known, now: clock.now() });
  }
  // A missed target is a finding, not a failure of the measurement: the exit code stays 0.
  process.stdout.write(`${tableOf(rows)}\n`);
  // Agents and stand-ins of a section that failed end with this process.
  process.exit();
}

function countOf(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new InvalidArgumentError('It must be a whole number from 1 up.');
  return count;
}

function sectionsOf(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  const stranger = names.find((name) => !known.includes(name));
  if (stranger !== undefined) throw new InvalidArgumentError(`"${stranger}" is none of ${known.join(', ')}.`);
  return names;
}
