import { createSharedSource } from '../../src/console/shared-source.ts';
import type { LifecycleEvent, SessionName, SessionPath } from '../../src/telemetry/events.ts';
import {
  botsNamed,
  type ConsoleStage,
  type ConsoleWorld,
  emptyWorld,
  megabyte,
  stageSource,
} from './console-stage.ts';

/** Two hours of a service's life for the pictures of the console: the same ones every time. */

const rooms: Record<string, string> = {
  ...{ 1: 'HQ', 2: 'Harbour pilots', 3: '运营周会', 5: 'Invoices 2026', 7: 'On call', 8: 'Design review' },
  9: 'A room whose name somebody made far too long to fit anywhere at all',
};
const bots = ['helper', 'researcher', 'clerk'];

/** Numbers from 0 to 1 that look random and are the same every time. */
function dice(): () => number {
  let state = 7;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

type Tell = (event: LifecycleEvent) => void;

/** Everything happens at the time that `at` sets, in ms before now. */
function teller(stage: ConsoleStage): { at: (beforeMs: number) => void; tell: Tell } {
  return {
    at: (beforeMs) => {
      stage.world.shiftMs = -beforeMs;
    },
    tell: (event) => stage.source.hear(event),
  };
}

const usual: readonly [SessionPath, number][] = [
  ['hot', 0.62],
  ['resumed', 0.86],
  ['claimed', 0.94],
  ['opened', 1],
];
const startMs: Record<SessionPath, number> = { hot: 0, claimed: 0, resumed: 420, opened: 510 };

export async function quietScene(): Promise<ConsoleStage> {
  const stage = stageSource(emptyWorld());
  stage.source.hear(started);
  return stage;
}

const started: LifecycleEvent = {
  ...{ type: 'service.started', version: '0.1.0', url: 'http://0.0.0.0:8000', containment: 'namespace' },
  detail: 'bubblewrap makes pid namespaces here',
};

/** A working day: some 80 turns, nine sessions, evictions now and then. */
export async function busyScene(change: (world: ConsoleWorld) => void = () => {}): Promise<ConsoleStage> {
  const random = dice();
  const world = { ...emptyWorld(), bots: botsNamed(...bots), spares: 1, showText: true, shiftMs: -7_100_000 };
  change(world);
  const stage = stageSource(world);
  const { at, tell } = teller(stage);
  at(7_100_000);
  tell(started);
  for (const [room, name] of Object.entries(rooms)) {
    for (const bot of bots) stage.source.heard(bot, heard(Number(room), name));
  }
  let turn = 400;
  for (let before = 7_080_000; before > 20_000; before -= 20_000 + random() * 130_000) {
    playTurn(
      { at, tell, random },
      String(turn++),
      before,
      pick(Object.keys(rooms), random),
      pick(bots, random),
    );
    await sampleAt(stage, at, before - 10_000, random);
  }
  for (let before = 7_080_000; before >= 0; before -= 15_000) await sampleAt(stage, at, before, random);
  at(0);
  nowRunning(stage, tell);
  return stage;
}

function heard(roomId: number, roomName: string) {
  return { roomId, roomName, messageId: 90_000, plain: 'How many boats were in the harbour last week?' };
}

function pick<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(random() * list.length)] as T;
}

/** Samples out of order would be none: they are collected first. */
const untaken = new WeakMap<ConsoleStage, number>();

async function sampleAt(
  stage: ConsoleStage,
  at: (beforeMs: number) => void,
  before: number,
  random: () => number,
): Promise<void> {
  if (before > (untaken.get(stage) ?? Number.POSITIVE_INFINITY)) return;
  untaken.set(stage, before);
  const { world } = stage;
  const wave = Math.sin(before / 600_000) + 1;
  const count = Math.round(3 + 3 * wave + random());
  const kept = { ...world };
  Object.assign(world, {
    usedMb: 420 + count * 118 + random() * 40,
    sessions: Array.from({ length: count }, (_, index) => ({
      ...{ id: `${index}:helper`, pid: 1, turns: 1, idleSeconds: 0, memoryBytes: 112 * megabyte },
      state: index < wave * 1.4 ? 'busy' : index === 5 && random() > 0.7 ? 'starting' : 'idle',
    })),
    mail: { ...world.mail, waiting: random() > 0.92 ? Math.round(random() * 5) : 0 },
  });
  at(before);
  stage.sample();
  await new Promise((resolve) => setImmediate(resolve));
  Object.assign(world, { ...kept, shiftMs: world.shiftMs });
}

interface Play {
  at: (beforeMs: number) => void;
  tell: Tell;
  random: () => number;
}

