import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type RedisServer, redisServer } from './redis.ts';
import { type Service, startService } from './service.ts';
import { apiKey, botId, type Stage, setStage } from './stage.ts';
import { tempFolder } from './temp.ts';

/** A Campfire, a model and a Redis, and machines that share them: each a real service with a data folder of its own. */
export interface MachineStage extends Stage {
  redis: RedisServer;
  /** Starts the machine of this name, or starts it again on its folder. */
  machine(name: string, env?: Record<string, string>, command?: string[]): Promise<Service>;
  dataDir(name: string): string;
  /** From now on webhooks go to these in turn; one that does not take them is passed over. */
  route(...machines: Service[]): void;
  /** Statuses that Campfire got for its webhooks. */
  statuses: number[];
}

export async function setMachines(
  t: { after(undo: () => unknown): void },
  { redis: given, ...options }: Parameters<typeof setStage>[1] & { redis?: RedisServer } = {},
): Promise<MachineStage> {
  const stage = await setStage(t, options);
  const redis = given ?? (await redisServer(t));
  const parent = tempFolder(t);
  const balancer = await startBalancer(t);
  const bot = stage.campfire.campfire.bots.get(botId);
  if (bot) bot.webhookUrl = `${balancer.url}/webhook/assistant`;
  return {
    ...stage,
    redis,
    ...balancer,
    dataDir: (name) => join(parent, name),
    machine(name, env = {}, command) {
      const home = { dataDir: join(parent, name), botsDir: stage.home.botsDir };
      const { campfire, model } = stage;
      const given = { CAMPFIRE_URL: campfire.url, ANTHROPIC_API_KEY: apiKey, ANTHROPIC_BASE_URL: model.url };
      return startService(t, home, { ...given, REDIS_URL: redis.url, ...env }, command);
    },
  };
}

/** Deals webhooks to machines as a proxy before them would that tries the next one after 503 or a broken connection. */
async function startBalancer(t: { after(undo: () => unknown): void }) {
  let targets: Service[] = [];
  let next = 0;
  const statuses: number[] = [];
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk) => chunks.push(chunk));
    incoming.on('end', async () => {
      let status = 502;
      for (let tries = 0; tries < targets.length && status >= 500; tries++) {
        const target = targets[next++ % targets.length] as Service;
        status = await forward(`${target.url}${incoming.url}`, incoming.headers, Buffer.concat(chunks));
      }
      statuses.push(status);
      outgoing.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    statuses,
    route(...machines: Service[]) {
      targets = machines;
    },
  };
}

/** The status, or 502 when nobody answers within two seconds. */
function forward(
  url: string,
  headers: Record<string, string | string[] | undefined>,
  body: Buffer,
): Promise<number> {
  return new Promise((resolve) => {
    const { host: _host, connection: _connection, ...kept } = headers;
    const posted = request(url, { method: 'POST', headers: kept, timeout: 2_000, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 502);
    });
    posted.on('timeout', () => posted.destroy());
    posted.on('error', () => resolve(502));
    posted.end(body);
  });
}
