import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../test/support/eventually.ts';
import type { Service } from '../../test/support/service.ts';
import { type Stage, setStage } from '../../test/support/stage.ts';
import { type Kills, killSomeone, pick, type Random, seeded } from './chaos.ts';
import { leftFiles } from './leftovers.ts';
import { type SoakModel, startSoakModel } from './model.ts';
import { endAll, processesIn, pssOf } from './processes.ts';
import { type Scope, withScope } from './scope.ts';
import { type Point, type Slope, sharedSlope } from './statistics.ts';

/**
 * Many short sessions of the real service with the real `claude`, while agents, tool servers and the service itself are
 * killed at random; then a look at what that has left behind.
 */
export interface SoakOptions {
  /** Ends after so many sessions, or after so many minutes, whichever comes first. */
  sessions: number;
  minutes: number | null;
  seed: number;
  containment: 'auto' | 'group';
  /** False: the negative control, in which nobody ends what is left over. */
  reaper: boolean;
  tell(line: string): void;
}

export interface SoakReport {
  options: SoakOptions;
  containment: string;
  seconds: number;
  sessions: number;
  messages: number;
  kills: Kills & { service: number };
  /** Command lines of processes that were left at the end. */
  leakedProcesses: string[];
  leakedFiles: string[];
  /** Messages that were accepted and got neither an answer nor a sentence. */
  lost: string[];
  /** Messages that were answered twice. */
  duplicates: string[];
  /** Turns that were killed three times: the room was told so. */
  sentences: number;
  /**
   * Bytes per session: what the service holds after collecting its garbage, the same in the second half of these
   * readings, what of all is compiled code, and its proportional memory.
   */
  heap: Slope;
  heapLater: Slope;
  code: Slope;
  pss: Slope;
  exitCode: number | string;
}

const root = join(import.meta.dirname, '../..');
const mcpServer = join(root, 'test/fixtures/children/mcp-server.ts');
/** Conversations that take turns, and how many of them at a time: more than there are cores only wait. */
const rooms = 40;
const speakers = 4;
/** One kill per so many sessions on average, so that a slow machine is not killed more often per turn than a fast one. */
const sessionsPerKill = 3;
/** The service is killed this many times in this share of a whole run; the rest is one long life, whose memory tells. */
const serviceKills = 5;
const killingShare = 0.15;
/** One person alone would soon be asked to slow down: 60 messages a minute in all rooms. */
const people = 4;
const serviceLifeMinMs = 12_000;
const answerLimitMs = 120_000;
const memoryEverySessions = 10;

interface Run {
  options: SoakOptions;
  stage: Stage;
  model: SoakModel;
  folder: string;
  random: Random;
  service: Service;
  lives: Service[];
  endsAtMs: number;
  restarting: Promise<void> | null;
  messages: number;
  busyRooms: Set<number>;
  kills: Kills & { service: number };
  lost: string[];
  samples: Array<Record<'heap' | 'code' | 'pss', Point[]>>;
}

export function runSoak(options: SoakOptions): Promise<SoakReport> {
  return withScope(async (scope) => {
    const startedMs = performance.now();
    const run = await setRun(scope, options);
    const over = new AbortController();
    const chaos = [
      killAgents(run, over.signal),
      killService(run, startedMs, over.signal),
      watchMemory(run, over.signal),
    ];
    await Promise.all(Array.from({ length: speakers }, (_, index) => speak(run, index)));
    over.abort();
    await Promise.all(chaos);
    await eventually(
      'every message to have its outcome',
      async () => (await run.service.health()).messages_without_outcome === 0,
      answerLimitMs,
    ).catch(() => run.lost.push('messages_without_outcome is not 0'));
    const exitCode = await run.service.stop();
    return report(run, startedMs, exitCode);
  });
}

