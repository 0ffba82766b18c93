import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openRedis, type RedisStore } from '../../src/store/redis.ts';
import { freePort } from './free-port.ts';
import { tempFolder } from './temp.ts';

/** A real Redis of a test's own, with its append-only file in a folder that is deleted with it. */
export interface RedisServer {
  url: string;
  port: number;
  pid(): number;
  /** Kills it with -9; `start` brings it back with what its file has. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** `isApart`: in a network of its own that only cables lead to (`partition.ts`). */
export async function redisServer(
  t: { after(undo: () => unknown): void },
  { isApart = false } = {},
): Promise<RedisServer> {
  const dir = tempFolder(t);
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}/0`;
  let child: ReturnType<typeof spawn> | null = null;
  const start = async () => {
    const place = isApart ? ['0.0.0.0', '--protected-mode', 'no'] : ['127.0.0.1'];
    const options = ['--port', String(port), '--bind', ...place, '--dir', dir, '--save', ''];
    const durable = ['--appendonly', 'yes', '--appendfsync', 'everysec'];
    const [program, ...first] = [...(isApart ? ['unshare', '--net'] : []), 'redis-server'];
    child = spawn(program as string, [...first, ...options, ...durable], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await readyLine(child);
  };
  const kill = async () => {
    const dying = child;
    child = null;
    if (!dying || dying.exitCode !== null || dying.signalCode !== null) return;
    const exited = once(dying, 'exit');
    dying.kill('SIGKILL');
    await exited;
  };
  t.after(kill);
  await start();
  return { url, port, pid: () => child?.pid ?? 0, kill, start };
}

/** A connection that is closed when the test is over. */
export async function redisStore(t: { after(undo: () => unknown): void }, url: string): Promise<RedisStore> {
  const store = await openRedis(url);
  t.after(() => store.close());
  return store;
}

function readyLine(child: ReturnType<typeof spawn>): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stdout?.on('data', (data) => {
      said += String(data);
      if (said.includes('Ready to accept connections')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}: ${said}`)));
    child.once('error', reject);
  });
}
