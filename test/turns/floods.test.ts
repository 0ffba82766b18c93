import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideFlood } from '../../src/turns/floods.ts';
import { setTurns } from '../support/turns.ts';

const calm = {
  ...{ waitingHere: 1, waitingInAll: 1, toldLately: false },
  lastMinute: { ofAuthorHere: 1, ofAuthorInAll: 1, ofBotsInRoom: 0 },
};

test('each bound takes what it promises and refuses the next', () => {
  const cases: Array<[reason: string, limit: number, at: (n: number) => Parameters<typeof decideFlood>]> = [
    ['too-fast', 10, (n) => [{ ...calm, lastMinute: { ...calm.lastMinute, ofAuthorHere: n } }, false]],
    ['too-fast', 60, (n) => [{ ...calm, lastMinute: { ...calm.lastMinute, ofAuthorInAll: n } }, false]],
    ['bots', 20, (n) => [{ ...calm, lastMinute: { ...calm.lastMinute, ofBotsInRoom: n } }, true]],
    ['full-here', 50, (n) => [{ ...calm, waitingHere: n }, false]],
    ['full', 10_000, (n) => [{ ...calm, waitingInAll: n }, false]],
  ];
  for (const [reason, limit, at] of cases) {
    assert.equal(decideFlood(...at(limit)).kind, 'take', reason);
    const refused = { kind: 'refuse', reason, count: limit + 1, limit, say: true };
    assert.deepEqual(decideFlood(...at(limit + 1)), refused);
  }
  const people = { ...calm, lastMinute: { ...calm.lastMinute, ofBotsInRoom: 99 } };
  assert.equal(decideFlood(people, false).kind, 'take', 'what bots do is not held against people');
});

test('a flood: ten are taken, the rest settles with one line, and each has its outcome', async (t) => {
  const turns = setTurns(t);
  for (let n = 0; n < 25; n++) await turns.say(`message ${n}`);
  assert.deepEqual(await turns.sent(), [
    'That is more than 10 messages in a minute; I skip the rest. Please go on in a minute.',
  ]);
  const counts = await turns.mail.counts();
  assert.equal(counts.withoutOutcome, 10);
  assert.equal(turns.events.filter(({ type }) => type === 'message.refused').length, 15);
  await turns.say('status');
  assert.match((await turns.sent()).join(), /waiting/, 'control words are heard all the same');
  await turns.say('of Ben', { authorId: 2 });
  assert.equal((await turns.mail.counts()).withoutOutcome, 11);
  turns.clock.advance(60_000);
  await turns.say('a minute later');
  assert.equal((await turns.mail.counts()).withoutOutcome, 12);
});

test('what a restart counts is what was stored', async (t) => {
  const turns = setTurns(t);
  for (let n = 0; n < 10; n++) await turns.say(`message ${n}`);
  turns.restart();
  await turns.say('the eleventh');
  assert.match((await turns.sent()).join(), /more than 10 messages/);
});

test('bots that answer each other come to rest', async (t) => {
  const turns = setTurns(t);
  for (let n = 0; n < 30; n++) await turns.say('again', { authorId: 800 + (n % 3) });
  const refused = turns.events.filter((event) => event.type === 'message.refused');
  assert.deepEqual([refused.length, new Set(refused.map(({ reason }) => reason))], [10, new Set(['bots'])]);
  assert.ok((await turns.sent()).length <= 3, 'one line for each of them');
});

test('a conversation in which fifty wait takes no more, and says so', async (t) => {
  const turns = setTurns(t);
  turns.memory.availableBytes = 0;
  for (let n = 0; n < 55; n++) await turns.say(`message ${n}`, { authorId: 100 + n });
  const said = await turns.sent();
  assert.equal((await turns.mail.counts()).waiting, 50);
  assert.deepEqual(new Set(said.map((line) => line.slice(0, 23))), new Set(['50 messages are waiting']));
  assert.equal(said.length, 5);
});
