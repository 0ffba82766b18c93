import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { eventually } from './eventually.ts';
import { tempFolder } from './temp.ts';

/** The real service as a process of its own, started and watched through its fixed interfaces only. */
export interface Service {
  url: string;
  child: ChildProcess;
  /** Every log line so far. */
  log: string[];
  /** Log lines of one lifecycle event. */
  events(type: string): Array<Record<string, unknown>>;
  health(): Promise<Health>;
  /** The value of a metric without labels. */
  metric(name: string): Promise<number>;
  sessions(): Promise<Array<{ id: string; state: string; pid: number | null; turns: number }>>;
  /** Asks for a session's end; resolves with the HTTP status once it has ended. */
  closeSession(id: string): Promise<number>;
  /** Sends a signal and waits for the end; gives the exit code, or the signal's name. */
  stop(signal?: NodeJS.Signals): Promise<number | string>;
}

export interface Health {
  status: string;
  containment: string;
  sessions: { live: number; busy: number; idle: number; spare: number };
  queue: { waiting: number; running: number };
  messages_without_outcome: number;
}

export interface ServiceHome {
  dataDir: string;
  botsDir: string;
}

export const adminToken = 'admin-token-of-the-tests';

/** Folders for a service, with one bot file per entry. */
export function serviceHome(
  t: Pick<TestContext, 'after'>,
  bots: Record<string, Record<string, unknown>>,
): ServiceHome {
  const root = tempFolder(t);
  const home = { dataDir: join(root, 'data'), botsDir: join(root, 'bots') };
  mkdirSync(home.botsDir);
  for (const [name, bot] of Object.entries(bots)) writeBot(home, name, bot);
  return home;
}

export function writeBot(home: ServiceHome, name: string, bot: Record<string, unknown>): void {
  writeFileSync(join(home.botsDir, `${name}.json`), JSON.stringify(bot));
}

/** Starts the service and waits until it serves; ends it with the test, however that ends. */
export async function startService(
  t: Pick<TestContext, 'after'>,
  home: ServiceHome,
  env: Record<string, string>,
  command: string[] = [process.execPath, '--no-warnings', join(import.meta.dirname, '../../src/server.ts')],
): Promise<Service> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    env: {
      ...{ PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, HOST: '127.0.0.1', PORT: '0' },
      ...{ NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE },
      ...{ DATA_DIR: home.dataDir, BOTS_DIR: home.botsDir, ADMIN_TOKEN: adminToken },
      // Whoever counts processes does not expect one that is started ahead.
      ...{ SPARE_SESSIONS: '0', ...env },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  t.after(() => child.exitCode === null && child.signalCode === null && child.kill('SIGKILL'));
  const log: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      log.push(...lines);
    });
  }
  const events = (type: string) =>
    log
      .filter((line) => line.includes(`"event":"${type}"`))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const started = await eventually(
    `the service to start\n${log.join('\n')}`,
    () => {
      if (child.exitCode !== null)
        throw new Error(`The service ended with ${child.exitCode}:\n${log.join('\n')}`);
      return events('service.started')[0];
    },
    20_000,
  );
  const url = String(started.url).replace('0.0.0.0', '127.0.0.1');
  return {
    ...{ url, child, log, events },
    health: async () => (await (await fetch(`${url}/health`)).json()) as Health,
    async metric(name) {
      const headers = { authorization: `Bearer ${adminToken}` };
      const text = await (await fetch(`${url}/metrics`, { headers })).text();
      return Number(new RegExp(`^campfire_ai_bot_${name} (.+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
    },
    sessions: async () =>
      (await adminGet({ url }, '/api/sessions')) as Awaited<ReturnType<Service['sessions']>>,
    closeSession: async (id) =>
      (
        await fetch(`${url}/api/sessions/${id}`, {
          ...{ method: 'DELETE', headers: { authorization: `Bearer ${adminToken}` } },
        })
      ).status,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return eventually(
        'the service to end',
        () => child.signalCode ?? (child.exitCode !== null && `${child.exitCode}`),
        40_000,
      ).then((end) => (Number.isNaN(Number(end)) ? end : Number(end)));
    },
  };
}

/** A JSON answer of the operator's API. */
export async function adminGet({ url }: Pick<Service, 'url'>, path: string): Promise<unknown> {
  return (await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${adminToken}` } })).json();
}
