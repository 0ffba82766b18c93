import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHeartbeats, heartbeatKey, type MachineState } from '../../src/app/heartbeats.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { redisServer, redisStore } from '../support/redis.ts';

test('a machine that says which bots it has; one that cannot be asked, or says nothing, may have any', async (t) => {
  const server = await redisServer(t);
  const store = await redisStore(t, server.url);
  const machine = (name: string, bots?: string[]) => {
    const own = (): MachineState => ({
      ...{ name, label: name, version: '0', role: 'all', startedAt: 0, isOpen: true, isBusy: false },
      ...{ sessions: 0, memory: { usedBytes: 0, limitBytes: 0, percent: 0 } },
      ...(bots ? { bots } : {}),
    });
    const heartbeats = createHeartbeats({ store, clock, own, ownSessions: () => [], onForgotten() {} });
    t.after(() => heartbeats.stop());
    return heartbeats;
  };
  const one = machine('one', ['mine']);
  assert.equal(one.mayHaveBot('mine'), true, 'nobody has been asked yet');
  await one.beat();
  assert.equal(one.mayHaveBot('mine'), false, 'its own file is none elsewhere');
  await machine('two', ['helper']).beat();
  await one.beat();
  assert.deepEqual([one.mayHaveBot('helper'), one.mayHaveBot('gone')], [true, false]);
  await machine('older').beat();
  await one.beat();
  assert.equal(one.mayHaveBot('gone'), true);
  await server.kill();
  await one.beat();
  assert.equal(one.mayHaveBot('gone'), true);
});

test('a machine that has not come back for a day is forgotten, once', async (t) => {
  const server = await redisServer(t);
  const store = await redisStore(t, server.url);
  let dayLater = 0;
  const forgotten: string[] = [];
  const machine = (name: string) => {
    const own = (): MachineState => ({
      ...{ name, label: name, version: '0', role: 'all', startedAt: 0, isOpen: true, isBusy: false },
      ...{ sessions: 0, memory: { usedBytes: 0, limitBytes: 0, percent: 0 } },
    });
    const heartbeats = createHeartbeats({
      ...{ store, own, ownSessions: () => [], onForgotten: (lost: string) => forgotten.push(lost) },
      clock: { ...clock, now: () => Date.now() + dayLater },
    });
    t.after(() => heartbeats.stop());
    return heartbeats;
  };
  const [stays, goes] = [machine('stays'), machine('goes')];
  await goes.beat();
  await store.call('DEL', heartbeatKey(store, 'goes'));
  await stays.beat();
  assert.deepEqual([stays.silent().map(({ name }) => name), forgotten], [['goes'], []]);
  dayLater = 25 * 3_600_000;
  await stays.beat();
  await stays.beat();
  assert.deepEqual([stays.silent(), forgotten], [[], ['goes']]);
});

test('machines hear of each other over a Redis that is full', async (t) => {
  const server = await redisServer(t);
  const store = await redisStore(t, server.url);
  const machine = (name: string) => {
    const own = (): MachineState => ({
      ...{ name, label: name, version: '0', role: 'all', startedAt: 0, isOpen: true, isBusy: false },
      ...{ sessions: 0, memory: { usedBytes: 0, limitBytes: 0, percent: 0 } },
    });
    const heartbeats = createHeartbeats({ store, clock, own, ownSessions: () => [], onForgotten() {} });
    t.after(() => heartbeats.stop());
    return heartbeats;
  };
  const [one, two] = [machine('one'), machine('two')];
  await store.call('CONFIG', 'SET', 'maxmemory', 1);
  await two.beat();
  await one.beat();
  assert.deepEqual(
    one.others().map(({ name }) => name),
    ['two'],
  );
});
