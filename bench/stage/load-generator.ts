import { request } from 'node:http';
import { systemClock as clock } from '../../src/lib/clock.ts';

/**
 * Posts webhooks at a fixed rate, whatever the answers do, each on a connection of its own, as Campfire does. Runs in a
 * process of its own, so that it is late only when the machine is, and tells how late it was.
 */

export interface Load {
  url: string;
  bot: { id: string; key: string };
  /** They take turns. */
  rooms: readonly number[];
  /** Authors in each room; they take turns, too. */
  peoplePerRoom: number;
  perSecond: number;
  seconds: number;
  /** Campfire's id of the first message; the others follow. */
  firstMessageId: number;
}

/** What became of one webhook. */
export interface Sent {
  messageId: number;
  roomId: number;
  /** From the call to the end of the answer, connecting included. */
  ms: number;
  /** 0 when there was no answer. */
  status: number;
}

export interface LoadReport {
  /** In the order of sending. */
  sent: Sent[];
  /** How much later than planned each request was begun. */
  lateMs: number[];
}

async function run(load: Load): Promise<LoadReport> {
  const lateMs: number[] = [];
  const startedMs = clock.monotonicMs();
  const answers: Promise<Sent>[] = [];
  for (let index = 0; index < load.perSecond * load.seconds; index++) {
    const dueMs = startedMs + (index * 1000) / load.perSecond;
    await clock.sleep(Math.max(0, dueMs - clock.monotonicMs()));
    lateMs.push(Math.max(0, clock.monotonicMs() - dueMs));
    answers.push(post(load, index));
  }
  return { sent: await Promise.all(answers), lateMs };
}

function post({ url, bot, rooms, peoplePerRoom, firstMessageId }: Load, index: number): Promise<Sent> {
  const roomId = rooms[index % rooms.length] ?? 0;
  const author = 1000 + roomId * peoplePerRoom + (Math.floor(index / rooms.length) % peoplePerRoom);
  const messageId = firstMessageId + index;
  const body = JSON.stringify({
    user: { id: author, name: `Person ${author}` },
    room: { id: roomId, name: `Room ${roomId}`, path: `/rooms/${roomId}/${bot.key}/messages` },
    message: {
      id: messageId,
      body: { html: `<div>hello ${messageId}</div>`, plain: `hello ${messageId}` },
      path: `/rooms/${roomId}/@${messageId}`,
    },
  });
  const startedMs = clock.monotonicMs();
  return new Promise((resolve) => {
    const end = (status: number) =>
      resolve({ messageId, roomId, status, ms: clock.monotonicMs() - startedMs });
    const sending = request(`${url}/webhook/${bot.id}`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
    sending.on('error', () => end(0));
    sending.on('response', (answer) => answer.resume().on('end', () => end(answer.statusCode ?? 0)));
    sending.end(body);
  });
}

process.on('message', (load: Load) => {
  void run(load).then((report) => process.send?.(report, () => process.disconnect()));
});
