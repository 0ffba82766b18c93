import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runLoad } from '../../bench/load/load.ts';
import { judgeArrivals, loadProblems } from '../../bench/load/verdict.ts';

test('thirty webhooks a second over six rooms: all accepted, each answered once and in order', async () => {
  const report = await runLoad({
    ...{
      perSecond: 30,
      seconds: 2,
      rooms: 6,
      peoplePerRoom: 2,
      drainSeconds: 90,
      settle: false,
      tell: () => {},
    },
    env: { MAX_SESSIONS: '6' },
  });
  // Beside other tests; `bin/soak --load` measures on a quiet machine.
  const problems = loadProblems(report, { ackP99Ms: 2000, loopP99Ms: 1000 });
  assert.deepEqual([problems, report.left, report.answered], [[], 0, 60]);
  assert.ok(report.ackMs.p50 > 0 && report.loop.max > 0 && report.loop.cpuShare > 0, 'it was measured');
});

test('the verdict sees what is missing, doubled or out of order', () => {
  const sent = [1, 2, 3].map((messageId) => ({ messageId, roomId: 1, ms: 1, status: 204 }));
  const post = (id: number) => ({ roomId: 1, marker: `m${id}-0`, text: '', how: 'post' as const });
  const judge = (...ids: number[]) => judgeArrivals(sent, ids.map(post), [[2, 3]]);
  assert.deepEqual(judge(1, 3), { answered: 3, silent: 0, doubled: 0, disordered: 0 });
  assert.deepEqual(judge(3), { answered: 2, silent: 1, doubled: 0, disordered: 0 });
  assert.deepEqual(judge(1, 3, 99), judge(1, 3), 'what nobody sent counts for nothing');
  assert.deepEqual(judge(3, 1, 1), { answered: 3, silent: 0, doubled: 1, disordered: 1 });
});
