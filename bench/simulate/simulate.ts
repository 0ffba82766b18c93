import { quantile } from '../stats.ts';
import { createSimulationClock } from './clock.ts';
import { Cluster, type ClusterOptions, type Ending } from './cluster.ts';
import { measured } from './measured.ts';
import type { TraceMessage } from './trace.ts';

/** One trace on so many machines: what happened, in numbers. */
export interface Result {
  options: ClusterOptions;
  messages: number;
  served: number;
  refused: number;
  failed: number;
  /** Turns by how they came to their session. */
  paths: Record<'hot' | 'resumed' | 'claimed' | 'opened', number>;
  /** Messages that were served by another machine than their conversation's last one. */
  moves: number;
  /** How many turns came within the idle time of their conversation's last one: more cannot be hot. */
  couldBeHot: number;
  /** In ms: for a machine, a session and its start, the conversation being free. */
  sessionWait: Waits;
  /** In ms: from a message's arrival to its turn, those behind the conversation's own turns included. */
  wait: Waits;
  evictionsPerHour: number;
  /** Live sessions of all machines, looked at every ten seconds. */
  live: { mean: number; max: number };
  /** Turns that ran at one time, on all machines. */
  busy: { mean: number; max: number };
  /** What one machine holds, as a share of its memory: p95 over machines and time, and the most ever. */
  memoryUsed: { p95: number; max: number };
  oomKills: number;
  /** Started agents, and the share of all cores that starts and turns took of what the service adds. */
  starts: number;
  processorShare: number;
  hours: number;
  /** Of the fullest minute. */
  mostPerMinute: { messages: number; requests: number };
  /** Every message's, in the order in which they ended. */
  endings: readonly Ending[];
}

