import { join } from 'node:path';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { type Findings, megabyte, type Setting } from '../section.ts';
import { isAgent, memoryOf, type Sample, treeOf, watch } from '../stage/processes.ts';
import { startRaw } from '../stage/raw.ts';
import { hello } from '../stage/world.ts';
import { amount } from '../verdict.ts';
import { startSeated } from './seated.ts';

/**
 * A day in short: rooms speak in bursts, then there is quiet. The same load on the service and on sessions that are kept
 * for ever, one after the other, so that they do not take the processor from each other.
 */

const lookPeriodMs = 500;
const ttlSeconds = 10;

interface Course {
  memory: Sample[];
  agents: Sample[];
}

export async function bursts(setting: Setting): Promise<Findings> {
  const ours = await runService(setting);
  const kept = await runKeptAlive(setting);
  const top = (samples: readonly Sample[]) => Math.max(...samples.map(({ value }) => value));
  const end = (samples: readonly Sample[]) => samples.at(-1)?.value ?? 0;
  const { count, rooms } = setting.size.bursts;
  return {
    rows: [
      {
        what: `${count} bursts of ${rooms} rooms: memory at the top, and at the end`,
        predecessor: '',
        ours: `${amount(top(ours.memory), 'MB')}, ${amount(end(ours.memory), 'MB')} (${end(ours.agents)} agents)`,
        baseline: `${amount(top(kept.memory), 'MB')}, ${amount(end(kept.memory), 'MB')} (${end(kept.agents)} agents) with every session kept alive`,
        target: '',
        verdict: { kind: 'no-target' },
      },
    ],
    plots: (['memory', 'agents'] as const).map((what) => ({
      ...{ kind: 'lines', file: `${what}.svg`, title: titles[what], unit: units[what] },
      lines: [
        { series: 0, points: ours[what].map(pointOf) },
        { series: 1, points: kept[what].map(pointOf) },
      ],
      series: ['campfire-ai-bot, service included', 'every session kept alive, sessions only'],
      markers: Array.from({ length: count }, (_, burst) => (burst * setting.size.bursts.periodMs) / 1000),
    })),
  };
}

const titles = { memory: 'Memory under bursts', agents: 'Agent processes under bursts' };
const units = { memory: 'MB', agents: 'processes' };

function pointOf({ atMs, value }: Sample) {
  return { x: atMs / 1000, y: value };
}

async function runService(setting: Setting): Promise<Course> {
  const { size, say } = setting;
  const env = { SESSION_TTL_SECONDS: String(ttlSeconds) };
  const { seat, service } = await startSeated(setting, { bot: 'plain', name: 'bursts', env });
  say('bursts: the service');
  const course = await follow(
    () => treeOf(service.pid),
    size.bursts,
    () => seat.ask(seat.freshRoom(), hello),
  );
  await service.stop();
  return course;
}

async function runKeptAlive({ world, folder, size, say }: Setting): Promise<Course> {
  const raw = startRaw(join(folder, 'bursts-raw'), world.env);
  say('bursts: every session kept alive');
  let room = 0;
  const course = await follow(raw.sessionPids, size.bursts, () =>
    raw.ask({ do: 'turn', name: `room ${++room}`, text: hello.text }),
  );
  await raw.close();
  return course;
}

async function follow(
  pids: () => number[],
  { count, rooms, periodMs }: Setting['size']['bursts'],
  ask: () => Promise<unknown>,
): Promise<Course> {
  const stop = watch(() => looksOf(pids()), lookPeriodMs);
  for (let burst = 0; burst < count; burst++) {
    const over = clock.sleep(periodMs);
    await Promise.all(Array.from({ length: rooms }, ask));
    await over;
  }
  const samples = await stop();
  return {
    memory: samples.map(({ atMs, value }) => ({ atMs, value: value.memoryMb })),
    agents: samples.map(({ atMs, value }) => ({ atMs, value: value.agents })),
  };
}

function looksOf(pids: readonly number[]) {
  return { memoryMb: memoryOf(pids) / megabyte, agents: pids.filter(isAgent).length };
}
