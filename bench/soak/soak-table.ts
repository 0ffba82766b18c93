import type { SoakReport } from './soak.ts';
import type { Slope } from './statistics.ts';

/** What growth is allowed: the upper end of the 95 % interval, per 100 sessions. */
const growthMaxMb = 0.5;
/** With fewer readings the interval says nothing either way. */
const readingsMin = 20;
const megabyte = 1024 * 1024;

/** What went wrong, one line each; nothing when all is as promised. */
export function soakVerdict(report: SoakReport): string[] {
  const { leakedProcesses, leakedFiles, lost, duplicates, exitCode, heap } = report;
  return [
    ...leakedProcesses.map((line) => `left behind: ${line.slice(0, 150)}`),
    ...leakedFiles.map((path) => `left behind: ${path}`),
    ...lost.map((line) => `lost: ${line}`),
    ...duplicates.map((token) => `answered twice: ${token}`),
    ...(exitCode === 0 ? [] : [`the service ended with ${exitCode} instead of 0`]),
    ...(heap.points >= readingsMin && upper(heap) > growthMaxMb ? [`it grows: ${slopeWords(heap)}`] : []),
  ];
}

/** The report as a page shows it. */
export function soakTable(report: SoakReport): string {
  const { options, containment, seconds, sessions, messages, kills, sentences } = report;
  const rows = [
    ['layer, seed', `${containment}${options.reaper ? '' : ', reaper switched off'}, ${options.seed}`],
    ['sessions, messages', `${sessions}, ${messages} in ${Math.round(seconds)} s`],
    ['sessions per second', (sessions / seconds).toFixed(2)],
    ['kill -9', `${kills.claude} agents, ${kills.mcp} tool servers, ${kills.service} × the service`],
    ['leaked processes', report.leakedProcesses.length],
    ['leaked temp files', report.leakedFiles.length],
    ['lost answers', report.lost.length],
    ['duplicate answers', report.duplicates.length],
    ['turns that ended in a sentence', `${sentences} (killed again and again)`],
    ['memory of the service after a collection, growth', slopeWords(report.heap)],
    ['the same in the second half of that time', slopeWords(report.heapLater)],
    ['of all of it compiled code, growth', slopeWords(report.code)],
    ['proportional memory of its process, growth', slopeWords(report.pss)],
  ];
  return [
    '| what | measured |',
    '|---|---|',
    ...rows.map(([what, measured]) => `| ${what} | ${measured} |`),
  ].join('\n');
}

function slopeWords(slope: Slope): string {
  if (!Number.isFinite(slope.margin95)) return `too few readings (${slope.points})`;
  const per100 = (bytes: number) => ((bytes * 100) / megabyte).toFixed(2);
  return `${per100(slope.perUnit)} ± ${per100(slope.margin95)} MB per 100 sessions (95 %, ${slope.points} readings)`;
}

function upper({ perUnit, margin95 }: Slope): number {
  return ((perUnit + margin95) * 100) / megabyte;
}
