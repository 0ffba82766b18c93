import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import type { Mail, OutboxRow, Turn } from '../../src/mail/mail.ts';
import { FencedOutError } from '../../src/mail/ownership.ts';
import { createRedisMail } from '../../src/mail/redis.ts';
import type { RedisStore } from '../../src/store/redis.ts';
import { testClock } from '../support/clock.ts';
import { givenOwnership } from '../support/redis-ownership.ts';
import { sharedRedis } from './redis-stage.ts';

const redis = sharedRedis(after);
const room = { botId: 'helper', roomId: 7 };
const said = (messageId: number) => ({
  ...{ ...room, messageId, authorId: 100 + messageId, content: `message ${messageId}` },
});
const answered = { kind: 'answered' as const };
const post = (body: string) => ({ kind: 'post' as const, body });

/** Two machines on one Redis; each believes that it has what it was given last. */
async function setMachines(t: TestContext) {
  const { store } = await redis.connect();
  t.after(() => store.close());
  const clock = { ...testClock(), sleep: () => new Promise<void>(setImmediate) };
  const machine = (name: string) => {
    const ownership = givenOwnership(store, name);
    const mail = createRedisMail(store, clock, ownership);
    return { mail, clock, ownership, take: () => ownership.give([room]) };
  };
  return { store, a: machine('a'), b: machine('b') };
}

/** All that is seen of a conversation from outside. */
async function picture(mail: Mail): Promise<unknown> {
  return [await mail.situation(room), await mail.counts(), await mail.conversationsWithOutbox(10)];
}

test('a machine that has lost a conversation writes nothing there any more', async (t) => {
  const { a, b } = await setMachines(t);
  await a.take();
  for (const id of [1, 2, 3]) await a.mail.accept(said(id));
  await a.mail.decide((await a.mail.begin(room)) as Turn, answered, [post('first')]);
  const turn = (await a.mail.begin(room)) as Turn;
  const row = (await a.mail.takeOutbox(room, Number.POSITIVE_INFINITY)) as OutboxRow;
  const { waiting } = await a.mail.situation(room);
  await b.take();
  const before = await picture(b.mail);
  const stop = { messages: waiting, stopTurn: turn.id, outcome: { kind: 'stopped' as const }, drafts: [] };
  const writes: Record<string, () => Promise<unknown>> = {
    begin: () => a.mail.begin(room),
    decide: () => a.mail.decide(turn, answered, [post('late')]),
    giveBack: () => a.mail.giveBack(turn),
    stop: () => a.mail.settle(room, stop),
    notice: () => a.mail.notice(room, waiting, { ordinal: 900, body: 'waits' }),
    take: () => a.mail.takeOutbox(room, Number.POSITIVE_INFINITY),
    settleOutbox: () => a.mail.settleOutbox(row, { kind: 'sent', campfireId: 1 }),
  };
  for (const [name, write] of Object.entries(writes)) await assert.rejects(write(), FencedOutError, name);
  assert.deepEqual(await picture(b.mail), before);
  assert.equal(
    (await b.mail.takeOutbox(room, Number.POSITIVE_INFINITY))?.inDoubt,
    true,
    'it may have been sent',
  );
});

test('whoever never had a conversation asks nobody', async (t) => {
  const { a } = await setMachines(t);
  await a.mail.accept(said(1));
  await assert.rejects(a.mail.begin(room), FencedOutError);
});

test('a flood is refused by whichever machine got the message', async (t) => {
  const { a, b } = await setMachines(t);
  await a.take();
  const accepted = await b.mail.accept(said(1));
  assert.ok(accepted.kind === 'accepted');
  const refusal = { messages: [accepted.message], stopTurn: null, drafts: [post('slow down')] };
  const outcome = { kind: 'failed' as const, cause: 'flood' };
  assert.equal(await b.mail.settle(room, { ...refusal, outcome }), true);
  assert.equal(await a.mail.settle(room, { ...refusal, outcome }), false, 'once');
  assert.equal((await a.mail.takeOutbox(room, Number.POSITIVE_INFINITY))?.body, 'slow down');
});

test('an attempt that another machine has begun anew is over, even when the first one has the conversation again', async (t) => {
  const { a, b } = await setMachines(t);
  await a.take();
  await a.mail.accept(said(1));
  const first = (await a.mail.begin(room)) as Turn;
  await b.take();
  const second = (await b.mail.begin(room)) as Turn;
  assert.deepEqual([second.id, second.attempt, second.previousPromptUuid], [first.id, 2, first.promptUuid]);
  await a.take();
  await assert.rejects(a.mail.decide(first, answered, [post('of the first')]), /already decided/);
  await a.mail.giveBack(first);
  assert.equal((await a.mail.situation(room)).turn?.attempt, 2);
});

test('a lease that has run out and was taken by nobody is waited for, and one that was taken is lost', async (t) => {
  const { a, b, store } = await setMachines(t);
  await a.take();
  await a.mail.accept(said(1));
  const turn = (await a.mail.begin(room)) as Turn;
  const own = store.key('own', room.botId, room.roomId);
  await store.call('DEL', own);
  await assert.rejects(a.mail.notice(room, turn.messages, { ordinal: 900, body: 'n' }), FencedOutError);
  const decided = a.mail.decide(turn, answered, [post('after all')]);
  await store.call('HSET', own, 'machine', 'a', 'fence', 1);
  await decided;
  await store.call('DEL', own);
  const taken = a.mail.takeOutbox(room, Number.POSITIVE_INFINITY);
  await b.take();
  await assert.rejects(taken, FencedOutError);
  assert.equal((await b.mail.takeOutbox(room, Number.POSITIVE_INFINITY))?.body, 'after all');
});

test('a message that comes in front while a turn is begun goes first', async (t) => {
  const { a, b, store } = await setMachines(t);
  await a.take();
  await a.mail.accept(said(9));
  let reads = 0;
  const late: RedisStore = {
    ...store,
    async run(script, keys, values) {
      if (script.name === 'mailBegin' && (await b.mail.accept(said(8))).kind === 'accepted') reads++;
      return store.run(script, keys, values) as never;
    },
  };
  const turn = await createRedisMail(late, a.clock, a.ownership).begin(room);
  assert.deepEqual([turn?.messages[0].messageId, turn?.attempt, reads], [8, 1, 1]);
});

test('whichever machine a message comes to, however often and at once, it is accepted once and in its place', async (t) => {
  const { a, b } = await setMachines(t);
  await a.take();
  const ids = Array.from({ length: 50 }, (_, index) => ((index * 37) % 50) + 1);
  const kinds = await Promise.all(
    ids.flatMap((id) => [a, b, a].map(async ({ mail }) => (await mail.accept(said(id))).kind)),
  );
  assert.equal(kinds.filter((kind) => kind === 'accepted').length, 50);
  const { waiting } = await a.mail.situation(room);
  assert.deepEqual(
    waiting.map(({ messageId }) => messageId),
    [...ids].sort((one, other) => one - other),
  );
});
