import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { systemClock as clock } from '../src/lib/clock.ts';
import type { Conversation, Mail } from '../src/mail/mail.ts';
import { createRedisMail } from '../src/mail/redis.ts';
import { openRedis, type RedisStore } from '../src/store/redis.ts';
import { writeContent } from '../src/turns/content.ts';
import { redisServer } from '../test/support/redis.ts';
import { givenOwnership } from '../test/support/redis-ownership.ts';
import { quantile } from './stats.ts';

/**
 * How many webhooks a machine takes into Redis, through the real routes, beside raw XADDs of the same content in the
 * same run; and what a message costs there. Prints a table:
 *
 *   node --no-warnings bench/redis-accept.ts [messages]
 */

const total = Number(process.argv[2] ?? 8000);
/** More than 10,000 waiting messages would be refused as a flood. */
if (!(total > 0 && total < 10_000)) throw new RangeError('Messages: from 1 to 9999.');
const atOnce = 64;
const rooms = 500;
const bot = { id: 'bench', key: '900-BenchBench12' };
const html =
  '<div><action-text-attachment content-type="application/vnd.campfire.mention"></action-text-attachment>';
const text = 'could you look up when the offsite is, and put it into one sentence for the others?';

const roomOf = (index: number) => 1 + (index % rooms);
const contentOf = (index: number) =>
  writeContent({ author: `Person ${index}`, roomName: 'HQ', html: `${html} ${text}</div>`, plain: text });

interface Pace {
  perSecond: number;
  p50: number;
  p99: number;
  /** What one costs Redis, µs of CPU time; and the process that takes webhooks. */
  redisUs: number;
  webUs: number | null;
}

