import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionTtlMs } from '../../src/playground/notices.ts';
import { showBody } from '../../src/playground/sanitiser.ts';
import { testClock } from '../support/clock.ts';
import { ann, assistant, ben, type Cast, direct, hq, messagesPath, onBothFaces, startCast } from './cast.ts';

const html = { 'content-type': 'text/html; charset=utf-8' };

const unreadFor = (cast: Cast, roomId: number) =>
  [...(cast.campfire.rooms.get(roomId)?.memberships.values() ?? [])]
    .filter(({ unreadAt }) => unreadAt !== null)
    .map(({ userId }) => userId);
const pushes = (cast: Cast) =>
  cast.campfire.notices.pushes.map(({ personId, title, body }) => [personId, title, body]);
const room = (cast: Cast, roomId: number) => {
  const found = cast.campfire.rooms.get(roomId);
  assert.ok(found);
  return found;
};

for (const face of ['full', 'v1.4.9'] as const) {
  test(`N1: a new message marks the room unread for the absent and pushes to the mentioned only (${face})`, async () => {
    await using cast = await startCast({ face });
    const body = `Hello ${cast.mention(ben)}`;
    await cast.call('POST', messagesPath(hq), { body, headers: html });
    assert.deepEqual(unreadFor(cast, hq), [ann, ben]);
    assert.deepEqual(pushes(cast), [[ben, 'HQ', 'Bot: Hello @Ben']]);
  });

  test(`N1: in a direct room everyone is pushed to (${face})`, async () => {
    await using cast = await startCast({ face });
    await cast.call('POST', messagesPath(direct), { body: 'done', headers: html });
    assert.deepEqual(unreadFor(cast, direct), [ann]);
    assert.deepEqual(pushes(cast), [[ann, 'Bot', 'done']]);
  });
}

onBothFaces(
  'N1: who is in the room gets neither mark nor push, until 60 s after being seen last',
  async (face) => {
    const clock = testClock();
    await using cast = await startCast({ face, clock });
    cast.campfire.notices.enter(ann, room(cast, direct));
    clock.advance(connectionTtlMs - 1);
    cast.postHtml(assistant, direct, 'seen');
    assert.deepEqual([unreadFor(cast, direct), pushes(cast)], [[], []]);
    clock.advance(1);
    cast.postHtml(assistant, direct, 'missed');
    assert.deepEqual([unreadFor(cast, direct), pushes(cast)], [[ann], [[ann, 'Bot', 'missed']]]);
    cast.campfire.notices.enter(ann, room(cast, direct));
    assert.deepEqual(unreadFor(cast, direct), []);
    assert.equal(connectionTtlMs, 60_000);
  },
);

onBothFaces('N1: nobody is told of their own message', async (face) => {
  await using cast = await startCast({ face });
  cast.postHtml(ann, hq, cast.mention(ann));
  assert.deepEqual([unreadFor(cast, hq), pushes(cast)], [[ben], []]);
});

test('N1: an edit and a boost mark nothing unread and push to nobody (only full has them)', async () => {
  await using cast = await startCast();
  const placeholder = cast.postHtml(assistant, hq, 'working…');
  for (const userId of [ann, ben]) cast.campfire.notices.enter(userId, room(cast, hq));
  for (const userId of [ann, ben]) cast.campfire.notices.leave(userId, room(cast, hq));
  const path = `${messagesPath(hq)}/${placeholder.id}`;
  assert.equal((await cast.call('PATCH', path, { body: cast.mention(ben), headers: html })).status, 200);
  assert.equal((await cast.call('POST', `${path}/boosts`, { body: '👀', headers: html })).status, 201);
  assert.deepEqual([unreadFor(cast, hq), pushes(cast)], [[], []]);
});

onBothFaces('N1: a text that the room does not show is in the push all the same', async (face) => {
  await using cast = await startCast({ face });
  cast.postHtml(assistant, direct, '<table><tr><td>hidden</td></tr></table>');
  assert.deepEqual(pushes(cast), [[ann, 'Bot', 'hidden']]);
});

onBothFaces(
  'N2: an unsigned sgid shows as a mention and pushes to nobody; a genuine one pushes',
  async (face) => {
    await using cast = await startCast({ face });
    const unsigned = cast.mention(ben).replace(/--[0-9a-f]+"/, '"');
    const message = cast.postHtml(assistant, hq, unsigned);
    assert.equal(message.plain, '@Ben');
    assert.equal(
      showBody(message.html ?? '', cast.campfire).html,
      '<span class="mention">Ben</span>',
      'the room shows it',
    );
    assert.deepEqual(pushes(cast), []);
    cast.postHtml(assistant, hq, cast.mention(ben));
    assert.deepEqual(pushes(cast), [[ben, 'HQ', 'Bot: @Ben']]);
  },
);

test('an sgid of nobody shows the empty box', async () => {
  await using cast = await startCast();
  cast.postHtml(assistant, hq, cast.mention(ben).replace(/sgid="[^"]+"/, 'sgid="bm9ib2R5"'));
  const index = await cast.call('GET', messagesPath(hq));
  assert.match(index.body, /☒/);
});
