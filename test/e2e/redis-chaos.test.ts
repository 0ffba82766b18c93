import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runRedisChaos } from '../../bench/soak/redis-chaos.ts';
import { hotOfPossible, redisChaosProblems } from '../../bench/soak/redis-chaos-table.ts';

test('a machine stands still while Redis is killed, under load: nothing is lost, doubled or left', async (t) => {
  const report = await runRedisChaos({
    ...{ minutes: 0.1, seed: 1, faults: ['stopped and redis'], talkers: 6 },
    tell: (line) => t.diagnostic(line),
  });
  assert.deepEqual(redisChaosProblems(report), []);
  assert.deepEqual(report.faults, { 'stopped and redis': 1 });
  assert.ok(report.said.filter(({ answers }) => answers === 1).length >= 5, 'it did something');
});

test('the verdict sees what is lost, doubled, waiting, left or ended badly', () => {
  const said = { id: 7, status: 204, answers: 1, withAnother: false, waitMs: 1 };
  const well = {
    ...{ minutes: 1, seed: 1, talkers: 1, said: [said], faults: {}, doubts: 0, undrained: 0 },
    hot: { turns: 1, hot: 0, possible: 0 },
    ...{ leakedProcesses: [], exitCodes: [0] },
  };
  assert.deepEqual(redisChaosProblems(well), []);
  const refused = { ...said, status: 503, answers: 0 };
  assert.deepEqual(redisChaosProblems({ ...well, said: [refused] }), []);
  const bad = [
    { ...well, said: [{ ...said, answers: 0 }] },
    { ...well, said: [{ ...refused, answers: 2 }] },
    { ...well, undrained: 1 },
    { ...well, leakedProcesses: ['claude'] },
    { ...well, exitCodes: ['SIGKILL'] },
  ];
  for (const report of bad) assert.equal(redisChaosProblems(report).length, 1);
});

test('a turn can be hot only within the idle time of the one before it in its conversation', () => {
  const turn = (session: string, path: string, atMs: number) => ({ session, path, atMs });
  const turns = [
    turn('1', 'hot', 500),
    turn('1', 'cold', 1),
    turn('2', 'cold', 2),
    turn('1', 'resumed', 300_500),
  ];
  assert.deepEqual(hotOfPossible(turns), { turns: 4, hot: 1, possible: 1 });
});
