import type { TestContext } from 'node:test';
import type { Bots } from '../../src/config/bots.ts';
import { apiRoutes, metricsRoutes } from '../../src/console/api.ts';
import { botEntries } from '../../src/console/bots.ts';
import { createDoor } from '../../src/console/door.ts';
import { createLocalSource, type LocalParts, type LocalSource } from '../../src/console/local-source.ts';
import { consoleRoutes } from '../../src/console/routes.ts';
import type { KeptFile } from '../../src/downloads/kept.ts';
import { createHttp, listen, remoteAddress } from '../../src/http.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import type { SessionSnapshot } from '../../src/sessions/parts.ts';
import type { StorageState } from '../../src/store/space.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { type Health, healthy } from '../../src/turns/health.ts';

/** What the console sees, to be set as a test wants it; the console itself is the real one. */
export interface ConsoleWorld {
  sessions: SessionSnapshot[];
  spares: number;
  waiting: { id: `${number}:${string}`; sinceMs: number; reason: string }[];
  usedMb: number;
  limitMb: number;
  level: 'normal' | 'high' | 'critical';
  mail: { waiting: number; running: number; withoutOutcome: number; undelivered: number };
  bots: Pick<Bots, 'all' | 'problems'>;
  botHealth: Record<string, Health>;
  campfire: Health;
  storage: StorageState;
  files: KeptFile[];
  serving: boolean;
  showText: boolean;
  /** What was asked of it: `close 7:helper`, `reload`, `revoke x`. */
  asked: string[];
  /** Added to the time, for a past to happen in. */
  shiftMs: number;
}

export interface ConsoleStage {
  world: ConsoleWorld;
  source: LocalSource;
  clock: Clock;
  /** Takes a sample as if the time for it had come. */
  sample(): void;
  errors: unknown[];
}

export const stageToken = 'token-of-the-stage';
export const stageSecret = 'sk-very-secret-key';
export const megabyte = 1024 * 1024;

export function emptyWorld(): ConsoleWorld {
  return {
    ...{ sessions: [], spares: 0, waiting: [], usedMb: 310, limitMb: 1900, level: 'normal' },
    mail: { waiting: 0, running: 0, withoutOutcome: 0, undelivered: 0 },
    ...{ bots: botsNamed('helper'), botHealth: {}, campfire: healthy, storage: { kind: 'ok' }, files: [] },
    ...{ serving: true, showText: false, asked: [], shiftMs: 0 },
  };
}

/** Bots as the console asks for them. */
export function botsNamed(...ids: string[]): ConsoleWorld['bots'] {
  const all = ids.map((id) => ({
    id,
    name: `${id.charAt(0).toUpperCase()}${id.slice(1)}`,
    file: `${id}.json`,
  }));
  return { all: () => all as unknown as ReturnType<Bots['all']>, problems: () => [] };
}

export function stageSource(world: ConsoleWorld): ConsoleStage {
  const errors: unknown[] = [];
  let sample = () => {};
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now() + world.shiftMs,
    every(_, run) {
      sample = run;
      return () => {};
    },
  };
  const bots = {
    all: () => world.bots.all(),
    problems: () => world.bots.problems(),
    refresh: () => world.asked.push('reload'),
  } as unknown as LocalParts['bots'];
  const source = createLocalSource({
    ...{ version: '0.1.0', containment: 'namespace', highPercent: 80, showText: world.showText, bots, clock },
    pool: poolOf(world),
    mail: { counts: async () => world.mail },
    health: { bot: (id) => world.botHealth[id] ?? healthy, campfire: () => world.campfire },
    downloads: { list: async () => world.files },
    ...{
      face: () => 'full',
      storage: () => world.storage,
      isServing: () => world.serving,
      isConnected: () => true,
    },
    ...{ secrets: new Set([stageSecret]), onError: (error) => errors.push(error) },
  });
  return { world, source, clock, sample: () => sample(), errors };
}

function poolOf(world: ConsoleWorld): LocalParts['pool'] {
  return {
    snapshot: () => world.sessions,
    spares: () => world.spares,
    waiting: () => world.waiting,
    memory: () => {
      const [limitBytes, usedBytes] = [world.limitMb * megabyte, world.usedMb * megabyte];
      const reading = { limitBytes, usedBytes, availableBytes: limitBytes - usedBytes };
      const percent = Math.round((usedBytes / limitBytes) * 100);
      return {
        ...{ percent, level: world.level },
        reading: { ...reading, source: 'cgroup-v2', oomKills: 0, stallPercent: 0 },
      };
    },
    async close(id) {
      world.asked.push(`close ${id}`);
      world.sessions = world.sessions.filter((session) => session.id !== id);
      return true;
    },
  };
}

/** The application around a source, as app.ts builds it. */
export function stageApp({ world, source, clock, errors }: ConsoleStage, closing: AbortSignal) {
  const door = createDoor({ adminToken: stageToken, publicUrl: 'https://bots.example.com', clock });
  const onError = (error: unknown) => void errors.push(error);
  const downloads = {
    list: async () => world.files,
    revoke: async (id: string) => world.asked.push(`revoke ${id}`) > 0,
  };
  return createHttp({
    routes: [
      apiRoutes({
        ...{ door, downloads, reloadBots: source.reloadBots },
        sessions: async () => world.sessions.map((session) => ({ ...session, machine: 'here' })),
        closeSession: async (id) => ((await source.closeSession(id)) ? 'closed' : 'unknown'),
        usage: () => Promise.reject(new Error('not on this stage')),
        async replay({ of }) {
          world.asked.push(`replay ${JSON.stringify(of)}`);
          return [];
        },
        bots: () => botEntries(world.bots, { bot: (id) => world.botHealth[id] ?? healthy }),
      }),
      metricsRoutes(door, createMetrics()),
      consoleRoutes({ door, source, clock, closing, remoteAddress, onError }),
    ],
    ...{ health: async () => ({}), readiness: () => ({ ready: true }), onError },
  });
}

/** The console on a port of its own; it goes with the test. */
export async function serveStage(t: Pick<TestContext, 'after'>, stage: ConsoleStage): Promise<string> {
  const closing = new AbortController();
  const at = { host: '127.0.0.1', port: 0 };
  const listener = await listen(stageApp(stage, closing.signal), at, systemClock);
  t.after(async () => {
    closing.abort();
    await listener.stop();
  });
  return `http://127.0.0.1:${listener.port}`;
}
