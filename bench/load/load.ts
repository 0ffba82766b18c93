import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { startScriptedModel } from '../../src/playground/model.ts';
import { startPostOffice } from './campfire.ts';
import { judgeArrivals, type LoadReport, quantile, type Sent } from './verdict.ts';

/**
 * Webhooks at a steady rate over many rooms, while real sessions run behind them. What is measured is what a person
 * and Campfire notice: how long a webhook waits for its answer, and how long the service's event loop is held up.
 */

export interface LoadOptions {
  perSecond: number;
  seconds: number;
  rooms: number;
  /** Authors in each room; they take turns. */
  peoplePerRoom: number;
  /** How long what is left may take after the last webhook. */
  drainSeconds: number;
  env?: Record<string, string>;
  tell: (line: string) => void;
}

const key = '900-LoadLoadLoad';
const root = join(import.meta.dirname, '../..');

/** Runs the real service under the load and drains it. */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const home = mkdtempSync(join(tmpdir(), 'campfire-load-'));
  const office = await startPostOffice();
  const model = await startScriptedModel({ clock });
  const service = startService(home, {
    ...{ CAMPFIRE_URL: office.url, ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: 'sk-load' },
    ...{ CATCH_UP_MINUTES: '0', LOG_LEVEL: 'info', ...options.env },
  });
  try {
    const url = await service.ready;
    const sent = await sendAll(url, options);
    const loop = await service.loopDelay();
    options.tell(`${sent.length} webhooks sent, draining`);
    const left = await drain(url, options);
    return {
      ...{ perSecond: options.perSecond, seconds: options.seconds, rooms: options.rooms, loop, left },
      ackMs: {
        p50: quantile(
          sent.map(({ ms }) => ms),
          0.5,
        ),
        p99: quantile(
          sent.map(({ ms }) => ms),
          0.99,
        ),
        max: Math.max(...sent.map(({ ms }) => ms)),
      },
      refused: sent.filter(({ status }) => status !== 204).length,
      ...judgeArrivals(sent, office.arrived, service.turns()),
    };
  } finally {
    await service.stop();
    await model.close();
    office.close();
    rmSync(home, { recursive: true, force: true });
  }
}

function startService(home: string, env: Record<string, string>) {
  mkdirSync(join(home, 'bots'));
  const bot = {
    bot_id: 'load',
    bot_key: key,
    name: 'Load',
    model: 'claude-haiku-4-5',
    system_prompt: 'Be brief.',
  };
  writeFileSync(join(home, 'bots/load.json'), JSON.stringify(bot));
  const flags = ['--no-warnings', '--max-semi-space-size=2', '--import', join(root, 'bench/load/probe.ts')];
  const child = spawn(process.execPath, [...flags, join(root, 'src/server.ts')], {
    env: {
      ...{ PATH: process.env.PATH, HOST: '127.0.0.1', PORT: '0', ADMIN_TOKEN: 'load' },
      ...{ DATA_DIR: join(home, 'data'), BOTS_DIR: join(home, 'bots'), ...env },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const turns = new Map<string, number[]>();
  const ready = Promise.withResolvers<string>();
  const told = { loop: Promise.withResolvers<LoadReport['loop']>() };
  eachLine(child.stdout, (line) => {
    const event = JSON.parse(line) as Record<string, unknown>;
    if (event.event === 'service.started') ready.resolve(String(event.url));
    if (event.event === 'turn.started') turns.set(String(event.turn), event.messageIds as number[]);
    if (event.level === 'fatal') ready.reject(new Error(line));
  });
  eachLine(child.stderr, (line) => {
    if (line.startsWith('LOOP ')) told.loop.resolve(JSON.parse(line.slice(5)) as LoadReport['loop']);
  });
  return {
    ready: ready.promise,
    /** Which messages each turn is over, by the log. */
    turns: () => [...turns.values()],
    loopDelay() {
      child.kill('SIGUSR2');
      return told.loop.promise;
    },
    stop: () => end(child),
  };
}

function eachLine(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(take);
  });
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}

/** Counted from the start rather than per tick: a late timer is made up for, so the rate holds. */
async function sendAll(
  url: string,
  { perSecond, seconds, rooms, peoplePerRoom }: LoadOptions,
): Promise<Sent[]> {
  const total = perSecond * seconds;
  const answers: Promise<Sent>[] = [];
  const from = clock.monotonicMs();
  while (answers.length < total) {
    const due = Math.min(total, Math.floor(((clock.monotonicMs() - from) / 1000) * perSecond));
    while (answers.length < due) {
      const n = answers.length;
      const roomId = (n % rooms) + 1;
      const author = roomId * peoplePerRoom + (Math.floor(n / rooms) % peoplePerRoom) + 1000;
      answers.push(post(url, n + 1, roomId, author));
    }
    await clock.sleep(2);
  }
  return Promise.all(answers);
}

/** As Campfire does it: a connection of its own for each. */
function post(url: string, messageId: number, roomId: number, author: number): Promise<Sent> {
  const body = JSON.stringify({
    user: { id: author, name: `Person ${author}` },
    room: { id: roomId, name: `Room ${roomId}`, path: `/rooms/${roomId}/${key}/messages` },
    message: {
      id: messageId,
      body: { html: `<div>hello ${messageId}</div>`, plain: `hello ${messageId}` },
      path: `/rooms/${roomId}/@${messageId}`,
    },
  });
  const from = clock.monotonicMs();
  return new Promise((resolve) => {
    const sending = request(
      `${url}/webhook/load`,
      { method: 'POST', agent: new Agent(), headers: { 'content-type': 'application/json' } },
      (response) => {
        response.resume();
        resolve({ messageId, roomId, ms: clock.monotonicMs() - from, status: response.statusCode ?? 0 });
      },
    );
    // Counted as a webhook that was refused.
    sending.on('error', () => resolve({ messageId, roomId, ms: clock.monotonicMs() - from, status: 0 }));
    sending.end(body);
  });
}

/** Waits until every message has its outcome and is delivered; gives how many have none when time is up. */
async function drain(url: string, { drainSeconds, tell }: LoadOptions): Promise<number> {
  const until = clock.monotonicMs() + drainSeconds * 1000;
  let told = 0;
  for (;;) {
    const health = (await (await fetch(`${url}/health`)).json()) as { messages_without_outcome: number };
    const left = health.messages_without_outcome;
    if (left === 0 || clock.monotonicMs() > until) {
      if (left === 0) await clock.sleep(1000);
      return left;
    }
    if (clock.monotonicMs() - told > 10_000) {
      told = clock.monotonicMs();
      tell(`${left} messages without outcome`);
    }
    await clock.sleep(200);
  }
}
