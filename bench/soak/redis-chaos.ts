import { dirname, join } from 'node:path';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { eventually } from '../../test/support/eventually.ts';
import { type MachineStage, setMachines } from '../../test/support/machines.ts';
import type { Service } from '../../test/support/service.ts';
import { pick, type Random, seeded } from './chaos.ts';
import { endAll, processesIn } from './processes.ts';
import { hotOfPossible, isAnswered, type RedisChaosReport, type Said } from './redis-chaos-table.ts';
import { withScope } from './scope.ts';
import { type Spoken, talk } from './talk.ts';

/** Three real machines on one real Redis that answer people while machines and Redis fail, or while nothing does. */

export interface RedisChaosOptions {
  minutes: number;
  seed: number;
  /** What is done to machines and Redis, in random order; nothing when empty. */
  faults: readonly Fault[];
  /** Conversations at a time. */
  talkers: number;
  tell(line: string): void;
}

export const faults = ['killed', 'stopped', 'redis', 'rolled', 'stopped and redis'] as const;
export type Fault = (typeof faults)[number];

const names = ['one', 'two', 'three'];
const rooms = 40;
/** Of each machine: with three of them, all rooms' sessions have room if they are shared out fairly well. */
const sessionsMax = 20;
const drainMaxMs = 120_000;
/** Somebody who has no answer by then asks something else. */
const patienceMs = 60_000;
const lookMs = 250;
/** What restarts machines one after another gives each new one some time before it goes on. */
const rollPauseMs = 10_000;
/** What was refused is fetched when its webhook cannot be under way any more, after the rooms before it. */
const fetchMaxMs = 45_000;

interface Run {
  stage: MachineStage;
  /** What a start compiles is kept for the next one, as in the image. */
  compileCache: string;
  random: Random;
  machines: Map<string, Service>;
  lives: Service[];
  said: Spoken[];
  statuses: Map<number, number | null>;
  faults: Record<string, number>;
  exitCodes: (number | string)[];
  tell(line: string): void;
}

export function runRedisChaos({
  minutes,
  seed,
  faults: kinds,
  talkers,
  tell,
}: RedisChaosOptions): Promise<RedisChaosReport> {
  return withScope(async (scope) => {
    const stage = await setMachines(scope, { rooms });
    const folder = dirname(stage.dataDir('one'));
    scope.after(() => endAll(folder));
    const run: Run = {
      ...{ stage, random: seeded(seed), tell, machines: new Map(), lives: [], said: [] },
      compileCache: join(folder, 'compile-cache'),
      ...{ statuses: new Map(), faults: {}, exitCodes: [] },
    };
    stage.campfire.events.subscribe((event) => {
      if (event.type === 'delivery.answered')
        run.statuses.set(event.delivery.messageId, event.delivery.status);
    });
    await Promise.all(names.map((name) => start(run, name)));
    const over = new AbortController();
    const say = stage.say.bind(stage);
    const sleep = clock.sleep.bind(clock);
    const talking = talk(
      { seed, rooms, talkers, say, sleep, answered: (message, over) => answered(stage, message, over) },
      (spoken) => run.said.push(spoken),
      over.signal,
    );
    try {
      const untilMs = clock.monotonicMs() + minutes * 60_000;
      if (kinds.length > 0) await fail(run, kinds, untilMs);
      else await clock.sleep(minutes * 60_000);
    } finally {
      over.abort();
      await talking;
    }
    const undrained = await drain(run);
    for (const machine of run.machines.values()) run.exitCodes.push(await machine.stop());
    await eventually('nothing to be left', () => processesIn(folder).length === 0, 2_000).catch(() => null);
    return {
      ...{
        minutes,
        seed,
        talkers,
        said: judge(run),
        faults: run.faults,
        exitCodes: run.exitCodes,
        undrained,
      },
      doubts: eventsOf(run, 'delivery.in_doubt').length,
      hot: hotOfPossible(turnsOf(run)),
      leakedProcesses: processesIn(folder).map(({ argv }) => argv.join(' ').trim()),
    };
  });
}

async function start(run: Run, name: string): Promise<void> {
  const env = { MAX_SESSIONS: String(sessionsMax), NODE_COMPILE_CACHE: run.compileCache };
  const machine = await run.stage.machine(name, env);
  run.machines.set(name, machine);
  run.lives.push(machine);
  run.stage.route(...run.machines.values());
}