export interface Waits {
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

export interface Course {
  /** Part of the trace, in ms of its day. */
  fromMs: number;
  toMs: number;
  /** Machines that die, by index, in ms of the day. */
  deaths?: ReadonlyArray<{ machine: number; atMs: number }>;
}

const lookMs = 10_000;
/** Longer than patience and the longest turn: by then every message has ended. */
const afterwardsMs = 3 * 3_600_000;

/** Runs the messages between `fromMs` and `toMs`, and on until the last of them has ended. Every call is a world of its own. */
export async function simulate(
  trace: readonly TraceMessage[],
  options: ClusterOptions,
  { fromMs, toMs, deaths = [] }: Course,
): Promise<Result> {
  const part = trace
    .filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
    .map((message) => ({ ...message, atMs: message.atMs - fromMs }));
  const clock = createSimulationClock(Date.UTC(2026, 0, 5) + fromMs);
  const cluster = new Cluster(options, part, clock);
  const looks: Looks = { live: [], busy: [], used: [] };
  for (const message of part) clock.after(message.atMs, () => cluster.accept(message));
  for (const { machine, atMs } of deaths) {
    const victim = cluster.machines[machine];
    if (victim) clock.after(atMs - fromMs, () => cluster.kill(victim));
  }
  const lengthMs = toMs - fromMs;
  for (let atMs = lookMs; atMs <= lengthMs; atMs += lookMs) {
    await clock.runUntil(atMs);
    look(cluster, looks);
  }
  for (let atMs = lengthMs; cluster.waiting() > 0 && atMs < lengthMs + afterwardsMs; atMs += 60_000)
    await clock.runUntil(atMs);
  cluster.close();
  return summary(cluster, looks, { options, messages: part.length, hours: lengthMs / 3_600_000 });
}

interface Looks {
  live: number[];
  busy: number[];
  used: number[];
}

function look(cluster: Cluster, { live, busy, used }: Looks): void {
  const alive = cluster.machines.filter(({ isDead }) => !isDead);
  const sessions = alive.flatMap(({ pool }) => pool.snapshot());
  live.push(sessions.length);
  busy.push(sessions.filter(({ state }) => state === 'busy' || state === 'starting').length);
  for (const machine of alive) {
    const { usedBytes, limitBytes } = machine.reading();
    used.push(usedBytes / limitBytes);
  }
}

function summary(
  { endings, machines }: Cluster,
  { live, busy, used }: Looks,
  { options, messages, hours }: Pick<Result, 'options' | 'messages' | 'hours'>,
): Result {
  const served = endings.filter(({ kind }) => kind === 'served');
  const count = (kind: Ending['kind']) => endings.filter((ending) => ending.kind === kind).length;
  const by = (path: Ending['path']) => served.filter((ending) => ending.path === path).length;
  const sumOf = (numbers: number[]) => numbers.reduce((sum, each) => sum + each, 0);
  const { memoryBytes } = options.size;
  return {
    ...{
      options,
      messages,
      hours,
      served: served.length,
      refused: count('refused'),
      failed: count('failed'),
    },
    paths: { hot: by('hot'), resumed: by('resumed'), claimed: by('claimed'), opened: by('opened') },
    moves: movesIn(served),
    couldBeHot: couldBeHot(served, options.size.idleTtlMs),
    sessionWait: waitsOf(served.map(({ beganMs, readyMs }) => (beganMs ?? 0) - readyMs)),
    wait: waitsOf(served.map(({ beganMs, message }) => (beganMs ?? 0) - message.atMs)),
    evictionsPerHour: sumOf(machines.map(({ evictions }) => evictions)) / hours,
    live: { mean: sumOf(live) / live.length, max: Math.max(...live) },
    busy: { mean: sumOf(busy) / busy.length, max: Math.max(...busy) },
    memoryUsed: {
      p95: quantile(used, 0.95),
      max: Math.max(...machines.map(({ mostUsedBytes }) => mostUsedBytes)) / memoryBytes,
    },
    oomKills: sumOf(machines.map(({ oomKills }) => oomKills)),
    starts: sumOf(machines.map(({ agents }) => agents.starts)),
    processorShare: processorShareOf(machines, served.length, options.size.cores * hours * 3_600_000),
    mostPerMinute: mostPerMinute(endings),
    endings,
  };
}

function processorShareOf(machines: Cluster['machines'], turns: number, coreMs: number): number {
  const starts = machines.reduce((sum, { agents }) => sum + agents.starts, 0);
  return (starts * measured.startCpuMs + turns * measured.turnCpuMs) / (coreMs * machines.length);
}

function mostPerMinute(endings: readonly Ending[]): Result['mostPerMinute'] {
  const minutes = new Map<number, { messages: number; requests: number }>();
  for (const { message } of endings) {
    const minute = Math.floor(message.atMs / 60_000);
    const { messages, requests } = minutes.get(minute) ?? { messages: 0, requests: 0 };
    minutes.set(minute, { messages: messages + 1, requests: requests + message.requests });
  }
  const all = [...minutes.values()];
  return {
    messages: Math.max(0, ...all.map(({ messages }) => messages)),
    requests: Math.max(0, ...all.map(({ requests }) => requests)),
  };
}

function couldBeHot(served: readonly Ending[], idleTtlMs: number): number {
  const endedMs = new Map<number, number>();
  return served.filter((ending) => {
    const before = endedMs.get(ending.message.roomId) ?? Number.NEGATIVE_INFINITY;
    endedMs.set(ending.message.roomId, ending.endedMs);
    return ending.readyMs - before < idleTtlMs;
  }).length;
}

function movesIn(served: readonly Ending[]): number {
  const last = new Map<number, number | null>();
  let moves = 0;
  for (const { message, machine } of served) {
    const before = last.get(message.roomId);
    if (before !== undefined && before !== machine) moves++;
    last.set(message.roomId, machine);
  }
  return moves;
}

function waitsOf(ms: readonly number[]): Waits {
  if (ms.length === 0) return { p50: 0, p95: 0, p99: 0, max: 0 };
  const at = (share: number) => quantile(ms, share);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