async function setRun(scope: Scope, options: SoakOptions): Promise<Run> {
  const model = await startSoakModel();
  const stage = await setStage(scope, {
    ...{ model, rooms },
    bot: {
      tools: ['Bash', 'Read'],
      mcp_servers: { stubborn: { command: process.execPath, args: [mcpServer, 'stubborn'] } },
    },
  });
  const folder = dirname(stage.home.dataDir);
  mkdirSync(join(folder, 'tmp'));
  scope.after(() => endAll(folder));
  const held = (role: string) => `bash -c 'exec -a ${folder}/${role} sleep 1000' >/dev/null 2>&1 </dev/null`;
  model.command(
    'leave',
    `${held('background')} &\nsetsid ${held('setsid')} &\n(setsid ${held('daemon')} &)\necho left`,
  );
  const run: Run = {
    ...{
      options,
      stage,
      model,
      folder,
      random: seeded(options.seed),
      lives: [],
      restarting: null,
      messages: 0,
    },
    ...{ busyRooms: new Set(), kills: { claude: 0, mcp: 0, service: 0 }, lost: [], samples: [] },
    endsAtMs: options.minutes === null ? Infinity : performance.now() + options.minutes * 60_000,
    service: null as unknown as Service,
  };
  await begin(run);
  return run;
}

/** Starts the service, or its next life. */
async function begin(run: Run): Promise<void> {
  const { options, stage, folder } = run;
  const preload = ['memory.ts', ...(options.reaper ? [] : ['without-reaper.ts'])];
  const command = [
    ...[process.execPath, '--no-warnings', '--expose-gc', '--max-semi-space-size=2'],
    ...preload.flatMap((file) => ['--import', join(import.meta.dirname, file)]),
    join(root, 'src/server.ts'),
  ];
  const env = {
    ...{ CONTAINMENT: options.containment, ALLOW_UNCONTAINED_BASH: '1', SESSION_TTL_SECONDS: '1' },
    ...{ SHUTDOWN_GRACE_SECONDS: '25', TMPDIR: join(folder, 'tmp') },
    // What the console remembers has a bound, but one of these lives is too short to reach it.
    ADMIN_TOKEN: '',
  };
  run.service = await stage.start(env, command);
  run.lives.push(run.service);
  run.samples.push({ heap: [], code: [], pss: [] });
}

function sessionsOf(service: Service): number {
  return service.log.filter((line) => line.includes('"event":"session.opened"')).length;
}

function sessionsBegun({ lives }: Run): number {
  return lives.reduce((sum, life) => sum + sessionsOf(life), 0);
}

function isOver(run: Run): boolean {
  return sessionsBegun(run) >= run.options.sessions || performance.now() >= run.endsAtMs;
}

/** One of those who speak: a message into a free room, its answer, and the next. */
async function speak(run: Run, index: number): Promise<void> {
  const random = seeded(run.options.seed * 1000 + index);
  while (!isOver(run)) {
    await run.restarting;
    const free = Array.from({ length: rooms }, (_, room) => room + 1).filter(
      (room) => !run.busyRooms.has(room),
    );
    const room = pick(random, free) ?? 1;
    run.busyRooms.add(room);
    const count = random() < 0.2 ? 2 : 1;
    for (let each = 0; each < count; each++)
      await converse(run, room, random() < 0.3 ? 'run leave' : 'answer now');
    run.busyRooms.delete(room);
  }
}

async function converse(run: Run, room: number, words: string): Promise<void> {
  const token = `m${++run.messages}`;
  const { stage } = run;
  const before = stage.answersIn(room).length;
  const { id } = stage.say(room, `${words} ${token}`, 1 + (run.messages % people));
  const delivery = await eventually(
    'the webhook to be delivered',
    () =>
      stage.campfire.webhooks.records().find(({ messageId, effect }) => messageId === id && effect !== null),
    answerLimitMs,
  );
  // One that a killed service never took is Campfire's loss: it does not deliver twice.
  const limitMs = delivery.status === 204 ? answerLimitMs : 5000;
  const answered = await eventually('an answer', () => stage.answersIn(room).length > before, limitMs).catch(
    () => false,
  );
  if (!answered && delivery.status === 204) run.lost.push(`room ${room}: ${words} ${token}`);
}

