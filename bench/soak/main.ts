import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { runLoad } from '../load/load.ts';
import { loadProblems, loadTable } from '../load/verdict.ts';
import { everyCell } from './cells.ts';
import { runMatrix } from './matrix.ts';
import { failures, keyOf, matrixTable, wordFor } from './matrix-table.ts';
import { writeSection } from './page.ts';
import { faults as everyFault, type Fault, runRedisChaos } from './redis-chaos.ts';
import { redisChaosProblems, redisChaosTable } from './redis-chaos-table.ts';
import { withScope } from './scope.ts';
import { runSoak } from './soak.ts';
import { soakTable, soakVerdict } from './soak-table.ts';

/** bin/soak: the soak, the whole kill matrix, or the load of webhooks; the last result stands in docs/benchmarks.md. */
const program = new Command('bin/soak')
  .description('Many short sessions of the real service under random kills; what is left behind is counted.')
  .option('--sessions <number>', 'end after so many sessions', number, 1000)
  .option('--minutes <number>', 'end after so many minutes, whichever comes first', number)
  .option('--seed <number>', 'of all random choices', number, 1)
  .option('--containment <layer>', 'auto or group', 'auto')
  .option('--matrix', 'run the kill matrix instead; with --redis over a Redis, and without a page')
  .option('--load', 'run the load instead: 100 webhooks a second, then up to --minutes (60) to answer them')
  .option('--redis', 'three machines on one Redis instead, all of which fail at random for --minutes (10)')
  .option('--faults <kinds>', `what fails, with --redis: none, or some of ${everyFault.join(', ')}`, kinds)
  .option('--talkers <number>', 'conversations at a time, with --redis (4 per core)', number)
  .option('--seconds <number>', 'how long webhooks come, with --load', number, 60)
  .option('--no-reaper', 'negative control: with nobody to end what is left over, in the group layer')
  .option('--no-page', 'leave docs/benchmarks.md as it is')
  .parse();

const { matrix, load, redis, faults, page, ...options } = program.opts<{
  sessions: number;
  minutes?: number;
  seed: number;
  containment: string;
  matrix?: boolean;
  load?: boolean;
  redis?: boolean;
  faults?: Fault[];
  talkers?: number;
  seconds: number;
  reaper: boolean;
  page: boolean;
}>();
const ok = await (matrix ? wholeMatrix() : load ? wholeLoad() : redis ? wholeRedis() : wholeSoak());
// The scripted model may still be pacing an answer that nobody waits for.
process.exit(ok ? 0 : 1);

async function wholeMatrix(): Promise<boolean> {
  const isRoot = process.getuid?.() === 0;
  const store = redis ? 'Redis' : 'SQLite';
  const cells = everyCell(store).filter(({ user }) => isRoot || user === 'nobody');
  if (!isRoot) console.log('Not root: the cells of root are left out, the others run as this user.');
  const results = await runMatrix(cells, {
    ...{ store, atOnce: 2 },
    onResult: (result) =>
      console.log(`${result.passed ? 'ok ' : 'BAD'} ${keyOf(result.cell)}: ${wordFor(result)}`),
  });
  const bad = failures(results);
  const ran = results.filter(({ expected }) => expected.kind !== 'no-victim').length;
  console.log(`\n${ran} cells, ${bad.length} failed\n${bad.join('\n')}`);
  if (redis) console.log(`\n${matrixTable(results)}`);
  else if (page) writeSection('kill-matrix', 'Where processes end: the kill matrix', matrixTable(results));
  return bad.length === 0;
}

async function wholeSoak(): Promise<boolean> {
  const { sessions, minutes = null, seed, reaper, containment } = options;
  const layer = reaper && containment !== 'group' ? 'auto' : 'group';
  const tell = (line: string) => console.log(line);
  const report = await runSoak({ sessions, minutes, seed, reaper, containment: layer, tell });
  const table = soakTable(report);
  const problems = soakVerdict(report);
  console.log(`${table}\n\n${problems.length === 0 ? 'Nothing was left behind.' : problems.join('\n')}`);
  if (page && reaper) writeSection('soak', 'Where processes end: the soak', table);
  return problems.length === 0;
}

async function wholeLoad(): Promise<boolean> {
  const { seconds, minutes = 60 } = options;
  const report = await withScope(() =>
    runLoad({
      ...{ perSecond: 100, seconds, rooms: 300, peoplePerRoom: 12, drainSeconds: minutes * 60, settle: true },
      tell: (line) => console.log(line),
    }),
  );
  const table = loadTable(report);
  const problems = loadProblems(report, { ackP99Ms: 10, loopP99Ms: 50 });
  const verdict = problems.length === 0 ? 'All as promised.' : problems.join('\n');
  console.log(`\n${table}\n\n${verdict}`);
  if (page) writeSection('load', 'Webhooks under load', `${table}\n\n${verdict}`);
  return problems.length === 0;
}

async function wholeRedis(): Promise<boolean> {
  // All machines share the cores of this one, and each start of a session takes one of them for a second and more.
  const { minutes = 10, seed, talkers = 4 * availableParallelism() } = options;
  const tell = (line: string) => console.log(line);
  const report = await runRedisChaos({ minutes, seed, faults: faults ?? everyFault, talkers, tell });
  const problems = redisChaosProblems(report);
  const table = redisChaosTable(report);
  const verdict = problems.length === 0 ? 'All as promised.' : problems.join('\n');
  console.log(`\n${table}\n\n${verdict}`);
  const section = sectionFor(faults);
  if (page && section) writeSection(...section, `${table}\n\n${verdict}`);
  return problems.length === 0;
}

/** What is shown of the machines, by what failed; any other choice only prints. */
function sectionFor(faults: Fault[] | undefined): [name: string, heading: string] | undefined {
  if (!faults) return ['redis-chaos', 'Machines on one Redis that fail'];
  if (faults.length === 0) return ['redis-calm', 'Machines on one Redis while nothing fails'];
  if (faults.join() === 'rolled')
    return ['redis-rolled', 'Machines on one Redis that are restarted one after another'];
}

function kinds(value: string): Fault[] {
  if (value === 'none') return [];
  return value.split(',').map((name) => {
    const kind = everyFault.find((each) => each === name.trim());
    if (!kind) throw new InvalidArgumentError(`It is none, or some of ${everyFault.join(', ')}.`);
    return kind;
  });
}

function number(value: string): number {
  const parsed = Number(value);
  if (!Number.isFinite(parsed) || parsed < 0) throw new InvalidArgumentError('A number is needed.');
  return parsed;
}
