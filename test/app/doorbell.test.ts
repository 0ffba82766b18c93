import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { createDoorbell, type Doorbell } from '../../src/app/doorbell.ts';
import { createHeartbeats, type Heartbeats, type MachineState } from '../../src/app/heartbeats.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import type { Conversation } from '../../src/mail/mail.ts';
import { openBells } from '../../src/store/bells.ts';
import type { SessionName } from '../../src/telemetry/events.ts';
import { eventually } from '../support/eventually.ts';
import { redisServer, redisStore } from '../support/redis.ts';

const conversation = { botId: 'helper', roomId: 1 };
const news = { ...conversation, atOnce: false };

/** A machine of which only its doorbell is real. */
interface Machine {
  name: string;
  doorbell: Doorbell;
  heartbeats: Heartbeats;
  /** Rooms that it was told to visit, and whether a turn could begin at once. */
  visits: Array<{ roomId: number; mayBegin: boolean }>;
  isBusy: boolean;
  /** What it owned was an earlier life's. */
  isReborn: boolean;
  sessions: SessionName[];
  /** Visits end only then. */
  gate: Promise<void>;
}

async function street(t: TestContext) {
  const { url } = await redisServer(t);
  const store = await redisStore(t, url);
  const bells = openBells(store, () => {});
  t.after(() => bells.close());
  const own = ({ roomId, botId }: Conversation) => store.key('own', botId, roomId);
  const machines: Machine[] = [];
  const machine = async (name: string, role: MachineState['role'] = 'all'): Promise<Machine> => {
    const state = (): MachineState => ({
      ...{ name, label: name, version: '0', role, startedAt: 0, sessions: 0 },
      ...{ isOpen: doorbell.isOpen(), isBusy: made.isBusy },
      memory: { usedBytes: 0, limitBytes: 0, percent: 0 },
    });
    const heartbeats = createHeartbeats({
      store,
      clock,
      own: state,
      ownSessions: () => [],
      onForgotten() {},
    });
    const pool = {
      snapshot: () =>
        made.sessions.map((id) => ({ id, state: 'idle', pid: 1, turns: 1, idleSeconds: 0, memoryBytes: 0 })),
      waiting: () => (made.isBusy ? [{ id: '9:x' as const, reason: 'memory', detail: '', waitedMs: 1 }] : []),
    };
    const doorbell = createDoorbell({
      ...{ store, bells, machine: name, role, heartbeats, clock, homeMs: 60_000, emit: () => {} },
      pool: pool as unknown as Parameters<typeof createDoorbell>[0]['pool'],
      dispatcher: () => ({
        async visit({ roomId }, mayBegin) {
          made.visits.push({ roomId, mayBegin });
          await made.gate;
        },
      }),
      ownership: { fenceOf: () => (made.isReborn ? null : 1) },
      onLook: () => {},
    });
    const made: Machine = {
      ...{
        name,
        doorbell,
        heartbeats,
        visits: [],
        isBusy: false,
        isReborn: false,
        sessions: [],
        gate: Promise.resolve(),
      },
    };
    doorbell.open();
    machines.push(made);
    // Twice, so that the first has heard of the last.
    for (const each of [...machines, ...machines]) await each.heartbeats.beat();
    return made;
  };
  t.after(async () => {
    for (const { doorbell, heartbeats } of machines) {
      await doorbell.shut();
      await heartbeats.stop();
    }
  });
  return {
    ...{ store, machine },
    /** As if `name` had the conversation. */
    own: (name: string) => store.call('HSET', own(conversation), 'machine', name, 'fence', 1),
    home: (name: string) => store.call('SET', store.key('home', 'helper', 1), name),
    visited: (...some: Machine[]) => some.map(({ visits }) => visits.length),
  };
}

