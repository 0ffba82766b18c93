import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { setStage } from '../support/stage.ts';

const textOf = (html: string | null | undefined) =>
  (html ?? '')
    .replace(/<\/div>/g, '\n')
    .replace(/<[^>]+>/g, '')
    .trim();

test('what was written while the service was away is answered, oldest first, once, and says so', async (t) => {
  const stage = await setStage(t, { rooms: 2 });
  const first = await stage.start();
  stage.say(1, 'hello');
  stage.say(50, 'hello');
  await stage.answers(1, 1);
  await stage.answers(50, 1);
  await first.stop();

  stage.say(1, 'remember my number is 41');
  stage.say(50, 'hello', 2);
  stage.campfire.campfire.post(3, 50, { html: '<div>not for the bot: number 43</div>' });
  stage.say(2, 'a room where the bot was never seen');
  stage.say(50, 'hello', 3);
  await stage.campfire.webhooks.settled();

  const second = await stage.start();
  // A webhook that arrives beside the catch-up.
  stage.say(1, 'remember my number is 45');
  await stage.answers(50, 3);
  await stage.answers(1, 3);
  const done = await eventually('the catch-up to end', () => second.events('catchup.done')[0], 30_000);
  assert.deepEqual([done.accepted, done.unread], [3, 0]);
  const late = stage
    .answersIn(50)
    .slice(1)
    .map(({ html }) => textOf(html));
  assert.ok(
    late.every((text) => text.startsWith('(I was away)\n')),
    late.join('|'),
  );
  assert.match(late[0] ?? '', /Ben/);
  assert.match(late[1] ?? '', /Cleo/);
  const direct = stage
    .answersIn(1)
    .slice(1)
    .map(({ html }) => textOf(html));
  // Which of the two comes first depends on how long ago the missed one was written.
  assert.equal(direct.filter((text) => text.startsWith('(I was away)')).length, 1);
  assert.equal(await second.stop(), 0);

  const third = await stage.start();
  await eventually('the next catch-up', () => third.events('catchup.done')[0]);
  assert.equal((await third.health()).messages_without_outcome, 0);
  assert.equal(third.events('catchup.done')[0]?.accepted, 0, 'nothing twice');
  assert.deepEqual(
    [stage.answersIn(1).length, stage.answersIn(2).length, stage.answersIn(50).length],
    [3, 0, 3],
  );
  await third.stop();
});

test('a Campfire that bots cannot read is left alone, which is said once', async (t) => {
  const stage = await setStage(t, { face: 'v1.4.9', rooms: 3 });
  const first = await stage.start();
  for (const room of [1, 2, 3]) stage.say(room, 'hello');
  for (const room of [1, 2, 3]) await stage.answers(room, 1);
  await first.stop();
  stage.say(1, 'nobody hears this');
  await stage.campfire.webhooks.settled();
  const second = await stage.start();
  await eventually('it to be said', () => second.events('catchup.skipped').length === 1);
  stage.say(1, 'hello again');
  await stage.answers(1, 2);
  assert.equal(second.events('catchup.skipped').length, 1);
  assert.equal(stage.answersIn(1).length, 2);
  await second.stop();
});