async function killAgents(run: Run, over: AbortSignal): Promise<void> {
  let next = 0;
  while (!over.aborted) {
    await pause(50 + 100 * run.random(), over);
    if (over.aborted || sessionsBegun(run) < next) continue;
    next = sessionsBegun(run) + sessionsPerKill * (0.5 + run.random());
    killSomeone(run.random, run.folder, mcpServer, run.kills);
  }
}

/** By time where that is given, else by sessions. */
async function killService(run: Run, startedMs: number, over: AbortSignal): Promise<void> {
  const lifeMs = Math.max(serviceLifeMinMs, ((run.endsAtMs - startedMs) * killingShare) / serviceKills);
  const lifeSessions = (run.options.sessions * killingShare) / serviceKills;
  while (!over.aborted && run.kills.service < serviceKills) {
    const bornMs = performance.now();
    const span = 0.75 + run.random() * 0.5;
    const isTime = () =>
      performance.now() - bornMs >= (Number.isFinite(lifeMs) ? lifeMs * span : serviceLifeMinMs) &&
      (Number.isFinite(lifeMs) || sessionsOf(run.service) >= lifeSessions * span);
    while (!over.aborted && !isTime()) await pause(200, over);
    if (over.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    run.restarting = promise;
    await run.service.stop('SIGKILL');
    run.kills.service++;
    await begin(run);
    run.restarting = null;
    resolve();
    run.options.tell(
      `service killed and started again (${run.kills.service}), ${run.messages} messages so far`,
    );
  }
}

async function watchMemory(run: Run, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await pause(500, over);
    const { service, samples } = run;
    const into = samples.at(-1);
    const sessions = sessionsOf(service);
    if (!into || sessions < (into.pss.at(-1)?.x ?? 0) + memoryEverySessions) continue;
    const seen = service.events('soak.memory').length;
    if (!service.child.kill('SIGURG')) continue;
    const reading = await eventually('a reading', () => service.events('soak.memory')[seen], 3000).catch(
      () => null,
    );
    const pss = pssOf(service.child.pid ?? 0);
    if (!reading || pss === 0) continue;
    into.heap.push({ x: sessions, y: Number(reading.heapBytes) });
    into.code.push({ x: sessions, y: Number(reading.codeBytes) });
    into.pss.push({ x: sessions, y: pss });
  }
}

async function pause(ms: number, over: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: over }).catch(() => undefined);
}

/** In a life's first sessions code is loaded and compiled and caches fill; they tell nothing about growth. */
const warmUpSessions = 200;

async function report(run: Run, startedMs: number, exitCode: number | string): Promise<SoakReport> {
  const { stage, folder, samples } = run;
  const left = () => processesIn(folder);
  await eventually('nothing to be left', () => left().length === 0, 1000).catch(() => undefined);
  const posts = Array.from({ length: rooms }, (_, index) => stage.answersIn(index + 1)).flat();
  const tokens = posts.flatMap(({ plain }) => /Answer (m\d+)/.exec(plain)?.[1] ?? []);
  const warm = (points: readonly Point[]) => points.filter(({ x }) => x >= warmUpSessions);
  return {
    ...{ options: run.options, containment: String(run.lives[0]?.events('service.started')[0]?.containment) },
    seconds: (performance.now() - startedMs) / 1000,
    sessions: sessionsBegun(run),
    ...{ messages: run.messages, kills: run.kills, lost: run.lost, exitCode },
    leakedProcesses: left().map(({ argv }) => argv.join(' ').trim()),
    leakedFiles: leftFiles(stage.home.dataDir, folder),
    duplicates: tokens.filter((token, index) => tokens.indexOf(token) !== index),
    sentences: posts.length - tokens.length,
    heap: sharedSlope(samples.map(({ heap }) => warm(heap))),
    heapLater: sharedSlope(samples.map(({ heap }) => warm(heap).slice(warm(heap).length / 2))),
    code: sharedSlope(samples.map(({ code }) => warm(code))),
    pss: sharedSlope(samples.map(({ pss }) => warm(pss))),
  };
}