/** `atOnce` at a time, as fast as answers come. */
async function pace(store: RedisStore, once: (index: number) => Promise<unknown>): Promise<Pace> {
  const tookMs: number[] = [];
  const cpuBefore = await cpuSeconds(store);
  let next = 0;
  const startedMs = clock.monotonicMs();
  const worker = async () => {
    while (next < total) {
      const index = next++;
      const sentMs = clock.monotonicMs();
      await once(index);
      tookMs.push(clock.monotonicMs() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const seconds = (clock.monotonicMs() - startedMs) / 1000;
  const redisUs = (((await cpuSeconds(store)) - cpuBefore) * 1e6) / total;
  const [p50, p99] = [quantile(tookMs, 0.5), quantile(tookMs, 0.99)];
  return { perSecond: total / seconds, p50, p99, redisUs, webUs: null };
}

async function cpuSeconds(store: RedisStore): Promise<number> {
  const info = await store.call<string>('INFO', 'cpu');
  const read = (name: string) => Number(new RegExp(`used_cpu_${name}:([\\d.]+)`).exec(info)?.[1]);
  return read('user') + read('sys');
}

function row(what: string, { perSecond, p50, p99, redisUs, webUs }: Pace, baseline: Pace): string {
  const ratio = (perSecond / baseline.perSecond).toFixed(2);
  const cpu = `${Math.round(redisUs)} | ${webUs === null ? '' : Math.round(webUs)}`;
  return `| ${what} | ${Math.round(perSecond)} | ${ratio} | ${p50.toFixed(1)} | ${p99.toFixed(1)} | ${cpu} |`;
}

async function webhooks(store: RedisStore, prefix: string, agent: Agent | false): Promise<Pace> {
  const server = spawn(
    process.execPath,
    [
      '--no-warnings',
      join(import.meta.dirname, 'redis-accept-server.ts'),
      store.url,
      prefix,
      bot.id,
      bot.key,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const [port] = (await once(server.stdout, 'data')) as [Buffer];
  const target = `http://127.0.0.1:${String(port).trim()}/webhook/${bot.id}`;
  try {
    const paced = await pace(store, (index) => post(target, index, agent));
    server.stdin.end();
    const [cpuUs] = (await once(server.stdout, 'data')) as [Buffer];
    return { ...paced, webUs: Number(cpuUs) / total };
  } finally {
    server.kill('SIGKILL');
  }
}

function post(target: string, index: number, agent: Agent | false): Promise<void> {
  const roomId = roomOf(index);
  const body = JSON.stringify({
    user: { id: 1000 + index, name: `Person ${index}` },
    room: { id: roomId, name: 'HQ', path: `/rooms/${roomId}/${bot.key}/messages` },
    message: {
      id: 1 + index,
      body: { html: `${html} ${text}</div>`, plain: text },
      path: `/rooms/1/@${index}`,
    },
  });
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request(target, { method: 'POST', agent, headers }, (answer) => {
      answer.resume().on('end', () => {
        if (answer.statusCode === 204) resolve();
        else reject(new Error(`Answered ${answer.statusCode}.`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function acceptOne(mail: Mail, index: number): Promise<unknown> {
  const said = { messageId: 1 + index, authorId: 1000 + index, content: contentOf(index) };
  return mail.accept({ botId: bot.id, roomId: roomOf(index), ...said });
}

/** Answers all that waits in a conversation, as a machine does: begun, decided, sent. */
async function serve(mail: Mail, conversation: Conversation): Promise<void> {
  for (let turn = await mail.begin(conversation); turn; turn = await mail.begin(conversation)) {
    await mail.decide(turn, { kind: 'answered' }, [{ kind: 'post', body: `<div>${text}</div>` }]);
    const sent = await mail.takeOutbox(conversation, clock.now());
    if (sent) await mail.settleOutbox(sent, { kind: 'sent', campfireId: turn.id });
  }
}

async function readNumber(store: RedisStore, section: string, name: string): Promise<number> {
  const info = await store.call<string>('INFO', section);
  return Number(new RegExp(`${name}:(\\d+)`).exec(info)?.[1]);
}

/** What a message costs in Redis: waiting, and from its acceptance to what stays of it. */
async function costs(store: RedisStore): Promise<string[]> {
  let roundTrips = 0;
  const counted: RedisStore = {
    ...store,
    run(...step) {
      roundTrips++;
      return store.run(...step);
    },
  };
  const ownership = givenOwnership(store, 'bench');
  const conversations = Array.from({ length: rooms }, (_, index) => ({ botId: bot.id, roomId: index + 1 }));
  await ownership.give(conversations);
  const mail = createRedisMail(counted, clock, ownership);
  const memory = () => readNumber(store, 'memory', 'used_memory');
  const commands = () => readNumber(store, 'stats', 'total_commands_processed');
  const before = { memory: await memory(), commands: await commands() };
  await pace(store, (index) => acceptOne(mail, index));
  const waiting = { memory: await memory(), commands: await commands() };
  const queue = [...conversations];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let next = queue.pop(); next; next = queue.pop()) await serve(mail, next);
    }),
  );
  // What counts over a minute goes by itself.
  await clock.sleep(61_000);
  const settled = { memory: await memory(), commands: await commands() };
  const each = (from: number, to: number) => Math.round((to - from) / total);
  return [
    `content: ${contentOf(1).length} bytes`,
    `waiting: ${each(before.memory, waiting.memory)} bytes a message`,
    `settled: ${each(before.memory, settled.memory)} bytes a message`,
    `commands inside Redis: ${each(before.commands, waiting.commands)} to accept, ${each(before.commands, settled.commands)} in a message's whole life`,
    `round trips: 1 to accept, ${(roundTrips / total).toFixed(1)} in a message's whole life`,
  ];
}

const undos: Array<() => unknown> = [];
try {
  const server = await redisServer({ after: (undo) => undos.push(undo) });
  // However this program ends.
  process.once('exit', () => void server.kill());
  for (const fsync of ['everysec', 'always']) {
    const store = await openRedis(server.url, `bench-${fsync}`);
    await store.call('CONFIG', 'SET', 'appendfsync', fsync);
    const xadd = await pace(store, (index) => store.call('XADD', 'raw', '*', 'content', contentOf(index)));
    const mail = createRedisMail(store, clock, givenOwnership(store, 'bench'));
    const driver = await pace(store, (index) => acceptOne(mail, index));
    const kept = new Agent({ keepAlive: true, maxSockets: atOnce });
    const rows = [
      row('XADD', xadd, xadd),
      row('accept', driver, xadd),
      row('webhook, kept connections', await webhooks(store, `kept-${fsync}`, kept), xadd),
      row('webhook, a connection each', await webhooks(store, `each-${fsync}`, false), xadd),
    ];
    kept.destroy();
    process.stdout.write(
      `appendfsync ${fsync}, ${atOnce} at once\n| what | a second | of XADD | p50 ms | p99 ms | Redis µs | web µs |\n|---|---|---|---|---|---|---|\n${rows.join('\n')}\n\n`,
    );
    await store.close();
  }
  const store = await openRedis(server.url, 'costs');
  await store.call('FLUSHALL');
  process.stdout.write(`${(await costs(store)).join('\n')}\n`);
  await store.close();
} finally {
  for (const undo of undos) await undo();
}