function playTurn({ at, tell, random }: Play, turn: string, before: number, room: string, bot: string): void {
  const session = `${Number(room)}:${bot}` as SessionName;
  const roll = random();
  const path = usual.find(([, until]) => roll <= until)?.[0] ?? 'hot';
  const waitedMs = Math.round(random() > 0.9 ? 2_000 + random() * 9_000 : 4 + random() * 20);
  const workMs = Math.round(900 + random() ** 3 * 26_000);
  const failed = random() > 0.94;
  let left = before;
  if (path !== 'hot' && random() > 0.5) {
    at(left + 60_000);
    const detail = `evicted ${session}: idle 48 s, 131 MB, to admit 2:clerk at 1604 of 1900 MB`;
    if (random() > 0.6) tell({ type: 'session.evicted', session, reason: 'memory', detail });
    else tell({ type: 'session.expired', session, idleSeconds: 300 });
  }
  at(left);
  if (waitedMs > 1000)
    tell({ type: 'turn.waiting', session, reason: 'memory', detail: '96 MB short at 1588 of 1900 MB' });
  left -= waitedMs;
  at(left);
  if (path !== 'hot')
    tell({ type: 'session.opening', session, path, detail: '420 MB to spare at 1180 of 1900 MB' });
  tell({
    type: 'turn.started',
    session,
    turn,
    messageIds: [90_000 + Number(turn)],
    attempt: 1,
    path,
    waitedMs,
  });
  at(left - startMs[path]);
  if (startMs[path] > 0) tell({ type: 'session.opened', session, path, pid: 4000, openMs: startMs[path] });
  for (const tool of ['Read', 'Grep', 'mcp__campfire__save_file'].slice(0, Math.floor(random() * 4)))
    tell({ type: 'turn.step', session, turn, tool });
  left -= startMs[path] + workMs;
  at(left);
  const cause = failed ? 'API Error: 500 internal server error' : null;
  const spent = {
    costUsd: 0.004 + random() * 0.09,
    tokens: {
      ...{ input: Math.round(random() * 900), output: Math.round(80 + random() * 1800) },
      ...{ cacheRead: Math.round(4000 + random() * 30_000), cacheWrite: Math.round(random() * 3000) },
    },
  };
  tell({ type: 'turn.spent', session, turn, bot, ...spent });
  tell({
    ...{ type: 'turn.decided', session, turn, outcome: failed ? 'failed' : 'answered', path, cause },
    ...{ durationMs: startMs[path] + workMs, ...spent },
  });
  at(left - 40 - random() * 120);
  tell({ type: 'delivery.sent', session, turn, ordinal: 0, campfireId: 1 });
  if (path === 'resumed')
    tell({ type: 'session.closed', session, reason: 'idle', closeMs: 31, forced: null });
}

/** What goes on at this moment, and something of each kind among the newest turns. */
function nowRunning(stage: ConsoleStage, tell: Tell): void {
  const { world, source } = stage;
  const states = ['busy', 'busy', 'starting', 'idle', 'idle', 'idle', 'idle', 'idle', 'closing'];
  world.sessions = states.map((state, index) => ({
    ...{ id: `${[1, 2, 3, 5, 7, 8, 9, 1, 2][index]}:${bots[index % 3]}` as SessionName, state },
    ...{ pid: state === 'starting' ? null : 4100 + index * 13, turns: (index * 7) % 11 },
    ...{
      idleSeconds: state === 'idle' ? 12 + index * 29 : 0,
      memoryBytes: (98 + ((index * 37) % 90)) * megabyte,
    },
  }));
  for (const { id } of world.sessions)
    tell({ type: 'session.opened', session: id, path: 'opened', pid: 1, openMs: 400 });
  world.usedMb = 1240;
  world.waiting = [{ id: '9:helper', sinceMs: Date.now() - 4_000, reason: 'memory' }];
  world.mail = { waiting: 2, running: 3, withoutOutcome: 5, undelivered: 0 };
  source.heard('helper', {
    ...heard(1, 'HQ'),
    messageId: 95_001,
    plain: 'Summarise the minutes of Tuesday, please.\nAnd list who has to do what.',
  });
  world.shiftMs = -9_000;
  const running = { session: '1:helper', turn: '980' } as const;
  tell({
    type: 'turn.started',
    ...running,
    messageIds: [95_001],
    attempt: 2,
    path: 'resumed',
    waitedMs: 3_100,
  });
  tell({ type: 'turn.step', ...running, tool: 'Read' });
  tell({
    type: 'session.died',
    session: '1:helper',
    cause: 'Command failed with exit code -9',
    death: 'oom',
  });
  tell({ type: 'turn.retried', ...running, cause: 'Command failed with exit code -9' });
  tell({ type: 'turn.step', ...running, tool: 'mcp__campfire__save_file' });
  world.shiftMs = -6_000;
  tell({ type: 'session.opened', session: '1:helper', path: 'resumed', pid: 4100, openMs: 460 });
  world.shiftMs = -3_000;
  tell({
    type: 'turn.started',
    session: '2:researcher',
    turn: '981',
    messageIds: [95_002],
    attempt: 1,
    path: 'hot',
    waitedMs: 14,
  });
  tell({ type: 'turn.step', session: '2:researcher', turn: '981', tool: 'WebSearch' });
  tell({
    type: 'message.refused',
    session: '7:clerk',
    messageId: 95_003,
    reason: 'author-here',
    count: 11,
    limit: 10,
  });
  world.shiftMs = 0;
  const until = Date.now();
  world.files = ['Harbour report.pdf', 'boats.csv', '运营周会纪要.html'].map((name, index) => ({
    ...{
      botId: bots[index % 3] ?? '',
      roomId: index + 1,
      turnId: '1',
      id: `f${index}`,
      as: 'link',
      source: '',
    },
    ...{
      name,
      title: name.replace(/\.\w+$/, ''),
      mediaType: 'application/pdf',
      bytes: 48_213 * (index * 9 + 1),
    },
    ...{
      digest: '',
      createdAt: until - 600_000,
      expiresAt: until + 1_500_000 * (index + 1),
      usedAt: 0,
      hits: index * 3,
    },
  }));
}

