import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { intakeRoutes } from '../src/campfire/intake.ts';
import { openBots } from '../src/config/bots.ts';
import { createHttp, listen, remoteAddress } from '../src/http.ts';
import { systemClock as clock } from '../src/lib/clock.ts';
import { soleOwnership } from '../src/mail/ownership.ts';
import { createRedisMail } from '../src/mail/redis.ts';
import { createRedisHistory } from '../src/mail/redis-history.ts';
import { openRedis } from '../src/store/redis.ts';
import { accept } from '../src/turns/accept.ts';
import { createRecentStops } from '../src/turns/overtaken.ts';

/**
 * A machine that only takes webhooks: the real routes, and mail in Redis. Says its port, and at the end of its
 * input the CPU time that it took since then (µs).
 *
 *   node bench/redis-accept-server.ts REDIS_URL PREFIX BOT_ID BOT_KEY
 */
const [url = '', prefix = '', id = '', key = ''] = process.argv.slice(2);

const dir = mkdtempSync(join(tmpdir(), 'campfire-bench-'));
const bot = {
  bot_id: id,
  bot_key: key,
  name: 'Bench',
  model: 'claude-haiku-4-5',
  system_prompt: 'Be brief.',
};
writeFileSync(join(dir, 'bench.json'), JSON.stringify(bot));
const bots = openBots({ dir, variable: () => undefined, onChange: () => {} });
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));

const store = await openRedis(url, prefix);
const mail = createRedisMail(store, clock, soleOwnership('bench'));
const history = createRedisHistory(store, clock);
const nobody = {
  stops: createRecentStops(clock),
  emit: () => {},
  isBot: () => false,
  onAccepted: () => {},
  onDecided: () => {},
};
const app = createHttp({
  routes: [
    intakeRoutes({
      bots,
      settings: { webhookToken: undefined, publicUrl: undefined },
      accept: (forBot, message) =>
        accept(forBot, message, { mail, history, seen: { mark: () => {} }, clock, ...nobody }),
      remoteAddress,
      onRefused: ({ reason }) => process.stderr.write(`refused: ${reason}\n`),
    }),
  ],
  health: async () => ({}),
  readiness: () => ({ ready: true }),
  onError: (error) => process.stderr.write(`${error}\n`),
});
const { port } = await listen(app, { host: '127.0.0.1', port: 0 }, clock);
const started = process.cpuUsage();
process.stdout.write(`${port}\n`);
process.stdin.resume().once('end', () => {
  const { user, system } = process.cpuUsage(started);
  process.stdout.write(`${user + system}\n`, () => process.exit());
});
