import { join } from 'node:path';
import { type Findings, megabyte, type Setting } from '../section.ts';
import { memoryOf, treeOf, watch } from '../stage/processes.ts';
import { startRaw } from '../stage/raw.ts';
import { toolWork } from '../stage/world.ts';
import { summarise } from '../stats.ts';
import { amount, atMost } from '../verdict.ts';
import { startSeated } from './seated.ts';

const lookPeriodMs = 20;

/** The most that one active request takes: a new conversation whose first turn works with tools. */
export async function peak(setting: Setting): Promise<Findings> {
  const { world, folder, size, say } = setting;
  const { seat, service } = await startSeated(setting, { bot: 'plain', name: 'peak' });
  const raw = startRaw(join(folder, 'peak-raw'), world.env);
  const alone: number[] = [];
  const active: number[] = [];
  /** What of `active` was the service's own process. */
  const own: number[] = [];
  const baseline: number[] = [];
  for (let run = 1; run <= size.runs; run++) {
    const room = seat.freshRoom();
    alone.push(memoryOf([service.pid]) / megabyte);
    let top = { all: 0, own: 0 };
    const all = await peakOf(
      () => {
        const now = { all: memoryOf(treeOf(service.pid)), own: memoryOf([service.pid]) };
        if (now.all > top.all) top = now;
        return now.all;
      },
      () => seat.ask(room, toolWork),
    );
    active.push(all);
    own.push(top.own / megabyte);
    await service.closeSession(room);
    baseline.push(
      await peakOf(
        () => memoryOf(raw.sessionPids()),
        () => raw.ask({ do: 'cold', text: toolWork.text }),
      ),
    );
    say(`peak: run ${run} of ${size.runs}`);
  }
  await raw.close();
  await service.stop();
  const ours = summarise(active);
  const session = summarise(baseline).median;
  return {
    rows: [
      {
        what: 'peak during one active request, agent included',
        predecessor: '1.5 GB / 400 MB',
        ours: `${amount(ours.median, 'MB')} (p99 ${amount(ours.p99, 'MB')}, ${ours.runs} runs), of it the service ${amount(summarise(own).median, 'MB')}, ${amount(summarise(alone).median, 'MB')} before`,
        baseline: `${amount(session, 'MB')} for one raw session`,
        target: '≤ service + 1.05 × a raw session',
        verdict: atMost(ours.median, summarise(alone).median + 1.05 * session, 'MB'),
      },
    ],
    plots: [],
  };
}

/** In MB; `bytes` looks. */
async function peakOf(bytes: () => number, work: () => Promise<unknown>): Promise<number> {
  const stop = watch(() => bytes() / megabyte, lookPeriodMs);
  await work();
  return Math.max(...(await stop()).map(({ value }) => value));
}