async function fail(run: Run, kinds: readonly Fault[], untilMs: number): Promise<void> {
  const isRolling = kinds.every((kind) => kind === 'rolled');
  for (let turn = 0; clock.monotonicMs() < untilMs; turn++) {
    await clock.sleep(isRolling ? rollPauseMs : 1_000 + 4_000 * run.random());
    const kind = pick(run.random, kinds) ?? 'killed';
    const name = (isRolling ? names[turn % names.length] : pick(run.random, names)) ?? 'one';
    run.faults[kind] = (run.faults[kind] ?? 0) + 1;
    run.tell(`${kind}: ${kind === 'redis' ? '' : name} (${run.said.length} messages so far)`);
    if (kind === 'redis') await killRedis(run);
    else if (kind === 'stopped and redis') await Promise.all([stopAndGoOn(run, name), killRedis(run)]);
    else if (kind === 'stopped') await stopAndGoOn(run, name);
    else await restart(run, name, kind);
  }
}

async function killRedis({ stage, random }: Run): Promise<void> {
  await stage.redis.kill();
  await clock.sleep(1_000 + 4_000 * random());
  await stage.redis.start();
}

/** For longer than a machine's right to a conversation lasts without being renewed. */
async function stopAndGoOn({ machines, random }: Run, name: string): Promise<void> {
  const child = machines.get(name)?.child;
  child?.kill('SIGSTOP');
  await clock.sleep(12_000 + 3_000 * random());
  child?.kill('SIGCONT');
}

async function restart(run: Run, name: string, kind: 'killed' | 'rolled'): Promise<void> {
  const end = await run.machines.get(name)?.stop(kind === 'killed' ? 'SIGKILL' : 'SIGTERM');
  if (kind === 'rolled' && end !== undefined) run.exitCodes.push(end);
  await start(run, name);
}

/** How much waits when everything is done or the time for it is up. */
async function drain(run: Run): Promise<number> {
  const { machines, stage } = run;
  let waiting = 0;
  await eventually(
    'nothing to be left',
    async () => {
      const counts = [...machines.values()].map(async (machine) => {
        const { messages_without_outcome: open } = await machine.health();
        return open + (await machine.metric('outbox_undelivered'));
      });
      waiting = Math.max(...(await Promise.all(counts)));
      return waiting === 0 && stage.campfire.webhooks.waiting === 0;
    },
    drainMaxMs,
  ).catch(() => null);
  await eventually('what was refused to be fetched', () => judge(run).every(isAnswered), fetchMaxMs).catch(
    () => null,
  );
  return waiting;
}

async function answered(stage: MachineStage, message: Spoken['message'], over: AbortSignal): Promise<void> {
  const untilMs = clock.monotonicMs() + patienceMs;
  while (!over.aborted && clock.monotonicMs() < untilMs && answersTo(stage, message).length === 0)
    await clock.sleep(lookMs, over);
}

function answersTo(stage: MachineStage, { id, roomId }: Pick<Spoken['message'], 'id' | 'roomId'>) {
  const mark = new RegExp(`class="m${id}-0\\b`);
  return stage.answersIn(roomId).filter(({ html }) => mark.test(html ?? ''));
}

function judge(run: Run): Said[] {
  const turns = eventsOf(run, 'turn.started').map(({ messageIds }) => messageIds as number[]);
  const lastOf = new Map(turns.flatMap((ids) => ids.map((id) => [id, ids.at(-1) ?? id] as const)));
  return run.said.map(({ message, modelMs }) => {
    const { id, roomId, createdAt } = message;
    const own = answersTo(run.stage, message);
    const last = lastOf.get(id) ?? id;
    const [answer] = own.length > 0 ? own : answersTo(run.stage, { id: last, roomId });
    return {
      ...{ id, status: run.statuses.get(id) ?? null, answers: own.length },
      withAnother: own.length === 0 && answer !== undefined,
      waitMs: answer ? Math.max(0, (answer.editedAt ?? answer.createdAt) - createdAt - modelMs) : null,
    };
  });
}

function eventsOf({ lives }: Run, type: string): Array<Record<string, unknown>> {
  return lives.flatMap((life) => life.events(type));
}

function turnsOf(run: Run) {
  return eventsOf(run, 'turn.started').map(({ session, path, time }) => ({
    ...{ session: String(session), path: String(path), atMs: new Date(time as string | number).getTime() },
  }));
}
