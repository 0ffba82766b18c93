import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { systemClock as clock } from '../src/lib/clock.ts';
import { startScriptedModel } from '../src/playground/model.ts';
import { type Simulator, startSimulator } from '../src/playground/simulator.ts';
import { eventually } from '../test/support/eventually.ts';
import { type Service, serviceHome, startService } from '../test/support/service.ts';
import { type MemoryCgroup, makeMemoryCgroup } from './memory/cgroup.ts';

/**
 * The service as a process, with real agents, in a memory control group without swap, under a burst of messages from
 * many rooms. Run as a program it prints what came of the scenarios that promise 6 is about:
 *
 *   node --no-warnings bench/memory-load.ts [rooms] [how the titles of the scenarios to run begin]
 */

export interface MemoryLoadOptions {
  limitMb: number;
  rooms: number;
  /** Rooms whose bot has an MCP server that takes this much while its session runs. */
  heavy: { rooms: number; megabytes: number } | null;
  /** What another process in the same group holds all the while. */
  neighbourMb: number;
  /** False: the service believes that there is plenty, and keeps everything alive. */
  policy: boolean;
  /** How long the load may take; without the policy it ends with the first agent that the kernel kills. */
  limitMs: number;
}

export interface MemoryLoadResult {
  messages: number;
  /** What the bots posted as an outcome of a message. */
  answers: number;
  /** Outcomes of turns, failures with their cause; a message that was refused has none. */
  outcomes: Record<string, number>;
  /** Rooms without exactly one outcome for each message. */
  wrongRooms: number[];
  withoutOutcome: number;
  oomKills: number;
  /** Whether it is the process that was started, and serves. */
  serviceLives: boolean;
  peakUsedMb: number;
  mostSessions: number;
  evictions: number;
  /** Causes of agents' deaths. */
  deaths: string[];
  seconds: number;
  /** The service's log. */
  log: string[];
}

const megabyte = 1024 * 1024;
const here = import.meta.dirname;
const bots = [
  { id: 1, name: 'Assistant', key: '1-Ab1Cd2Ef3Gh4', botId: 'assistant' },
  { id: 2, name: 'Heavy', key: '2-Ab1Cd2Ef3Gh4', botId: 'heavy' },
];
/** Two people in each room, and nobody in two: whoever writes more than 60 messages a minute is told to slow down. */
const [annIn, benIn] = [(room: number) => 10 + room * 2, (room: number) => 11 + room * 2];
/** Longer than any scenario waits for a single turn, and much shorter than the test's own limit. */
const samplePeriodMs = 150;

/** Runs one scenario. Null where this user may not make a control group. */
export async function run(options: MemoryLoadOptions): Promise<MemoryLoadResult | null> {
  const name = `campfire-ai-bot-load-${process.pid}-${Math.round(clock.monotonicMs())}`;
  const cgroup = makeMemoryCgroup(name, options.limitMb * megabyte);
  if (!cgroup) return null;
  const cleanUps: Array<() => unknown> = [() => cgroup.remove()];
  const t = { after: (cleanUp?: unknown) => void cleanUps.push(cleanUp as () => unknown) };
  try {
    const stage = await setUp(t, cgroup, options);
    return await watch(stage, cgroup, options);
  } finally {
    // The last one that was set up goes first; the group goes when nothing is in it.
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  }
}

interface LoadStage {
  campfire: Simulator;
  service: Service;
}

async function setUp(
  t: { after(cleanUp?: unknown): void },
  cgroup: MemoryCgroup,
  options: MemoryLoadOptions,
): Promise<LoadStage> {
  const heavyRooms = options.heavy?.rooms ?? 0;
  const people = Array.from({ length: options.rooms }, (_, index) => [
    { id: annIn(index + 1), name: 'Ann', role: 'member' as const },
    { id: benIn(index + 1), name: 'Ben', role: 'member' as const },
  ]).flat();
  const campfire = await startSimulator({
    ...{ clock, face: 'full', workers: 8, people },
    bots: bots.map(({ botId: _, ...bot }) => ({ ...bot, webhookUrl: null })),
    rooms: Array.from({ length: options.rooms }, (_, index) => ({
      ...{ id: index + 1, name: null, kind: 'direct' as const },
      members: [annIn(index + 1), benIn(index + 1), index < heavyRooms ? 2 : 1],
    })),
  });
  t.after(() => campfire.close());
  const model = await startScriptedModel({ clock });
  t.after(() => model.close());
  const ballast = (megabytes: number) => ['--no-warnings', join(here, 'memory/ballast.ts'), `${megabytes}`];
  if (options.neighbourMb > 0) await startNeighbour(t, cgroup, ballast(options.neighbourMb));
  const servers = {
    ballast: { command: process.execPath, args: [...ballast(options.heavy?.megabytes ?? 0), 'mcp'] },
  };
  const home = serviceHome(
    t,
    Object.fromEntries(
      bots.map(({ botId, key, name }) => [
        botId,
        {
          ...{ bot_id: botId, bot_key: key, name, model: 'claude-haiku-4-5', system_prompt: 'Be brief.' },
          ...(botId === 'heavy' ? { mcp_servers: servers } : {}),
        },
      ]),
    ),
  );
  const entry = options.policy ? join(here, '../src/server.ts') : join(here, 'memory/unguarded.ts');
  const command = [...cgroup.prefix, process.execPath, '--no-warnings', entry];
  const settings = {
    CAMPFIRE_URL: campfire.url,
    ANTHROPIC_API_KEY: 'sk-ant-load',
    ANTHROPIC_BASE_URL: model.url,
  };
  const service = await startService(t, home, { ...settings, SPARE_SESSIONS: '1' }, command);
  for (const { id, botId } of bots) {
    const bot = campfire.campfire.bots.get(id);
    if (bot) bot.webhookUrl = `${service.url}/webhook/${botId}`;
  }
  return { campfire, service };
}

