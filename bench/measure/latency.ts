import { join } from 'node:path';
import type { StripsPlot } from '../plot/plot.ts';
import type { Findings, Row, Setting } from '../section.ts';
import { type Raw, startRaw } from '../stage/raw.ts';
import type { Service } from '../stage/service.ts';
import { until } from '../stage/until.ts';
import { hello, type Seat } from '../stage/world.ts';
import { summarise } from '../stats.ts';
import { amount, atMost, type Verdict } from '../verdict.ts';
import { startSeated } from './seated.ts';

/**
 * Latency by path. Ours runs from a person's message to the answer in the room: webhook, database, agent, rendering and post
 * included. The baseline's runs from the call to the SDK's `result`.
 */

/** Hot turns are cheap, and their number steadies the median. */
const hotTurnsPerRound = 4;
const spareLimitMs = 20_000;

type Path = 'hot' | 'spare' | 'resumed' | 'cold';

/** Every measurement in ms; where a path has no baseline of its own it is compared with `cold`. */
export type Latencies = Record<'ours' | 'raw', Record<Path, number[]>>;

/** What is said on each side; the same, unless a test wants one side slower. */
export interface Asked {
  ours: { text: string; answer: string | null };
  raw: string;
}

export async function latency(setting: Setting): Promise<Findings> {
  const { world, folder } = setting;
  const start = (name: string, spareSessions: string) =>
    startSeated(setting, { bot: name, name, env: { SPARE_SESSIONS: spareSessions } });
  const plain = await start('plain', '0');
  const spare = await start('spare', '1');
  const raw = startRaw(join(folder, 'raw'), world.env);
  const latencies = await measure({ plain, spare, raw, setting });
  await raw.close();
  await Promise.all([plain.service.stop(), spare.service.stop()]);
  return { rows: rowsOf(latencies), plots: [plotOf(latencies)] };
}

interface Party {
  seat: Seat;
  service: Service;
}

async function measure(parts: {
  plain: Party;
  spare: Party;
  raw: Raw;
  setting: Setting;
}): Promise<Latencies> {
  const { plain, spare, raw, setting } = parts;
  const hotRoom = plain.seat.freshRoom();
  await plain.seat.ask(hotRoom, hello);
  await raw.ask({ do: 'turn', name: 'hot', text: hello.text });
  // A spare is kept for a bot that somebody has used.
  await spare.seat.ask(spare.seat.freshRoom(), hello);
  let hasSpare = await spareIsReady(spare.service);
  const found = emptyLatencies();
  for (let round = 1; round <= setting.size.runs; round++) {
    const asked = { ours: hello, raw: hello.text };
    await measureHot(found, { ...plain, raw, room: hotRoom, asked, turns: hotTurnsPerRound });
    await measureColdAndResumed(found, plain, raw);
    if (hasSpare) {
      const room = spare.seat.freshRoom();
      found.ours.spare.push(await spare.seat.ask(room, hello));
      await spare.service.closeSession(room);
      hasSpare = await spareIsReady(spare.service);
    }
    setting.say(`latency: round ${round} of ${setting.size.runs}`);
  }
  await raw.ask({ do: 'close', name: 'hot' });
  return found;
}

export function emptyLatencies(): Latencies {
  const none = (): Record<Path, number[]> => ({ hot: [], spare: [], resumed: [], cold: [] });
  return { ours: none(), raw: none() };
}

/** Turns in sessions that are open already; `room` and the baseline's session `hot` must have spoken before. */
export async function measureHot(
  { ours, raw: baseline }: Latencies,
  { seat, raw, room, asked, turns }: { seat: Seat; raw: Raw; room: number; asked: Asked; turns: number },
): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    ours.hot.push(await seat.ask(room, asked.ours));
    baseline.hot.push((await raw.ask({ do: 'turn', name: 'hot', text: asked.raw })).ms);
  }
}

async function measureColdAndResumed({ ours, raw: baseline }: Latencies, { seat, service }: Party, raw: Raw) {
  const room = seat.freshRoom();
  ours.cold.push(await seat.ask(room, hello));
  await service.closeSession(room);
  const cold = await raw.ask({ do: 'cold', text: hello.text });
  baseline.cold.push(cold.ms);
  ours.resumed.push(await seat.ask(room, hello));
  await service.closeSession(room);
  const resumed = await raw.ask({ do: 'resume', sessionId: cold.sessionId, text: hello.text });
  baseline.resumed.push(resumed.ms);
}

async function spareIsReady(service: Service): Promise<boolean> {
  return until(async () => (await service.health()).sessions.spare > 0, {
    what: 'a spare',
    limitMs: spareLimitMs,
  }).catch(() => false);
}

export function hotVerdict({ ours, raw }: Latencies): Verdict {
  return atMost(summarise(ours.hot).median, 1.5 * summarise(raw.hot).median + 10, 'ms');
}

function rowsOf(latencies: Latencies): Row[] {
  const { ours, raw } = latencies;
  const row = (what: string, path: Path, target: string, judge: () => Verdict, predecessor = ''): Row => {
    const beside = path === 'spare' ? raw.cold : raw[path];
    if (ours[path].length === 0) {
      const verdict = { kind: 'not-measured', why: 'no spare came up' } as const;
      return { ...{ what, predecessor, ours: '—', baseline: summaryOf(beside), target }, verdict };
    }
    const ratio = summarise(ours[path]).median / summarise(beside).median;
    return {
      ...{ what, predecessor, baseline: summaryOf(beside), target, verdict: judge() },
      ours: `${summaryOf(ours[path])}; ratio ${ratio.toFixed(2)}`,
    };
  };
  const times = (path: Path, factor: number, of: readonly number[]) => () =>
    atMost(summarise(ours[path]).median, factor * summarise(of).median, 'ms');
  return [
    row('turn in a live session (hot)', 'hot', '≤ 1.5 × raw + 10 ms', () => hotVerdict(latencies)),
    row(
      'first turn of a conversation, with a spare',
      'spare',
      '≤ 0.6 × raw cold',
      times('spare', 0.6, raw.cold),
    ),
    row(
      'turn after the session was closed (resumed)',
      'resumed',
      '≤ 1.15 × raw resume',
      times('resumed', 1.15, raw.resumed),
      '12 s with its model',
    ),
    row(
      'first turn of a conversation, without a spare (cold)',
      'cold',
      '',
      () => ({ kind: 'no-target' }),
      '15 s with its model',
    ),
  ];
}

function summaryOf(values: readonly number[]): string {
  const { median, p99, runs } = summarise(values);
  return `${amount(median, 'ms')} (p99 ${amount(p99, 'ms')}, ${runs} runs)`;
}

function plotOf({ ours, raw }: Latencies): StripsPlot {
  const stripsOf = (path: Path): StripsPlot['groups'][number]['strips'] =>
    [
      { series: 0 as const, values: ours[path] },
      // A spare stands in for a cold start.
      { series: 1 as const, values: raw[path === 'spare' ? 'cold' : path] },
    ].filter(({ values }) => values.length > 0);
  const measured = (['hot', 'spare', 'resumed', 'cold'] as const).filter((path) => ours[path].length > 0);
  return {
    ...{ kind: 'strips', file: 'latency.svg', title: 'Latency by path', unit: 'milliseconds, logarithmic' },
    groups: measured.map((path) => ({ name: path, strips: stripsOf(path) })),
    series: ['campfire-ai-bot, message to answer', 'raw SDK, call to result'],
  };
}