/** Everything at once: Campfire away, no disk, memory critical, and two bots in trouble. */
export async function troubleScene(): Promise<ConsoleStage> {
  const stage = await busyScene((world) => {
    const { all } = world.bots;
    world.bots = {
      all,
      problems: () => [
        {
          ...{
            file: 'personal.json',
            field: 'tools',
            problem: 'names "Bsah", which is no tool.',
            keepsLastGood: false,
          },
          remedy: 'Did you mean "Bash"?',
        },
      ],
    };
  });
  const { world, source } = stage;
  const since = Date.now() - 260_000;
  const bad = { state: 'unhealthy', since, probes: 3, probeAt: since } as const;
  world.campfire = {
    ...bad,
    problem: 'Campfire is not there (connect ECONNREFUSED 10.0.0.4:443)',
    remedy: 'Start Campfire, or check CAMPFIRE_URL.',
  };
  world.botHealth = {
    clerk: {
      ...bad,
      problem: 'Campfire does not know the key',
      remedy: 'Copy it anew from Campfire’s account settings. It belongs in clerk.json.',
    },
  };
  world.storage = { kind: 'full', freeBytes: 3 * megabyte };
  Object.assign(world, { usedMb: 1820, level: 'critical' });
  world.mail = { waiting: 14, running: 2, withoutOutcome: 16, undelivered: 9 };
  source.hear({ type: 'campfire.unhealthy', problem: world.campfire.problem, remedy: world.campfire.remedy });
  source.hear({ type: 'storage.trouble', kind: 'full', problem: '3 MB are free', remedy: 'Make room.' });
  source.hear({
    type: 'turn.decided',
    session: '2:researcher',
    turn: '981',
    outcome: 'answered',
    path: 'hot',
    durationMs: 3000,
    costUsd: 0.031,
    tokens: null,
    cause: null,
  });
  source.hear({
    type: 'delivery.retrying',
    session: '2:researcher',
    turn: '981',
    problem: 'connect ECONNREFUSED 10.0.0.4:443',
    retryMs: 4000,
  });
  return stage;
}

/** Five hundred sessions. */
export async function crowdScene(): Promise<ConsoleStage> {
  const stage = await busyScene();
  const { world } = stage;
  Object.assign(world, { limitMb: 98_304, usedMb: 71_200 });
  world.sessions = Array.from({ length: 500 }, (_, index) => ({
    ...{ id: `${index + 1}:${bots[index % 3]}` as SessionName, pid: 5000 + index, turns: (index * 13) % 40 },
    ...{ state: index % 9 === 0 ? 'busy' : 'idle', idleSeconds: (index * 17) % 290 },
    memoryBytes: (96 + ((index * 31) % 120)) * megabyte,
  }));
  return stage;
}

/** The busy day on three machines, one of which is missing. */
export async function machinesScene(): Promise<ConsoleStage> {
  const [stage, other] = [await busyScene(), await busyScene()];
  const now = Date.now();
  const seen = {
    version: '0.1.0',
    role: 'all',
    state: 'open',
    startedAt: now - 7_100_000,
    seenAt: null,
  } as const;
  const memoryOf = ({ usedMb, limitMb }: ConsoleWorld) => ({
    ...{ usedBytes: usedMb * megabyte, limitBytes: limitMb * megabyte },
    percent: Math.round((usedMb / limitMb) * 100),
  });
  const shared = createSharedSource({
    ...{ local: stage.source, showText: true, clock: stage.clock },
    machines: {
      rows: () => [
        { ...seen, label: 'harbour-3f2a', memory: memoryOf(stage.world) },
        { ...seen, label: 'harbour-91c0', state: 'waiting', memory: memoryOf(other.world) },
        {
          ...{ ...seen, label: 'quay-7d1e', role: 'worker', state: 'missing', memory: null, startedAt: null },
          seenAt: now - 190_000,
        },
      ],
      sessions: async () => [],
      looks: async (limits) => new Map([['harbour-91c0', await other.source.share(limits)]]),
      closeSession: async () => 'closed',
    },
  });
  return { ...stage, source: { ...stage.source, ...shared } };
}
