import { type Load, waitMaxMs } from './capacity.ts';
import { redisCost } from './measured.ts';
import type { Result } from './simulate.ts';
import { usualLife } from './trace.ts';

/** What the simulations found, as tables of Markdown. */

const gigabyte = 1024 ** 3;

/** One line per number of machines and memory: how they got through these hours. */
export function courseTable(results: readonly Result[]): string {
  return table(
    [
      [
        'machines',
        'answered',
        'refused',
        'killed',
        'hot',
        'of possible',
        'resumed',
        'wait p50',
        'p95',
        'p99',
        'max',
      ],
      ['evictions/h', 'live', 'turns at once', 'memory', 'cores'],
    ].flat(),
    results.map((result) => {
      const { sessionWait: wait, paths, live, busy, memoryUsed } = result;
      return [
        ...[machinesOf(result), whole(result.served), whole(result.refused + result.failed)],
        ...[whole(result.oomKills), percent(paths.hot, result.served), percent(paths.hot, result.couldBeHot)],
        ...[percent(paths.resumed, result.served), ...[wait.p50, wait.p95, wait.p99, wait.max].map(seconds)],
        ...[whole(result.evictionsPerHour), `${whole(live.mean)} / ${whole(live.max)}`, whole(busy.max)],
        ...[
          `${percent(memoryUsed.p95, 1)} / ${percent(memoryUsed.max, 1)}`,
          percent(result.processorShare, 1),
        ],
      ];
    }),
  );
}

/** What no further machine makes shorter. */
export function roomWords({ wait }: Result): string {
  return `Behind the earlier turns of its own room a message waited, with any number of machines: p95 ${seconds(wait.p95)}, p99 ${seconds(wait.p99)}, at most ${seconds(wait.max)}.`;
}

/** Placement beside its absence, and with a machine that dies. */
export function placementTable(named: ReadonlyArray<{ what: string; result: Result }>): string {
  return table(
    ['what', 'answered', 'refused', 'hot', 'moved', 'started agents', 'wait p95', 'p99', 'max'],
    named.map(({ what, result }) => [
      ...[what, whole(result.served), whole(result.refused + result.failed)],
      ...[
        percent(result.paths.hot, result.served),
        percent(result.moves, result.served),
        whole(result.starts),
      ],
      ...[result.sessionWait.p95, result.sessionWait.p99, result.sessionWait.max].map(seconds),
    ]),
  );
}

/** How many people are enough for which machine; the last line is for several machines together. */
export function capacityTable(loads: readonly Load[]): string {
  return table(
    ['machines', 'people', 'messages a day', 'in the fullest minute', 'hot', 'turns at once', 'wait p99'],
    loads.map(({ users, result }) => [
      ...[machinesOf(result), whole(users), whole(users * usualLife.messagesPerUserDay)],
      ...[whole(result.mostPerMinute.messages), percent(result.paths.hot, result.served)],
      ...[whole(result.busy.max), seconds(result.sessionWait.p99)],
    ]),
  );
}

/** What so many machines at the limit of `one` would ask of everybody else; straight multiplication. */
export function demandTable({ users, result }: Load, counts: readonly number[]): string {
  const { messages, requests } = result.mostPerMinute;
  const { commandsPerMessage, renewalMs, commandsPerMachineSecond } = redisCost;
  const { mailBytesPerMessage, transcriptBytesPerMessage } = redisCost;
  const { processorMsPerMessage, processorMsPerMachineSecond } = redisCost;
  const processorMs = (messages / 60) * processorMsPerMessage + processorMsPerMachineSecond;
  const commands =
    (messages / 60) * commandsPerMessage + (result.busy.max * 1000) / renewalMs + commandsPerMachineSecond;
  const messagesPerDay = users * usualLife.messagesPerUserDay;
  return table(
    [
      ['machines', 'people', 'turns at once', 'model requests a minute', 'posts a second'],
      ['Redis commands a second', 'of its core', 'Redis grows a day: mail', 'transcripts'],
    ].flat(),
    counts.map((count) => [
      ...[`${count} × ${result.options.size.memoryBytes / gigabyte} GB`, whole(count * users)],
      ...[whole(count * result.busy.max), whole(count * requests), ((count * messages) / 60).toFixed(1)],
      ...[whole(count * commands), percent(count * processorMs, 1000)],
      ...[mailBytesPerMessage, transcriptBytesPerMessage].map((each) => bytes(count * messagesPerDay * each)),
    ]),
  );
}

/** When one machine counts as enough. */
export const enoughWords = `nobody is refused, and of a hundred waits for a session 99 are at most ${waitMaxMs / 1000} s`;

function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function machinesOf({ options: { machines, size } }: Result): string {
  return `${machines} × ${size.memoryBytes / gigabyte} GB`;
}

function whole(number: number): string {
  return Math.round(number).toLocaleString('en-US');
}

function percent(part: number, all: number): string {
  return all === 0 ? '—' : `${Math.round((part / all) * 100)} %`;
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${whole(ms / 1000)} s`;
}

function bytes(number: number): string {
  return number < gigabyte ? `${whole(number / 1024 ** 2)} MB` : `${(number / gigabyte).toFixed(1)} GB`;
}
