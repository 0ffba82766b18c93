import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Acceptance } from '../../src/campfire/intake.ts';
import { assertSilent, bot, campfire, flat, KEYS, serve } from '../support/intake-server.ts';

test('a message of Campfire is accepted, then answered 204 with nothing else', async (t) => {
  const { post, accepted } = await serve(t);
  const answer = await post('/webhook/ann', campfire());
  assert.equal(answer.status, 204);
  assertSilent(answer);
  assert.equal(accepted[0]?.[0], 'ann');
  assert.equal(accepted[0]?.[1].messageId, 9);
});

test('the answer waits until the message is durable', async (t) => {
  const durable = Promise.withResolvers<Acceptance>();
  const begun = Promise.withResolvers<void>();
  const { post } = await serve(t, {
    accept: () => {
      begun.resolve();
      return durable.promise;
    },
  });
  let answered = false;
  const answer = post('/webhook/ann', campfire()).then((got) => {
    answered = true;
    return got;
  });
  await begun.promise;
  assert.equal(answered, false);
  durable.resolve({ kind: 'accepted' });
  assert.equal((await answer).status, 204);
});

test('without an id in the path, the key tells the bot', async (t) => {
  const { post, accepted } = await serve(t);
  assert.equal((await post('/webhook', campfire({ key: KEYS.ben }))).status, 204);
  assert.equal(accepted[0]?.[0], 'ben');
});

test('a bare mention is a message', async (t) => {
  const { post, accepted } = await serve(t);
  assert.equal((await post('/webhook/ann', campfire({ plain: '' }))).status, 204);
  assert.equal(accepted[0]?.[1].plain, '');
});

test('a wrong, missing or another bot’s key is refused, and the refusal does not repeat it', async (t) => {
  const { post, accepted, refused } = await serve(t);
  for (const key of ['5-abcDEF123457', KEYS.ben, '', null]) {
    const answer = await post('/webhook/ann', campfire({ key }));
    assert.equal(answer.status, 401);
    assertSilent(answer);
  }
  const unknown = await post('/webhook', campfire({ key: '5-wrong' }));
  assert.equal(unknown.status, 401);
  assertSilent(unknown);
  assert.deepEqual(refused[0], { status: 401, reason: 'key', botId: 'ann' });
  assert(!JSON.stringify(refused).includes('abcDEF'));
  assert.equal(accepted.length, 0);
});

test('a bot or key that was added to the folder a moment ago is found', async (t) => {
  for (const path of ['/webhook/ben', '/webhook']) {
    const { post } = await serve(t, { bots: [bot('ann')], laterBots: [bot('ann'), bot('ben')] });
    assert.equal((await post(path, campfire({ key: KEYS.ben }))).status, 204);
  }
  const { post } = await serve(t, { bots: [bot('ann')], laterBots: [bot('ann', { key: '5-new' })] });
  assert.equal((await post('/webhook/ann', campfire({ key: '5-new' }))).status, 204);
});

test('a bot that does not exist is 404, whatever its name', async (t) => {
  const { post, refused } = await serve(t);
  for (const id of ['eve', '__proto__', 'constructor', '%2e%2e', '%00', '%zz']) {
    const answer = await post(`/webhook/${id}`, campfire());
    assert.equal(answer.status, 404, id);
    assertSilent(answer);
  }
  assert(refused.every(({ reason, botId }) => reason === 'unknown_bot' && botId === undefined));
});

test('a token that is wrong is refused for either body; Campfire’s own needs none', async (t) => {
  const { post } = await serve(t, { token: 't0ken' });
  assert.equal((await post('/webhook/ann', campfire())).status, 204);
  assert.equal((await post('/webhook/ann?token=t0ken', campfire())).status, 204);
  for (const token of ['wrong', '', 't0ken2']) {
    const answer = await post(`/webhook/ann?token=${token}`, campfire());
    assert.equal(answer.status, 401);
    assertSilent(answer);
    assert.equal((await post(`/webhook/ann?token=${token}`, flat)).status, 401);
  }
});

test('a flat body with the right token is taken from anywhere; without it from nowhere once a token is set', async (t) => {
  const { post, accepted } = await serve(t, {
    token: 't0ken',
    remote: '203.0.113.9',
    publicUrl: 'https://x.example',
  });
  assert.equal(
    (await post('/webhook/ann?token=t0ken', flat, { 'X-Forwarded-For': '203.0.113.9' })).status,
    204,
  );
  assert.equal(accepted.length, 1);
  assertSilent(await post('/webhook/ann', flat));
  assert.equal((await post('/webhook/ann', flat)).status, 401);
  const local = await serve(t, { token: 't0ken' });
  assert.equal((await local.post('/webhook/ann', flat)).status, 401);
});

test('a flat body is taken without a token from this machine itself', async (t) => {
  for (const remote of ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1']) {
    const { post } = await serve(t, { remote, publicUrl: 'http://localhost:8000' });
    assert.equal((await post('/webhook/ann', flat)).status, 204, remote);
  }
});

test('a flat body from elsewhere, through a proxy, from a web page or in a public service is refused', async (t) => {
  for (const remote of ['10.0.0.5', '::ffff:10.0.0.5', '2001:db8::1', 'unknown']) {
    const { post } = await serve(t, { remote });
    assert.equal((await post('/webhook/ann', flat)).status, 401, remote);
  }
  const { post, refused } = await serve(t);
  for (const header of [
    'Forwarded',
    'Via',
    'X-Forwarded-For',
    'x-forwarded-proto',
    'X-Real-IP',
    'CF-Connecting-IP',
    'Origin',
  ]) {
    assert.equal((await post('/webhook/ann', flat, { [header]: '127.0.0.1' })).status, 401, header);
  }
  assert.equal((await post('/webhook/ann', flat, { Host: 'rebound.example' })).status, 401);
  assert(refused.every(({ reason }) => reason === 'flat_not_allowed'));
  const open = await serve(t, { publicUrl: 'https://bots.example.com' });
  assert.equal((await open.post('/webhook/ann', flat)).status, 401);
});

test('a flat body without an id goes to the default or only bot, and to none of several', async (t) => {
  const several = await serve(t);
  assert.equal((await several.post('/webhook', flat)).status, 404);
  assert.equal(several.refused[0]?.reason, 'no_default_bot');
  const marked = await serve(t, { bots: [bot('ann'), bot('ben', { isDefault: true })] });
  assert.equal((await marked.post('/webhook', flat)).status, 204);
  assert.equal(marked.accepted[0]?.[0], 'ben');
});

test('a message of one of our own bots is dropped unless the bot answers bots; its own always', async (t) => {
  const deaf = await serve(t);
  assert.equal((await deaf.post('/webhook/ann', campfire({ user: 6 }))).status, 204);
  assert.deepEqual(deaf.refused, [{ status: 204, reason: 'bot_author', botId: 'ann' }]);
  assert.equal(deaf.accepted.length, 0);
  const social = await serve(t, { bots: [bot('ann', { answerBots: true }), bot('ben')] });
  await social.post('/webhook/ann', campfire({ user: 6 }));
  assert.equal(social.accepted.length, 1);
  await social.post('/webhook/ann', campfire({ user: 5 }));
  assert.equal(social.accepted.length, 1);
});
