import { runLoad } from './load.ts';
import { loadProblems, loadTable } from './verdict.ts';

/** The load of the design's numbers: 100 webhooks a second for a minute over 300 rooms of 12 people each. */
const [seconds = '60', drainSeconds = '60'] = process.argv.slice(2);
const report = await runLoad({
  ...{ perSecond: 100, seconds: Number(seconds), rooms: 300, peoplePerRoom: 12 },
  drainSeconds: Number(drainSeconds),
  tell: (line) => console.log(line),
});
const problems = loadProblems(report, { ackP99Ms: 10, loopP99Ms: 50 });
console.log(`${loadTable(report)}\n\n${problems.length === 0 ? 'All as promised.' : problems.join('\n')}`);
process.exit(problems.length === 0 ? 0 : 1);