async function startNeighbour(
  t: { after(cleanUp?: unknown): void },
  cgroup: MemoryCgroup,
  args: string[],
): Promise<void> {
  const [program = '', ...before] = [...cgroup.prefix, process.execPath, ...args];
  const neighbour = spawn(program, before, { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => neighbour.kill('SIGKILL'));
  await new Promise((resolve) => neighbour.stdout.once('data', resolve));
}

async function watch(
  { campfire, service }: LoadStage,
  cgroup: MemoryCgroup,
  options: MemoryLoadOptions,
): Promise<MemoryLoadResult> {
  const startedMs = clock.monotonicMs();
  const rooms = Array.from({ length: options.rooms }, (_, index) => index + 1);
  // A turn of a heavy room lasts until its server has taken everything.
  const textFor = (room: number) =>
    room <= (options.heavy?.rooms ?? 0) ? 'tell me something for 3 seconds' : 'hello';
  for (const personIn of [annIn, benIn])
    for (const room of rooms)
      campfire.campfire.post(personIn(room), room, { html: `<div>${textFor(room)}</div>` });
  const answersIn = (room: number) => campfire.campfire.messagesIn(room).filter(isAnswer).length;
  const answers = () => rooms.reduce((sum, room) => sum + answersIn(room), 0);
  let peakUsedMb = 0;
  let mostSessions = 0;
  let withoutOutcome = -1;
  const deaths = () => service.events('session.died').map(({ death }) => String(death));
  const lives = () => service.child.exitCode === null && service.child.signalCode === null;
  const look = async (): Promise<boolean> => {
    peakUsedMb = Math.max(peakUsedMb, Math.round(cgroup.usedBytes() / megabyte));
    if (!lives() || (!options.policy && cgroup.oomKills() > 0 && deaths().length > 0)) return true;
    const health = await service.health().catch(() => null);
    mostSessions = Math.max(mostSessions, health?.sessions.live ?? 0);
    withoutOutcome = health?.messages_without_outcome ?? withoutOutcome;
    return answers() >= rooms.length * 2 && withoutOutcome === 0;
  };
  await eventually(
    'the load to be served',
    async () => (await look()) || clock.sleep(samplePeriodMs),
    options.limitMs,
  ).catch(() => null);
  const seconds = Math.round((clock.monotonicMs() - startedMs) / 1000);
  const result = {
    ...{ messages: rooms.length * 2, answers: answers(), withoutOutcome, serviceLives: lives() },
    ...{ wrongRooms: rooms.filter((room) => answersIn(room) !== 2), oomKills: cgroup.oomKills() },
    ...{ peakUsedMb, mostSessions, seconds, deaths: deaths() },
    ...{ evictions: service.events('session.evicted').length, outcomes: outcomesOf(service) },
  };
  if (options.policy && lives()) await service.stop();
  return { ...result, log: service.log };
}

/** What a bot posted as an outcome, by its mark; lines that tell of waiting or working have others. */
function isAnswer({ creatorId, html }: { creatorId: number; html: string | null }): boolean {
  return bots.some(({ id }) => id === creatorId) && /\bm\d+-0\b/.test(html ?? '');
}

function outcomesOf(service: Service): Record<string, number> {
  const named = service
    .events('turn.decided')
    .map(({ outcome, cause }) =>
      cause === null ? `${outcome}` : `${outcome}: ${cause}`.replace(/[\d,]+/g, '…'),
    );
  return Object.fromEntries(
    Object.entries(Object.groupBy(named, (name) => name)).map(([name, all]) => [name, all?.length ?? 0]),
  );
}

/** The scenarios of promise 6, at full size. */
export function scenarios(rooms: number): Record<string, MemoryLoadOptions> {
  const base = { rooms, heavy: null, neighbourMb: 0, policy: true, limitMs: rooms * 6_000 };
  const heavy = { rooms: Math.max(1, Math.round(rooms / 20)), megabytes: 500 };
  return {
    '1,900 MB': { ...base, limitMb: 1900 },
    '900 MB': { ...base, limitMb: 900 },
    '1,900 MB, some sessions take 500 MB more': { ...base, limitMb: 1900, heavy },
    '900 MB, some sessions take 500 MB more': { ...base, limitMb: 900, heavy },
    '1,900 MB, a neighbour takes half': { ...base, limitMb: 1900, neighbourMb: 950 },
    '900 MB, no policy': { ...base, limitMb: 900, policy: false },
  };
}

if (import.meta.main) {
  const [rooms = '200', only] = process.argv.slice(2);
  for (const [title, options] of Object.entries(scenarios(Number(rooms)))) {
    if (only !== undefined && !title.startsWith(only)) continue;
    const result = await run(options);
    if (!result) throw new Error('A memory control group cannot be made here; run this as root.');
    const { log, ...shown } = result;
    process.stdout.write(`${title}: ${JSON.stringify(shown)}\n`);
    for (const line of log) if (process.env.SHOW_LOG) process.stdout.write(`${line}\n`);
  }
}
