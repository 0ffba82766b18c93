import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createRedisMail } from '../../src/mail/redis.ts';
import { createRedisHistory } from '../../src/mail/redis-history.ts';
import { createRedisMarks } from '../../src/mail/redis-marks.ts';
import { mailMigrations } from '../../src/mail/schema.ts';
import { createSqliteMail } from '../../src/mail/sqlite.ts';
import { createSqliteHistory, historyMigrations } from '../../src/mail/sqlite-history.ts';
import { createSqliteMarks, markMigrations } from '../../src/mail/sqlite-marks.ts';
import { openStore } from '../../src/store/sqlite.ts';
import { historyContract } from '../contract/mail-history.ts';
import { testClock } from '../support/clock.ts';
import { givenOwnership } from '../support/redis-ownership.ts';
import { conversations, sharedRedis } from './redis-stage.ts';

const redis = sharedRedis(after);

historyContract('sqlite', async (clock) => {
  const store = openStore(':memory:', [...mailMigrations, ...historyMigrations, ...markMigrations]);
  return {
    mail: createSqliteMail(store, clock),
    history: createSqliteHistory(store, clock),
    marks: createSqliteMarks(store),
    close: async () => store.close(),
  };
});

historyContract('redis', async (clock) => {
  const { store } = await redis.connect();
  const ownership = givenOwnership(store, 'a');
  await ownership.give(conversations);
  return {
    mail: createRedisMail(store, clock, ownership),
    history: createRedisHistory(store, clock),
    marks: createRedisMarks(store, clock),
    close: () => store.close(),
  };
});

test('redis: a forgotten conversation leaves no key but the counters', async () => {
  const { store } = await redis.connect();
  try {
    const clock = testClock();
    const ownership = givenOwnership(store, 'a');
    await ownership.give(conversations);
    const mail = createRedisMail(store, clock, ownership);
    const history = createRedisHistory(store, clock);
    const room = { botId: 'helper', roomId: 7 };
    const say = (messageId: number | null, more = {}) =>
      mail.accept({ ...room, messageId, authorId: 100, content: '{}', ...more });
    const begin = async () => (await mail.begin(room)) ?? assert.fail('nothing to begin');
    const post = { kind: 'post' as const, body: 'b' };
    await history.see({ ...room, name: 'HQ' });
    for (const id of [1, 2, null]) {
      await say(id);
      await mail.decide(await begin(), { kind: 'answered' }, []);
    }
    for (let id = 3; id < 300; id++) {
      await say(id);
      await mail.decide(await begin(), { kind: 'answered' }, []);
    }
    await say(300);
    await mail.decide(await begin(), { kind: 'failed', cause: 'for a test' }, [post, post]);
    await mail.replay({ botId: 'helper', messageId: 1 }, true);
    await mail.giveBack(await begin(), { until: clock.now(), notice: { ordinal: 901, body: 'later' } });
    await begin();
    await say(301);
    await say(302, { atOnce: true, authorId: 101 });
    const { waiting } = await mail.situation(room);
    await mail.notice(room, waiting, { ordinal: 900, body: 'waits' });
    await mail.takeOutbox(room, clock.now());

    assert.equal(await history.forget(room, { evenUnfinished: true }), true);
    assert.equal(await history.prune(clock.now() + 1, 10), 0);
    assert.deepEqual(await mail.counts(), { waiting: 0, running: 0, withoutOutcome: 0, undelivered: 0 });
    const keys = await store.call<string[]>('KEYS', store.key('mail', '*'));
    // What counts over a minute goes by itself.
    const kinds = keys.map((key) => key.split(':')[2]).filter((kind) => kind !== 'ra' && kind !== 'rh');
    assert.deepEqual(kinds.sort(), ['counts', 'ids']);
  } finally {
    await store.close();
  }
});
