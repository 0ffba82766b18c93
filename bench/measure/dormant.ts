import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Findings, megabyte, type Setting } from '../section.ts';
import { type Heap, openHeap } from '../stage/heap.ts';
import { memoryOf } from '../stage/processes.ts';
import { layOut, type Service, startService } from '../stage/service.ts';
import { makeStandInCheckout } from '../stage/stand-in-checkout.ts';
import { until } from '../stage/until.ts';
import { hello, type Seat } from '../stage/world.ts';
import { slope } from '../stats.ts';
import { amount, atMost } from '../verdict.ts';

/**
 * What a conversation costs the service after its session was closed. Each one really takes place: webhook, turn, answer,
 * close. Only `claude` is a stand-in, because ten thousand real ones would take an hour and nothing of theirs is counted.
 */

/** How many conversations are served at a time, and so the most sessions that are live. */
const atOnce = 8;
const readings = 7;
const memoryFolder = '/dev/shm';

interface Reading {
  conversations: number;
  heapBytes: number;
  memoryMb: number;
}

export async function dormant(setting: Setting): Promise<Findings> {
  // In memory where there is such a folder: ten thousand conversations commit a hundred thousand times, and this
  // measurement is not about the disk.
  if (!existsSync(memoryFolder)) return measure(setting);
  const folder = mkdtempSync(join(memoryFolder, 'campfire-bench-'));
  try {
    return await measure({ ...setting, folder });
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

async function measure({ world, folder, checkout, size, say }: Setting): Promise<Findings> {
  const seat = world.seat('load');
  const home = {
    ...{ folder: join(folder, 'dormant'), bot: seat.bot },
    checkout: makeStandInCheckout(checkout, join(folder, 'stand-in')),
    env: {
      ...{ ...world.env, SPARE_SESSIONS: '0', MAX_SESSIONS: String(atOnce) },
      NODE_OPTIONS: '--inspect=127.0.0.1:0',
    },
  };
  layOut(home);
  const service = await startService(home);
  seat.meet(service);
  const heap = await openHeap(inspectorOf(home.folder));
  const { first, last } = size.conversations;
  const found: Reading[] = [];
  let spoken = 0;
  for (let reading = 0; reading < readings; reading++) {
    const conversations = Math.round(first + ((last - first) * reading) / (readings - 1));
    await converse(seat, conversations - spoken);
    spoken = conversations;
    found.push(await read(service, heap, conversations));
    say(
      `dormant: ${conversations} conversations, heap ${amount((found.at(-1)?.heapBytes ?? 0) / megabyte, 'MB')}`,
    );
  }
  heap.close();
  await service.stop();
  return findingsOf(found);
}

async function converse(seat: Seat, conversations: number): Promise<void> {
  let begun = 0;
  const converseOneByOne = async () => {
    while (begun++ < conversations) await seat.ask(seat.freshRoom(), hello);
  };
  await Promise.all(Array.from({ length: atOnce }, converseOneByOne));
}

async function read(service: Service, heap: Heap, conversations: number): Promise<Reading> {
  await until(async () => (await service.health()).queue.running === 0, { what: 'turns to end' });
  return { conversations, heapBytes: await heap.usedBytes(), memoryMb: memoryOf([service.pid]) / megabyte };
}

function findingsOf(found: readonly Reading[]): Findings {
  const perConversation = slope(found.map(({ conversations: x, heapBytes: y }) => ({ x, y }))) / 1024;
  const [first, last] = [found[0], found.at(-1)];
  if (!first || !last) throw new Error('Nothing was read.');
  const span = `${first.conversations.toLocaleString('en-US')} to ${last.conversations.toLocaleString('en-US')}`;
  return {
    rows: [
      {
        what: `a dormant conversation’s cost, from ${span} conversations`,
        predecessor: '160 MB',
        ours: `${amount(perConversation, 'KB')} of heap; the process ${amount(first.memoryMb, 'MB')} → ${amount(last.memoryMb, 'MB')}`,
        baseline: '',
        target: '≤ 2 KB, flat',
        verdict: atMost(perConversation, 2, 'KB'),
      },
    ],
    plots: [
      {
        ...{ kind: 'lines', file: 'dormant.svg', title: 'Service memory by dormant conversations' },
        ...{ unit: 'MB', xUnit: 'conversations', markers: [] },
        series: ['reachable heap', 'whole process'],
        lines: [
          {
            series: 0,
            points: found.map(({ conversations: x, heapBytes }) => ({ x, y: heapBytes / megabyte })),
          },
          { series: 1, points: found.map(({ conversations: x, memoryMb: y }) => ({ x, y })) },
        ],
      },
    ],
  };
}

/** The address that Node printed into the service's log. */
function inspectorOf(folder: string): string {
  const log = readFileSync(join(folder, 'service.log'), 'utf8');
  const address = /Debugger listening on (ws:\S+)/.exec(log)?.[1];
  if (address === undefined) throw new Error('The service did not open its inspector.');
  return address;
}
