import type { Sent } from '../stage/load-generator.ts';
import { quantile } from '../stats.ts';
import type { Arrived } from './campfire.ts';
import type { LoopReport } from './probe.ts';

/** Of one kind of duration, in ms. */
interface Spread {
  p50: number;
  p99: number;
  max: number;
}

/** What a load run found. Times in ms. */
export interface LoadReport {
  perSecond: number;
  seconds: number;
  rooms: number;
  /** From the call to the answer, as the sender saw it. */
  ackMs: Spread;
  /** The same of a server that only writes and syncs, at the same time: what the machine allows. */
  bareMs: Spread;
  /** How late the sender itself was: the instrument's own error. */
  lateMs: Spread;
  loop: LoopReport;
  /** Turns begun while webhooks came. */
  turns: number;
  /** Webhooks not answered 204. */
  refused: number;
  /** Messages without an outcome when the time to drain was up. */
  left: number;
  drainedMs: number;
  /** Messages that have a post of their own, or belong to a turn that has one. */
  answered: number;
  /** Accepted, with an outcome as it seems, and without a post. */
  silent: number;
  /** Posts that arrived more than once. */
  doubled: number;
  /** Rooms in which a later message was answered before an earlier one. */
  disordered: number;
}

/** Compares what was sent with what arrived; `turns` tells which messages were answered together. */
export function judgeArrivals(
  sent: readonly Sent[],
  arrived: readonly Arrived[],
  turns: readonly (readonly number[])[],
): Pick<LoadReport, 'answered' | 'silent' | 'doubled' | 'disordered'> {
  const together = new Map(turns.map((ids) => [ids.at(-1), ids]));
  const posts = arrived.filter(({ how }) => how === 'post');
  const counts = Map.groupBy(posts, ({ marker }) => marker);
  const answered = new Set<number>();
  const lastInRoom = new Map<number, number>();
  const disordered = new Set<number>();
  for (const { marker, roomId } of arrived) {
    const [, id = 0] = /^m(\d+)-0$/.exec(marker)?.map(Number) ?? [];
    if (id === 0) continue;
    for (const each of together.get(id) ?? [id]) answered.add(each);
    if (id < (lastInRoom.get(roomId) ?? 0)) disordered.add(roomId);
    lastInRoom.set(roomId, id);
  }
  return {
    answered: sent.filter(({ messageId }) => answered.has(messageId)).length,
    silent: sent.filter(({ messageId, status }) => status === 204 && !answered.has(messageId)).length,
    doubled: [...counts.values()].filter((same) => same.length > 1).length,
    disordered: disordered.size,
  };
}

/** What is not as promised; empty when all is well. */
export function loadProblems(report: LoadReport, limits: { ackP99Ms: number; loopP99Ms: number }): string[] {
  const { ackMs, bareMs, loop, refused, left, silent, doubled, disordered } = report;
  const found: [boolean, string][] = [
    [
      ackMs.p99 > limits.ackP99Ms,
      `the ack's p99 is ${ackMs.p99.toFixed(1)} ms, not ${limits.ackP99Ms} (a bare server's: ${bareMs.p99.toFixed(1)} ms)`,
    ],
    [
      loop.p99 > limits.loopP99Ms,
      `the event loop's p99 is ${loop.p99.toFixed(1)} ms, not ${limits.loopP99Ms}`,
    ],
    [refused > 0, `${refused} webhooks were refused`],
    [left > 0, `${left} messages still waited when time was up`],
    [silent > left, `${silent - left} messages have an outcome and no answer`],
    [doubled > 0, `${doubled} posts arrived twice`],
    [disordered > 0, `${disordered} rooms were answered out of order`],
  ];
  return found.filter(([bad]) => bad).map(([, words]) => words);
}

export function loadTable(report: LoadReport): string {
  const { perSecond, seconds, rooms, ackMs, bareMs, lateMs, loop, turns, answered, left, drainedMs } = report;
  const row = (name: string, { p50, p99, max }: Spread) =>
    `| ${name} | ${p50.toFixed(1)} | ${p99.toFixed(1)} | ${max.toFixed(1)} |`;
  const number = (value: number) => value.toLocaleString('en-US');
  return [
    `${perSecond} webhooks a second for ${seconds} s over ${rooms} rooms, ${number(turns)} turns begun meanwhile. ` +
      `The service's own process took ${Math.round(loop.cpuShare * 100)} % of a core. ` +
      `${Math.round(drainedMs / 1000)} s later ${number(answered)} messages were answered, ${number(left)} still waited.`,
    '',
    '| ms | p50 | p99 | max |',
    '|---|---:|---:|---:|',
    row('webhook answered, durable', ackMs),
    row('the same of a bare server that only writes and syncs, meanwhile', bareMs),
    row('event loop delay', loop),
    row('the sender itself was late', lateMs),
  ].join('\n');
}

export function spread(values: readonly number[]): Spread {
  return { p50: quantile(values, 0.5), p99: quantile(values, 0.99), max: Math.max(...values) };
}
