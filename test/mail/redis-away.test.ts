import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import type { Turn } from '../../src/mail/mail.ts';
import { createRedisMail } from '../../src/mail/redis.ts';
import { createRedisOwnership } from '../../src/mail/redis-ownership.ts';
import { RedisAwayError, type RedisStore } from '../../src/store/redis.ts';
import { storeTrouble } from '../../src/store/trouble.ts';
import { mailSchedules } from '../contract/mail-schedules.ts';
import { testClock } from '../support/clock.ts';
import { eventually } from '../support/eventually.ts';
import { givenOwnership } from '../support/redis-ownership.ts';
import { assertTidy, conversations, sharedRedis } from './redis-stage.ts';

const redis = sharedRedis(after);
const room = { botId: 'helper', roomId: 7 };
const said = (messageId: number) => ({
  ...{ ...room, messageId, authorId: 100 + messageId, content: `message ${messageId}` },
});
const post = { kind: 'post' as const, body: 'b' };

/** Waits take no time. */
const impatient = (clock = testClock()) => ({ ...clock, sleep: () => new Promise<void>(setImmediate) });

async function setMail(t: TestContext) {
  const { store } = await redis.connect();
  t.after(() => store.close());
  const ownership = givenOwnership(store, 'a');
  await ownership.give(conversations);
  const clock = impatient();
  return { store, ownership, clock, mail: createRedisMail(store, clock, ownership) };
}

/** Every second answer to a step of a turn is lost: before it was done, or after. */
function losing(store: RedisStore): RedisStore {
  const steps = /^mail(Begin|GiveBack|Decide|Take|SettleRow)$/;
  let calls = 0;
  return {
    ...store,
    async run(script, keys, values) {
      const fate = steps.test(script.name) ? calls++ % 4 : 3;
      if (fate === 0) throw new RedisAwayError('away before');
      const answer = await store.run(script, keys, values);
      if (fate === 1) throw new RedisAwayError('away after');
      return answer as never;
    },
  };
}

mailSchedules(
  'redis, answers get lost',
  async (clock) => {
    const { store } = await redis.connect();
    const ownership = givenOwnership(store, 'a');
    await ownership.give(conversations);
    const open = () => createRedisMail(losing(store), { ...impatient(clock), now: clock.now }, ownership);
    return {
      mail: open(),
      reopen: async () => open(),
      atRest: () => assertTidy(store),
      close: () => store.close(),
    };
  },
  60,
);

mailSchedules(
  'redis, killed and started again',
  async (clock) => {
    const { store } = await redis.connect();
    await store.call('CONFIG', 'SET', 'appendfsync', 'always');
    const ownership = givenOwnership(store, 'a');
    await ownership.give(conversations);
    const mail = createRedisMail(store, clock, ownership);
    return {
      mail,
      async reopen() {
        const server = await redis.server();
        await server.kill();
        await server.start();
        await eventually('Redis is back', () => store.isThere());
        await store.call('CONFIG', 'SET', 'appendfsync', 'always');
        return mail;
      },
      close: () => store.close(),
    };
  },
  40,
);

test('what is accepted survives a Redis that is killed; while it is away nothing is, and turns wait to be decided', async (t) => {
  const { mail, store } = await setMail(t);
  await store.call('CONFIG', 'SET', 'appendfsync', 'always');
  await mail.accept(said(1));
  const turn = (await mail.begin(room)) as Turn;
  const server = await redis.server();
  await server.kill();
  await eventually('Redis is away', () => !store.isThere());
  const refused = await mail.accept(said(2)).catch((error: unknown) => error);
  assert.equal(storeTrouble(refused), 'away');
  const decided = mail.decide(turn, { kind: 'answered' }, [post]);
  await server.start();
  await decided;
  const row = await mail.takeOutbox(room, Number.POSITIVE_INFINITY);
  assert.deepEqual([row?.body, row?.messages[0].content, row?.inDoubt], ['b', 'message 1', false]);
  assert.equal((await mail.accept(said(2))).kind, 'accepted');
  assert.equal((await mail.accept(said(1))).kind, 'duplicate');
});

test('patience ends after two minutes', async (t) => {
  const { mail, store, ownership, clock } = await setMail(t);
  await mail.accept(said(1));
  const turn = (await mail.begin(room)) as Turn;
  const away: RedisStore = { ...store, run: () => Promise.reject(new RedisAwayError('away')) };
  const startedAt = clock.now();
  const passing = { ...clock, sleep: async (ms: number) => clock.advance(ms) };
  const late = createRedisMail(away, passing, ownership).decide(turn, { kind: 'answered' }, []);
  await assert.rejects(late, RedisAwayError);
  const waitedMs = clock.now() - startedAt;
  assert.ok(waitedMs > 110_000 && waitedMs <= 120_000, `${waitedMs} ms`);
});

test('a Redis that is full takes nothing new, and what was accepted goes on', async (t) => {
  const { store, clock } = await setMail(t);
  const ownership = createRedisOwnership({ store, machine: 'b', clock, onTrouble: assert.fail });
  const mail = createRedisMail(store, clock, ownership);
  for (const id of [1, 2]) await mail.accept(said(id));
  await store.call('DEL', store.key('own', room.botId, room.roomId));
  await store.call('CONFIG', 'SET', 'maxmemory', 1);
  try {
    const refused = await mail.accept(said(3)).catch((error: unknown) => error);
    assert.equal(storeTrouble(refused), 'full');
    await using _ = await ownership.hold(room);
    await mail.decide((await mail.begin(room)) as Turn, { kind: 'answered' }, [post]);
    const row = await mail.takeOutbox(room, Number.POSITIVE_INFINITY);
    assert.ok(row);
    await mail.settleOutbox(row, { kind: 'sent', campfireId: 1 });
    const fence = ownership.fenceOf(room);
    // Its lease is over, and it is taken up again.
    await store.call('DEL', store.key('own', room.botId, room.roomId));
    clock.advance(10_000);
    await using again = await ownership.hold(room);
    assert.deepEqual([again?.lost.aborted, ownership.fenceOf(room)], [false, fence]);
    assert.equal((await mail.begin(room))?.messages[0].messageId, 2);
  } finally {
    await store.call('CONFIG', 'SET', 'maxmemory', 0);
  }
  assert.equal((await mail.accept(said(3))).kind, 'accepted');
});
