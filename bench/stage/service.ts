import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './until.ts';

/** The service as operators start it: `bin/start`, from dist/, in a process of its own. */
export interface Service {
  url: string;
  pid: number;
  /** The mark that every process of this data folder carries. */
  instance(): string;
  /** Log lines of one lifecycle event, oldest first. */
  events(type: string): Array<Record<string, unknown>>;
  health(): Promise<Health>;
  /** Closes the conversation's session and waits until it is gone. */
  closeSession(roomId: number): Promise<void>;
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface Health {
  sessions: { live: number; busy: number; idle: number; spare: number };
  queue: { waiting: number; running: number };
  messages_without_outcome: number;
}

export interface ServiceHome {
  folder: string;
  bot: { id: string; key: string };
  /** The checkout whose `bin/start` is run. */
  checkout: string;
  env: Readonly<Record<string, string>>;
}

const adminToken = 'admin-token-of-the-benchmark';
const startLimitMs = 60_000;
/** Longer than the grace period (25 s), within which a service ends by itself. */
const stopLimitMs = 40_000;

/** Lays out a data folder and one bot file below `folder`. */
export function layOut({ folder, bot }: ServiceHome): void {
  mkdirSync(join(folder, 'bots'), { recursive: true });
  const file = { bot_id: bot.id, bot_key: bot.key, name: 'Assistant', model: 'claude-haiku-4-5' };
  writeFileSync(
    join(folder, 'bots', `${bot.id}.json`),
    JSON.stringify({ ...file, system_prompt: 'You are the assistant of the benchmark.' }),
  );
}

/** Starts the service on a free port and waits until it serves. */
export async function startService(home: ServiceHome): Promise<Service> {
  const logFile = join(home.folder, 'service.log');
  // Into a file, not a pipe: reading a log must not take processor time from what is being measured.
  const log = openSync(logFile, 'w');
  const child = spawn(join(home.checkout, 'bin/start'), [], {
    env: environmentFor(home),
    stdio: ['ignore', log, log],
  });
  endWithThisProcess(child);
  closeSync(log);
  const events = (type: string) => eventsIn(logFile, type);
  const started = await until(
    () => {
      if (hasEnded(child)) throw new Error(`The service did not start:\n${readFileSync(logFile, 'utf8')}`);
      return events('service.started')[0];
    },
    { what: 'the service to start', limitMs: startLimitMs },
  );
  const url = String(started.url);
  const botId = home.bot.id;
  return {
    ...{ url, events, pid: child.pid ?? 0 },
    instance: () => readFileSync(join(home.folder, 'data/instance'), 'utf8').trim(),
    health: async () => (await (await fetch(`${url}/health`)).json()) as Health,
    closeSession: (roomId) => closeSession(url, `${roomId}:${botId}`),
    async stop(signal = 'SIGTERM') {
      if (!hasEnded(child)) child.kill(signal);
      await until(() => hasEnded(child), { what: 'the service to end', limitMs: stopLimitMs });
    },
  };
}

function environmentFor({ folder, env }: ServiceHome): NodeJS.ProcessEnv {
  const { PATH, LANG, TMPDIR } = process.env;
  return {
    ...{ PATH, LANG, TMPDIR, HOME: folder, HOST: '127.0.0.1', PORT: '0', ADMIN_TOKEN: adminToken },
    ...{ DATA_DIR: join(folder, 'data'), BOTS_DIR: join(folder, 'bots'), TIME_ZONE: 'UTC', ...env },
  };
}

async function closeSession(url: string, name: string): Promise<void> {
  const headers = { authorization: `Bearer ${adminToken}` };
  const response = await fetch(`${url}/api/sessions/${name}`, { method: 'DELETE', headers });
  // 404: it is closed already.
  if (!response.ok && response.status !== 404) throw new Error(`Closing ${name}: ${await response.text()}`);
  await response.body?.cancel();
}

function eventsIn(logFile: string, type: string): Array<Record<string, unknown>> {
  return readFileSync(logFile, 'utf8')
    .split('\n')
    .filter((line) => line.includes(`"event":"${type}"`) && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A measurement that fails must not leave the service that it was about. */
export function endWithThisProcess(child: ChildProcess): void {
  const end = () => child.kill('SIGKILL');
  process.on('exit', end);
  child.once('exit', () => process.off('exit', end));
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
