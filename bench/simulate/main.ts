import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../../src/lib/clock.ts';
import { replaceMarked } from '../marked.ts';
import { capacityOf, type Load, peakOf } from './capacity.ts';
import { asBuilt, type Placement } from './cluster.ts';
import { machineOfSize } from './machine.ts';
import { type Course, type Result, simulate } from './simulate.ts';
import { capacityTable, courseTable, demandTable, enoughWords, placementTable, roomWords } from './table.ts';
import { busiest, createTrace, type TraceMessage } from './trace.ts';

/** `node bench/simulate/main.ts`: the tables of docs/scaling.md. */

interface Options {
  seed: number;
  users: number;
  rooms: number;
  hours: number;
  machines: number[];
  memory: number[];
  write: boolean;
}

const page = join(import.meta.dirname, '../../docs/scaling.md');
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** The machines whose demands on everybody else are shown. */
const demandGb = 8;

await new Command('simulate')
  .description(
    `Runs a made-up company's day through the real session policy on simulated machines, in simulated time, and prints the
tables of docs/scaling.md. Takes some three minutes of one core.`,
  )
  .option('--seed <number>', 'another seed, another company', countOf, 1)
  .option('--users <number>', 'people', countOf, 10_000)
  .option('--rooms <number>', 'rooms', countOf, 2_000)
  .option('--hours <number>', 'how long the busiest time is that all machine counts go through', countOf, 2)
  .option('--machines <numbers>', 'machine counts, comma-separated', countsOf, [1, 2, 3, 5, 10, 20, 50])
  .option('--memory <numbers>', 'GB of each machine, comma-separated', countsOf, [2, 4, 8, 16])
  .option('--write', 'puts the tables into docs/scaling.md', false)
  .helpOption('-h, --help', 'says this')
  .action(run)
  .parseAsync();

async function run({ seed, users, rooms, hours, machines, memory, write }: Options): Promise<void> {
  const startedMs = systemClock.monotonicMs();
  const say = (line: string) =>
    process.stderr.write(`${Math.round((systemClock.monotonicMs() - startedMs) / 1000)} s  ${line}\n`);
  const trace = createTrace({ seed, users, rooms, hours: 24 });
  const peak = busiest(trace, hours * hourMs);
  const at = (count: number, gb: number, course: Course, placement: Placement = asBuilt) => {
    say(`${count} × ${gb} GB, ${Math.round((course.toMs - course.fromMs) / hourMs)} h`);
    return simulate(trace, { seed, machines: count, size: machineOfSize(gb), placement }, course);
  };
  const peaks: Result[] = [];
  for (const gb of memory) for (const count of machines) peaks.push(await at(count, gb, peak));
  const days: Result[] = [];
  for (const gb of memory)
    for (const count of [1, 3]) days.push(await at(count, gb, { fromMs: 0, toMs: dayMs }));
  const deaths = [{ machine: 0, atMs: peak.fromMs + (hours * hourMs) / 2 }];
  const placements = [
    { what: '3 × 8 GB', result: await at(3, 8, peak) },
    { what: '3 × 8 GB, any machine', result: await at(3, 8, peak, { ...asBuilt, affinity: false }) },
    { what: '3 × 8 GB, one dies halfway', result: await at(3, 8, { ...peak, deaths }) },
    { what: '3 × 2 GB, far too little', result: await at(3, 2, peak) },
    {
      what: '3 × 2 GB, late mail left in the queue',
      result: await at(3, 2, peak, { ...asBuilt, late: false }),
    },
  ];
  const loads = await capacities(memory, seed, say);
  const text = pageText({ trace, peak, peaks, days, placements, loads, options: { seed, users, rooms } });
  if (write) writeFileSync(page, replaceMarked(readFileSync(page, 'utf8'), 'simulation', text));
  process.stdout.write(`${text}\n`);
  say('done');
}

async function capacities(
  memory: readonly number[],
  seed: number,
  say: (line: string) => void,
): Promise<Load[]> {
  const loads: Load[] = [];
  for (const gb of memory) {
    say(`how many people 1 × ${gb} GB is enough for`);
    loads.push(await capacityOf(gb, seed));
  }
  const limit = loads.find(isOfDemand);
  if (limit) {
    say('ten such machines with ten times the people');
    loads.push(await peakOf(10 * limit.users, 10, demandGb, seed));
  }
  return loads;
}

function pageText(found: {
  trace: readonly TraceMessage[];
  peak: { fromMs: number; toMs: number };
  peaks: readonly Result[];
  days: readonly Result[];
  placements: Parameters<typeof placementTable>[0];
  loads: readonly Load[];
  options: Pick<Options, 'seed' | 'users' | 'rooms'>;
}): string {
  const { trace, peak, peaks, days, placements, loads, options } = found;
  const { seed, users, rooms } = options;
  const clock = (ms: number) => new Date(ms).toISOString().slice(11, 16);
  const limit = loads.find(isOfDemand);
  const roomiest = peaks.findLast(
    ({ options: { machines } }) => machines === Math.max(...peaks.map((each) => each.options.machines)),
  );
  return [
    `Seed ${seed}: ${number(users)} people, ${number(rooms)} rooms, ${number(trace.length)} messages to bots in a day.`,
    '### How many people one machine is enough for',
    `Enough means: ${enoughWords}, in the busiest two hours of the day.`,
    capacityTable(loads),
    `### The busiest hours, ${clock(peak.fromMs)} to ${clock(peak.toMs)} UTC`,
    courseTable(peaks),
    ...(roomiest ? [roomWords(roomiest)] : []),
    '### A whole day',
    courseTable(days),
    '### What placement is worth',
    placementTable(placements),
    ...(limit ? ['### What machines at their limit ask of others', demandTable(limit, [1, 3, 10, 50])] : []),
  ].join('\n\n');
}

function isOfDemand({ result: { options } }: Load): boolean {
  return options.machines === 1 && options.size.memoryBytes === machineOfSize(demandGb).memoryBytes;
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function countOf(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new InvalidArgumentError('It must be a whole number from 1 up.');
  return count;
}

function countsOf(text: string): number[] {
  return text.split(',').map(countOf);
}
