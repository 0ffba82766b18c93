import { join } from 'node:path';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { type Findings, megabyte, type Setting } from '../section.ts';
import { memoryOf, treeOf } from '../stage/processes.ts';
import { layOut, startService } from '../stage/service.ts';
import { summarise } from '../stats.ts';
import { amount, atMost } from '../verdict.ts';

/** A service that nobody has spoken to, started as often as there are runs. */
export async function idle({ world, folder, checkout, size, say }: Setting): Promise<Findings> {
  const seat = world.seat('plain');
  const home = {
    folder: join(folder, 'idle'),
    bot: seat.bot,
    checkout,
    env: { ...world.env, SPARE_SESSIONS: '0' },
  };
  layOut(home);
  const found: number[] = [];
  for (let run = 1; run <= size.runs; run++) {
    const service = await startService(home);
    await clock.sleep(size.settleMs);
    found.push(memoryOf(treeOf(service.pid)) / megabyte);
    await service.stop();
    say(`idle: start ${run} of ${size.runs}`);
  }
  const { median, p99, runs } = summarise(found);
  return {
    rows: [
      {
        what: 'service alone, idle, no session',
        predecessor: '78 MB',
        ours: `${amount(median, 'MB')} (p99 ${amount(p99, 'MB')}, ${runs} starts)`,
        baseline: '',
        target: '≤ 100 MB',
        verdict: atMost(median, 100, 'MB'),
      },
    ],
    plots: [],
  };
}
