import { request } from 'node:http';
import { systemClock as clock } from '../../src/lib/clock.ts';

/**
 * Posts webhooks at a fixed rate, whatever the answers do, each on a connection of its own, as Campfire does. Runs in a
 * process of its own, so that it is late only when the machine is, and tells how late it was.
 */

export interface Load {
  url: string;
  bot: { id: string; key: string };
  rooms: readonly number[];
  perSecond: number;
  seconds: number;
}

export interface LoadReport {
  /** From the call to the end of the answer, connecting included; answers other than 204 are not in here. */
  ackMs: number[];
  /** How much later than planned each request was begun. */
  lateMs: number[];
  refused: number;
}

/** Ids of people's messages in a Campfire are far below. */
const firstMessageId = 1_000_000;

async function run(load: Load): Promise<LoadReport> {
  const report: LoadReport = { ackMs: [], lateMs: [], refused: 0 };
  const startedMs = clock.monotonicMs();
  const answers: Promise<void>[] = [];
  for (let index = 0; index < load.perSecond * load.seconds; index++) {
    const dueMs = startedMs + (index * 1000) / load.perSecond;
    await clock.sleep(Math.max(0, dueMs - clock.monotonicMs()));
    report.lateMs.push(Math.max(0, clock.monotonicMs() - dueMs));
    answers.push(post(load, index, report));
  }
  await Promise.all(answers);
  return report;
}

function post({ url, bot, rooms }: Load, index: number, report: LoadReport): Promise<void> {
  const room = rooms[index % rooms.length] ?? 0;
  const id = firstMessageId + index;
  const body = JSON.stringify({
    user: { id: 1, name: 'Ann' },
    room: { id: room, name: null, path: `/rooms/${room}/${bot.key}/messages` },
    message: {
      id,
      body: { html: `<div>hello ${id}</div>`, plain: `hello ${id}` },
      path: `/rooms/${room}/@${id}`,
    },
  });
  const startedMs = clock.monotonicMs();
  return new Promise((resolve) => {
    const refuse = () => {
      report.refused++;
      resolve();
    };
    const sent = request(`${url}/webhook/${bot.id}`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
    sent.on('error', refuse);
    sent.on('response', (answer) => {
      answer.resume().on('end', () => {
        if (answer.statusCode !== 204) return refuse();
        report.ackMs.push(clock.monotonicMs() - startedMs);
        resolve();
      });
    });
    sent.end(body);
  });
}

process.on('message', (load: Load) => {
  void run(load).then((report) => process.send?.(report, () => process.disconnect()));
});
