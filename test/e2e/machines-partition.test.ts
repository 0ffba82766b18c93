import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { processesIn } from '../../bench/soak/processes.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import type { Message } from '../../src/playground/records.ts';
import { readStat } from '../../src/processes/proc.ts';
import type { RedisStore } from '../../src/store/redis.ts';
import { eventually } from '../support/eventually.ts';
import { type MachineStage, setMachines } from '../support/machines.ts';
import { type Cable, cableTo, noCables } from '../support/partition.ts';
import { redisServer, redisStore } from '../support/redis.ts';
import type { Service } from '../support/service.ts';
import { hasAnswered } from '../support/transcripts.ts';

/**
 * Machines that Redis is silent to, and Campfire is not: packets vanish both ways, and no connection breaks. Real
 * services, each with a network cable of its own to one real Redis.
 */

const names = ['one', 'two', 'three', 'four', 'five'] as const;
type Name = (typeof names)[number];

/** A service that can be made to stand still at a point of a message's way. */
const command = [
  process.execPath,
  '--no-warnings',
  join(import.meta.dirname, '../fixtures/crash/service.ts'),
];

describe('cut off from Redis', { skip: noCables() }, () => {
  const undo: Array<() => unknown> = [];
  const scope = { after: (step: () => unknown) => undo.unshift(step) };
  let stage: MachineStage;
  let store: RedisStore;
  let machines: Record<Name, Service>;
  let cables: Record<Name, Cable>;

  before(async () => {
    const redis = await redisServer(scope, { isApart: true });
    const cableOf = names.map((name, n) => [name, cableTo(redis, n)] as const);
    cables = Object.fromEntries(cableOf) as typeof cables;
    store = await redisStore(scope, cableTo(redis, names.length).url);
    stage = await setMachines(scope, { rooms: 9, redis });
    const start = async (name: Name) =>
      [name, await stage.machine(name, { REDIS_URL: cables[name].url }, command)] as const;
    machines = Object.fromEntries(await Promise.all(names.map(start))) as typeof machines;
    await allKnown();
  });
  after(async () => {
    for (const step of undo) await step();
  });

  test('for less than its lease: the turn that ended meanwhile is answered and remembered, and begun by nobody else', async (t) => {
    const { one } = machines;
    const message = await ask('one', 1, 'tell me something for 3 seconds');
    const sinceMs = clock.monotonicMs();
    cables.one.cut();
    await eventually('the agent has answered', () => hasAnswered(stage.dataDir('one')));
    await eventually('it is noticed', () => one.events('redis.away').length === 1);
    cables.one.mend();
    t.diagnostic(`cut off for ${Math.round(clock.monotonicMs() - sinceMs)} ms`);
    await eventually('it is over', () => one.events('redis.back').length === 1);
    await stage.answers(1, 1);
    await allSettled();
    assert.equal(answersTo(message), 1);
    assert.deepEqual(begunBy(1), ['one']);
    assert.deepEqual(one.events('conversation.lost'), []);
    assert.equal(await recordOf(1, 'turns'), '1');
    assert.match(JSON.stringify(await transcriptOf(1)), /end_turn/);
  });

  describe('for longer', () => {
    let inTurn: Message;
    let decided: Message;
    let taken: Message;
    let paused: Message;
    let meanwhile: Message;
    let readyStatus = 0;
    let kept: string[];

    before(async () => {
      decided = await cutAt('two', 3, 'after mailDecide');
      taken = await cutAt('three', 4, 'after mailTake of row 0');
      paused = await stoppedAt('five', 9, 'connecting: POST messages');
      inTurn = await ask('one', 2, 'tell me something for 6 seconds');
      cables.one.cut();
      stage.model.skipPacing();
      stage.route(...names.filter((name) => name !== 'five').map((name) => machines[name]));
      meanwhile = stage.say(5, 'is somebody there?');
      await eventually('what was cut off is settled', () => settled(machines.four), 30_000);
      readyStatus = (await fetch(`${machines.one.url}/ready`)).status;
      kept = await transcriptOf(2);
      for (const name of ['one', 'two', 'three'] as const) cables[name].mend();
      machines.five.child.kill('SIGCONT');
      await allKnown();
      await allSettled();
    });

    test('in the middle of a turn: another machine begins it anew, and the first ends its session and adds nothing', async () => {
      const { one } = machines;
      await eventually('it hears that it has lost', () => one.events('conversation.lost').some(isOf(2)));
      await eventually('its session is gone', () => one.events('session.closed').some(isOf(2)));
      assert.equal(answersTo(inTurn), 1);
      assert.deepEqual(begunBy(2), ['one', 'four']);
      assert.deepEqual(sentBy(2), ['four']);
      assert.deepEqual(await transcriptOf(2), kept);
    });

    test('between a decision and its post: another machine posts it', () => {
      assert.equal(answersTo(decided), 1);
      assert.deepEqual([begunBy(3), sentBy(3)], [['two'], ['four']]);
    });

    test('while a post is sent: another machine finds it in the room', () => {
      assert.equal(answersTo(taken), 1);
      assert.deepEqual([begunBy(4), sentBy(4)], [['three'], ['four']]);
      assert.equal(machines.four.events('delivery.in_doubt').filter(isOf(4)).length, 1);
    });

    test('standing still right before a post: another machine posts it, and the first one lets it be', () => {
      assert.equal(answersTo(paused), 1);
      assert.deepEqual([begunBy(9), sentBy(9)], [['five'], ['four']]);
    });

    test('others go on, and who was cut off takes part again by itself', async () => {
      assert.equal(readyStatus, 503);
      assert.equal(answersTo(meanwhile), 1);
      for (const [n, name] of (['one', 'two', 'three'] as const).entries()) {
        await ask(name, 6 + n, 'are you back?');
        await stage.answers(6 + n, 1);
      }
    });
  });

  test('stopped, the machines leave nothing behind', async () => {
    const ends = await Promise.all(names.map((name) => machines[name].stop()));
    assert.deepEqual(ends, [0, 0, 0, 0, 0]);
    assert.deepEqual(processesIn(dirname(stage.dataDir('one'))), []);
  });

  /** A question whose turn has begun on a machine: it is asked first about the rooms that it served last. */
  async function ask(name: Name, room: number, text: string): Promise<Message> {
    const machine = readFileSync(join(stage.dataDir(name), 'instance'), 'utf8').trim();
    await store.call('SET', store.key('home', 'assistant', room), machine);
    stage.route(machines[name]);
    const calls = stage.model.calls;
    const message = stage.say(room, text);
    const hasBegun = () => begunBy(room).length > 0 && stage.model.calls > calls;
    await eventually('its turn has begun', hasBegun, 30_000);
    assert.deepEqual(begunBy(room), [name]);
    return message;
  }

  /** A question whose machine is cut off in the moment in which it passes a point. */
  async function cutAt(name: Name, room: number, point: string): Promise<Message> {
    const message = await stoppedAt(name, room, point);
    cables[name].cut();
    machines[name].child.kill('SIGCONT');
    return message;
  }

  /** A question whose machine stands still in the moment in which it passes a point. */
  async function stoppedAt(name: Name, room: number, point: string): Promise<Message> {
    const file = join(stage.dataDir(name), 'stop-at');
    writeFileSync(file, point);
    const message = await ask(name, room, 'hello');
    const { pid = 0 } = machines[name].child;
    await eventually(`it stands at ${point}`, () => readStat(pid)?.state === 'T');
    rmSync(file);
    return message;
  }

  function allKnown(): Promise<unknown> {
    return eventually('they know each other, and Redis', async () => {
      const healths = names.map(async (name) => {
        const health = await machines[name].health();
        return 'machines' in health && health.machines === names.length && health.status === 'ok';
      });
      return (await Promise.all(healths)).every(Boolean);
    });
  }

  async function allSettled(): Promise<void> {
    for (const name of names)
      await eventually(`${name} has nothing left`, () => settled(machines[name]), 30_000);
  }

  function begunBy(room: number): Name[] {
    return names.filter((name) => machines[name].events('turn.started').some(isOf(room)));
  }

  function sentBy(room: number): Name[] {
    const isAnswer = (event: Record<string, unknown>) => isOf(room)(event) && event.ordinal === 0;
    return names.filter((name) => machines[name].events('delivery.sent').some(isAnswer));
  }

  function recordOf(room: number, field: string): Promise<string> {
    return store.call('HGET', store.key('sessions', 'of', `${room}:assistant`), field);
  }

  async function transcriptOf(room: number): Promise<string[]> {
    const memory = await recordOf(room, 'memory');
    const lines = await store.call<string[]>('LRANGE', store.key('sessions', 'lines', memory, ''), 0, -1);
    assert.ok(lines.length > 0);
    return lines;
  }

  function answersTo({ id, roomId }: Message): number {
    const mark = new RegExp(`class="m${id}-0\\b`);
    return stage.answersIn(roomId).filter(({ html }) => mark.test(html ?? '')).length;
  }
});

const isOf = (room: number) => (event: Record<string, unknown>) => event.session === `${room}:assistant`;

async function settled(machine: Service): Promise<boolean> {
  const { messages_without_outcome: open } = await machine.health();
  return open === 0 && (await machine.metric('outbox_undelivered')) === 0;
}
