import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { generate, generateBare, startApart } from '../stage/generate.ts';
import type { Load } from '../stage/load-generator.ts';
import { endWithThisProcess } from '../stage/service.ts';
import { until } from '../stage/until.ts';
import { startPostOffice } from './campfire.ts';
import type { LoopReport } from './probe.ts';
import { judgeArrivals, type LoadReport, spread } from './verdict.ts';

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
  /** Begin when the service has filled its reserve on the disk and has answered somebody: once in its life it has neither. */
  settle: boolean;
  env?: Record<string, string>;
  tell: (line: string) => void;
}

const botId = 'load';
/** Most of what a service holds of its disk (src/store/space.ts); the last of it may still be in the log. */
const reserveBytes = 50 * 1024 ** 2;
const key = '900-LoadLoadLoad';
const root = join(import.meta.dirname, '../..');

/** Runs the real service under the load and drains it. */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const { perSecond, seconds, rooms, peoplePerRoom, tell } = options;
  const home = mkdtempSync(join(tmpdir(), 'campfire-load-'));
  const office = await startPostOffice();
  const model = startApart(join(root, 'bench/load/model.ts'));
  const [modelUrl] = (await once(model, 'message')) as [string];
  const service = startService(home, {
    ...{ CAMPFIRE_URL: office.url, ANTHROPIC_BASE_URL: modelUrl, ANTHROPIC_API_KEY: 'sk-load' },
    ...{ CATCH_UP_MINUTES: '0', LOG_LEVEL: 'info', ...options.env },
  });
  try {
    const url = await service.ready();
    const load = { url, bot: { id: botId, key }, perSecond, peoplePerRoom };
    if (options.settle) await settle(home, load, options);
    await service.loopDelay();
    const whole = { ...load, seconds, firstMessageId: 1_000_000, rooms: roomIds(rooms) };
    const [{ sent, lateMs }, bare] = await Promise.all([generate(whole), generateBare(home, whole)]);
    const loop = await service.loopDelay();
    const turns = service.turns().length;
    tell(`${sent.length} webhooks sent, ${turns} turns begun meanwhile; draining`);
    const drainStartedMs = clock.monotonicMs();
    const left = await drain(url, options);
    return {
      ...{ perSecond, seconds, rooms, loop, turns, left },
      drainedMs: clock.monotonicMs() - drainStartedMs,
      ackMs: spread(sent.map(({ ms }) => ms)),
      bareMs: spread(bare.sent.map(({ ms }) => ms)),
      lateMs: spread(lateMs),
      refused: sent.filter(({ status }) => status !== 204).length,
      ...judgeArrivals(sent, office.arrived, service.turns()),
    };
  } finally {
    await service.stop();
    model.disconnect();
    office.close();
    rmSync(home, { recursive: true, force: true });
  }
}

function roomIds(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

async function settle(
  home: string,
  load: Omit<Load, 'rooms' | 'seconds' | 'firstMessageId'>,
  options: LoadOptions,
): Promise<void> {
  await until(() => statSync(join(home, 'data/service.db')).size > reserveBytes, { what: 'the reserve' });
  await generate({ ...load, rooms: [options.rooms + 1], seconds: 0.05, firstMessageId: 1 });
  await drain(load.url, options);
}

/** In a session of its own, as under systemd, npm or in a container; its log goes to a file, which never makes it wait. */
function startService(home: string, env: Record<string, string>) {
  mkdirSync(join(home, 'bots'));
  const bot = { bot_id: botId, bot_key: key, name: 'Load', model: 'claude-haiku-4-5' };
  writeFileSync(join(home, 'bots/load.json'), JSON.stringify({ ...bot, system_prompt: 'Be brief.' }));
  const logFile = join(home, 'service.log');
  const log = openSync(logFile, 'w');
  const flags = ['--no-warnings', '--max-semi-space-size=2', '--import', join(root, 'bench/load/probe.ts')];
  const child = spawn(process.execPath, [...flags, join(root, 'src/server.ts')], {
    env: {
      ...{ PATH: process.env.PATH, HOST: '127.0.0.1', PORT: '0', ADMIN_TOKEN: 'load' },
      ...{ DATA_DIR: join(home, 'data'), BOTS_DIR: join(home, 'bots'), ...env },
    },
    stdio: ['ignore', log, 'pipe'],
    detached: true,
  });
  endWithThisProcess(child);
  closeSync(log);
  let told = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  const events = (type: string) =>
    readFileSync(logFile, 'utf8')
      .split('\n')
      .filter((line) => line.includes(`"event":"${type}"`))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    ready: () =>
      until(
        () => {
          if (child.exitCode !== null)
            throw new Error(`The service ended:\n${readFileSync(logFile, 'utf8')}`);
          return events('service.started').map(({ url }) => String(url))[0];
        },
        { what: 'the service to start' },
      ),
    /** Which messages each turn is over, by the log. */
    turns: () => [
      ...new Map(
        events('turn.started').map(({ turn, messageIds }) => [turn, messageIds as number[]]),
      ).values(),
    ],
    /** Since the last call. */
    async loopDelay(): Promise<LoopReport> {
      told = '';
      child.kill('SIGUSR2');
      const line = await until(() => /^LOOP (.*)$/m.exec(told)?.[1], {
        what: 'the event loop to be told of',
      });
      return JSON.parse(line) as LoopReport;
    },
    stop: () => end(child),
  };
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
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