describe('which machine looks at a conversation', () => {
  test('the one that has it, whoever is told', async (t) => {
    const { machine, own } = await street(t);
    const [one, two] = [await machine('one'), await machine('two')];
    await own('two');
    one.doorbell.tell(news);
    await eventually('the owner looks', () => two.visits.length > 0);
    assert.deepEqual(two.visits[0], { roomId: 1, mayBegin: true });
  });

  test('told of what it has itself, a machine asks nobody', async (t) => {
    const { machine, own, store } = await street(t);
    const one = await machine('one');
    await own('one');
    one.isBusy = true;
    one.doorbell.tell(news);
    await eventually('it looks', () => one.visits.length > 0);
    assert.deepEqual(await store.call('KEYS', '*bells:all:[0-9]*'), []);
  });

  test('the one where its session is, before any other', async (t) => {
    const { machine, home, visited } = await street(t);
    const [one, two, three] = [await machine('one'), await machine('two'), await machine('three')];
    await home('two');
    three.doorbell.tell(news);
    await eventually('it looks', () => two.visits.length > 0);
    assert.deepEqual(visited(one, three), [0, 0]);
  });

  test('another one when that is dead, or busy with others, or stopping', async (t) => {
    const { machine, home, store } = await street(t);
    const [one, two] = [await machine('one'), await machine('two')];
    await home('gone');
    one.doorbell.tell(news);
    await eventually('somebody looks', () => one.visits.length + two.visits.length > 0);
    await home('two');
    two.isBusy = true;
    one.visits.length = two.visits.length = 0;
    one.doorbell.tell(news);
    await eventually('the free one looks', () => one.visits.some(({ mayBegin }) => mayBegin));
    assert.ok(
      two.visits.every(({ mayBegin }) => !mayBegin),
      'the busy one does only what cannot wait',
    );
    two.isBusy = false;
    await two.doorbell.shut();
    one.visits.length = two.visits.length = 0;
    two.doorbell.tell(news);
    await eventually('the one that goes on looks', () => one.visits.length > 0);
    assert.deepEqual(two.visits, []);
    await one.heartbeats.beat();
    one.visits.length = 0;
    one.doorbell.tell(news);
    await eventually('it looks again', () => one.visits.length > 0);
    assert.deepEqual(await store.call('KEYS', '*bells:two:*'), [], 'nobody would answer there');
  });

  test('a busy one, when the session is there', async (t) => {
    const { machine, home } = await street(t);
    const [one, two] = [await machine('one'), await machine('two')];
    await home('two');
    two.isBusy = true;
    two.sessions = ['1:helper'];
    one.doorbell.tell(news);
    await eventually('it looks', () => two.visits.length > 0);
    assert.equal(two.visits[0]?.mayBegin, true);
  });

  test('a busy one takes nothing that another could begin; free again, it does', async (t) => {
    const { machine } = await street(t);
    const [one, two] = [await machine('one'), await machine('two')];
    one.isBusy = true;
    const rooms = Array.from({ length: 20 }, (_, i) => i + 1);
    for (const roomId of rooms) one.doorbell.tell({ ...news, roomId });
    await eventually('the free one looks at all', () => two.visits.length >= rooms.length);
    assert.deepEqual(one.visits, []);
    one.isBusy = false;
    two.isBusy = true;
    two.doorbell.tell({ ...news, roomId: 99 });
    await eventually('the other one looks', () => one.visits.some(({ roomId }) => roomId === 99));
  });

  test('a word that cannot wait is heard at once where nobody has the conversation and all are busy', async (t) => {
    const { machine } = await street(t);
    const web = await machine('web', 'web');
    const one = await machine('one');
    one.isBusy = true;
    web.doorbell.tell({ ...news, atOnce: true });
    await eventually('it looks', () => one.visits.length > 0);
    assert.deepEqual(web.visits, []);
  });

  test('what nobody took for long is begun where it was last, busy or not', async (t) => {
    const { machine, home } = await street(t);
    const [one, two, three] = [await machine('one'), await machine('two'), await machine('three')];
    one.isBusy = two.isBusy = three.isBusy = true;
    await home('two');
    const found = { ...conversation, ready: true, atOnce: false, unnoticedSince: clock.now() };
    one.doorbell.found(found);
    await eventually('its home looks', () => two.visits.length > 0);
    assert.deepEqual(two.visits, [{ roomId: 1, mayBegin: false }], 'too early');
    one.doorbell.found({ ...found, unnoticedSince: clock.now() - 2_500 });
    await eventually('its home begins', () => two.visits.some(({ mayBegin }) => mayBegin));
    assert.deepEqual([...one.visits, ...three.visits], []);
  });

  test('late without a home, it goes to any that is open, one that is free before others', async (t) => {
    const { machine, home } = await street(t);
    const [one, two] = [await machine('one'), await machine('two')];
    const web = await machine('web', 'web');
    one.isBusy = two.isBusy = true;
    await home('gone');
    for (const each of [one, two, web]) await each.heartbeats.beat();
    for (const each of [one, two, web]) await each.heartbeats.beat();
    const late = { ...conversation, ready: true, atOnce: false, unnoticedSince: null };
    const rooms = [1, 2, 3, 4];
    for (const roomId of rooms) one.doorbell.found({ ...late, roomId });
    const begun = (...some: Machine[]) =>
      some
        .flatMap(({ visits }) => visits.flatMap(({ roomId, mayBegin }) => (mayBegin ? [roomId] : [])))
        .sort();
    await eventually('all are begun', () => begun(one, two).length === rooms.length);
    assert.deepEqual(begun(one, two), rooms);
    assert.deepEqual([begun(one).length, begun(two).length, web.visits], [2, 2, []]);
    two.isBusy = false;
    await two.heartbeats.beat();
    await one.heartbeats.beat();
    for (const roomId of [11, 12, 13]) one.doorbell.found({ ...late, roomId });
    await eventually('the free one begins them', () => begun(two).length >= 5);
    assert.deepEqual(begun(one).length, 2);
  });

  test('passed on to a machine, a conversation is begun there, even if somebody waits there by now', async (t) => {
    const { machine } = await street(t);
    const [one, two] = [await machine('one'), await machine('two')];
    one.isBusy = true;
    await two.heartbeats.beat();
    await one.heartbeats.beat();
    await two.heartbeats.beat();
    assert.deepEqual([one.doorbell.free(), two.doorbell.free()], [['two'], []]);
    two.isBusy = true;
    one.doorbell.passOn(conversation, 'two');
    await eventually('it begins', () => two.visits.length > 0);
    assert.deepEqual([two.visits, one.visits], [[{ roomId: 1, mayBegin: true }], []]);
  });

  test('what a look finds is not rung for where somebody has it, unless it cannot wait', async (t) => {
    const { machine, own } = await street(t);
    const [one, two] = [await machine('one'), await machine('two')];
    await own('two');
    const found = { ...conversation, ready: true, atOnce: false, unnoticedSince: null };
    one.doorbell.found(found);
    one.doorbell.found({ ...found, roomId: 2 });
    await eventually('the other conversation is looked at', () =>
      [...one.visits, ...two.visits].some(({ roomId }) => roomId === 2),
    );
    assert.ok([...one.visits, ...two.visits].every(({ roomId }) => roomId === 2));
    one.doorbell.found({ ...found, atOnce: true });
    await eventually('the owner looks', () => two.visits.some(({ roomId }) => roomId === 1));
  });

  test('what an earlier life of the machine had is begun at once', async (t) => {
    const { machine, own } = await street(t);
    const [one, two] = [await machine('one'), await machine('two')];
    await own('one');
    const found = { ...conversation, ready: true, atOnce: false, unnoticedSince: clock.now() };
    one.isReborn = true;
    one.doorbell.found(found);
    await eventually('it looks', () => one.visits.length > 0);
    assert.deepEqual([one.visits, two.visits], [[{ roomId: 1, mayBegin: true }], []]);
  });

  test('while Redis is full, who looks begins what it finds: no bell can be rung', async (t) => {
    const { machine, store } = await street(t);
    const [one, two] = [await machine('one'), await machine('two')];
    await store.call('CONFIG', 'SET', 'maxmemory', 1);
    assert.deepEqual([await one.doorbell.isMyLook(), await two.doorbell.isMyLook()], [true, false]);
    one.doorbell.found({ ...conversation, ready: true, atOnce: false, unnoticedSince: clock.now() });
    await eventually('it begins', () => one.visits.length > 0);
    assert.deepEqual([one.visits, two.visits], [[{ roomId: 1, mayBegin: true }], []]);
    await store.call('CONFIG', 'SET', 'maxmemory', 0);
  });

  test('one machine at a time looks for all', async (t) => {
    const { machine } = await street(t);
    const [one, two] = [await machine('one'), await machine('two')];
    const web = await machine('web', 'web');
    assert.equal(await web.doorbell.isMyLook(), false, 'it could begin nothing');
    const looks = await Promise.all([one.doorbell.isMyLook(), two.doorbell.isMyLook()]);
    assert.deepEqual(looks.sort(), [false, true]);
  });
});
