import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Answer,
  ann,
  assistant,
  call,
  direct,
  helper,
  hq,
  keys,
  messagesPath,
  multipart,
  onBothFaces,
  startCast,
} from './cast.ts';

/** Who may come in at all: keys, bans, cookies, browsers, routes; for both faces where they differ. */

const html = { 'content-type': 'text/html; charset=utf-8' };
const faces = ['full', 'v1.4.9'] as const;

function assertVersioned({ headers }: Answer): void {
  assert.ok(headers['x-version'], 'a controller answered');
}

for (const face of faces) {
  test(`A1: a wrong, rotated or deactivated key is sent to sign in (${face})`, async () => {
    await using cast = await startCast({ face });
    const { campfire } = cast;
    const rotated = campfire.bots.get(assistant);
    const deactivated = campfire.bots.get(helper);
    assert.ok(rotated && deactivated);
    const newKey = campfire.access.rotateKey(rotated);
    deactivated.active = false;
    for (const key of [keys.assistant, keys.helper, '5-000000000000', '5', 'nonsense']) {
      const refused = await cast.call('POST', messagesPath(hq, key), { body: 'hi', headers: html });
      assert.equal(refused.status, 302, key);
      assert.equal(refused.headers.location, `https://${new URL(cast.url).host}/session/new`);
      assertVersioned(refused);
    }
    assert.deepEqual(cast.seenIn(hq), []);
    assert.equal(
      (await cast.call('POST', messagesPath(hq, newKey), { body: 'hi', headers: html })).status,
      201,
    );
  });
}

onBothFaces('A1: a client that follows the redirect gets a page with status 200', async (face) => {
  await using cast = await startCast({ face, disableSsl: true });
  const followed = await fetch(`${cast.url}${messagesPath(hq, '5-000000000000')}`, {
    method: 'POST',
    body: 'hi',
  });
  assert.equal(followed.status, 200);
  assert.match(followed.headers.get('content-type') ?? '', /^text\/html/);
  assert.deepEqual(cast.seenIn(hq), []);
});

test('A1: what follows a second dash of a key is ignored', async () => {
  await using cast = await startCast();
  const path = messagesPath(hq, `${keys.assistant}-more`);
  assert.equal((await cast.call('POST', path, { body: 'hi', headers: html })).status, 201);
});

for (const face of faces) {
  test(`A2: a valid key is refused on routes for people, and a stranger is sent to sign in (${face})`, async () => {
    await using cast = await startCast({ face });
    for (const path of [
      '/searches',
      '/rooms/1',
      '/rooms/1/messages/1',
      '/rooms/1/@1',
      '/autocompletable/users',
    ]) {
      const refused = await cast.call('GET', `${path}?bot_key=${keys.assistant}`);
      assert.equal(refused.status, 403, path);
      assertVersioned(refused);
      assert.equal((await cast.call('GET', path)).status, 302, path);
    }
  });
}

test('A15: of v1.4.9 only posting exists; every other route is a 404 without X-Version', async () => {
  await using cast = await startCast({ face: 'v1.4.9' });
  const own = cast.postHtml(assistant, hq, 'mine');
  const message = `${messagesPath(hq)}/${own.id}`;
  for (const [method, path] of [
    ['GET', messagesPath(hq)],
    ['PATCH', message],
    ['PUT', message],
    ['DELETE', message],
    ['POST', `${message}/boosts`],
    ['DELETE', `${message}/boosts/1`],
    ['GET', messagesPath(hq, 'wrong-key')],
  ] as const) {
    const hasBody = method !== 'GET' && method !== 'DELETE';
    const answer = await cast.call(method, path, hasBody ? { body: 'x', headers: html } : {});
    assert.equal(answer.status, 404, `${method} ${path}`);
    assert.equal(answer.headers['x-version'], undefined);
  }
  const posted = await cast.call('POST', messagesPath(hq), { body: 'hi', headers: html });
  assert.equal(posted.status, 201);
  assertVersioned(posted);
  assert.deepEqual(cast.seenIn(hq), ['mine', 'hi']);
});

test('A15: an upgrade at run time brings the full API', async () => {
  await using cast = await startCast({ face: 'v1.4.9' });
  assert.equal((await cast.call('GET', messagesPath(hq))).status, 404);
  cast.face.current = 'full';
  assert.equal((await cast.call('GET', messagesPath(hq))).status, 200);
});

test('a route that no Campfire has is a 404 without X-Version', async () => {
  await using cast = await startCast();
  const answer = await cast.call('GET', `/rooms/${hq}/${keys.assistant}/members`);
  assert.equal(answer.status, 404);
  assert.equal(answer.headers['x-version'], undefined);
});

onBothFaces(
  'A16: http to a host with TLS is redirected, and a client that follows posts nothing',
  async (face) => {
    await using secure = await startCast({ face });
    await using cast = await startCast({ face });
    cast.faults.set({ tlsRedirectTo: secure.url });
    const path = messagesPath(hq);
    const redirected = await cast.call('POST', path, { body: 'hi', headers: html });
    assert.equal(redirected.status, 301);
    assert.equal(redirected.headers.location, `${secure.url}${path}`);
    assert.equal(redirected.headers['x-version'], undefined);
    const followed = await fetch(`${cast.url}${path}`, { method: 'POST', body: 'hi', headers: html });
    assert.equal(followed.status, face === 'full' ? 200 : 404, 'of a GET, and on full it looks like success');
    assert.deepEqual([cast.seenIn(hq), secure.seenIn(hq)], [[], []]);
  },
);

for (const face of faces) {
  test(`A17: a banned address may read but not write (${face})`, async () => {
    await using cast = await startCast({ face });
    cast.campfire.access.ban('203.0.113.9');
    const headers = { ...html, 'x-forwarded-for': '203.0.113.9, 10.0.0.1' };
    const refused = await cast.call('POST', messagesPath(hq), { body: 'hi', headers });
    assert.equal(refused.status, 429);
    assert.equal(refused.body, '');
    assertVersioned(refused);
    const reading = await cast.call('GET', messagesPath(hq), { headers });
    assert.equal(reading.status, face === 'full' ? 200 : 404);
    assert.throws(() => cast.campfire.access.ban('127.0.0.1'), RangeError);
  });
}

const webkit = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)';
const outdated = [
  `${webkit} Chrome/100.0.4896.60 Safari/537.36`,
  `${webkit} Version/17.1 Safari/605.1.15`,
  `${webkit} Chrome/120.0.0.0 Safari/537.36 OPR/103.0.0.0`,
  'Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0',
  'Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0) like Gecko',
];
const welcome = [
  undefined,
  'node',
  'undici',
  'campfire-ai-bot/0.1.0',
  'Ruby',
  `${webkit} Chrome/120.0.0.0 Safari/537.36`,
  `${webkit} Version/17.2 Safari/605.1.15`,
  'Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0',
];

for (const face of faces) {
  test(`A18: an outdated browser gets a page instead of the action; everything else passes (${face})`, async () => {
    await using cast = await startCast({ face });
    const post = (agent: string | undefined) =>
      cast.call('POST', messagesPath(hq), {
        body: 'hi',
        headers: agent === undefined ? html : { ...html, 'user-agent': agent },
      });
    for (const agent of outdated) {
      const { status, headers } = await post(agent);
      assert.deepEqual([status, headers['content-type']], [200, 'text/html; charset=utf-8'], agent);
    }
    assert.deepEqual(cast.seenIn(hq), []);
    for (const agent of welcome) assert.equal((await post(agent)).status, 201, agent);
  });
}

test('A18: the key is checked before the browser', async () => {
  await using cast = await startCast();
  const headers = { ...html, 'user-agent': outdated[0] ?? '' };
  assert.equal((await cast.call('POST', messagesPath(hq, '5-wrong'), { body: 'hi', headers })).status, 302);
});

for (const face of faces) {
  test(`A20: a session cookie wins over the key and brings back the check against forgery (${face})`, async () => {
    await using cast = await startCast({ face });
    const person = cast.campfire.people.get(ann);
    assert.ok(person);
    const cookie = (token: string) => ({ ...html, cookie: `session_token=${token}` });
    const headers = cookie(cast.campfire.access.signIn(person));
    const refused = await cast.call('POST', messagesPath(hq), { body: 'hi', headers });
    assert.equal(refused.status, 422);
    assert.equal(refused.headers['x-version'], undefined, 'an exception, not an answer of the controller');
    assert.deepEqual(cast.seenIn(hq), []);
    const forgotten = await cast.call('POST', messagesPath(hq), { body: 'hi', headers: cookie('unknown') });
    assert.equal(forgotten.status, 201);
  });
}

test('one origin serves several clients at once', async () => {
  await using cast = await startCast();
  const posts = Array.from({ length: 20 }, (_, n) =>
    call(
      cast.url,
      'POST',
      messagesPath(direct),
      n % 2 ? { body: `${n}`, headers: html } : multipart('attachment', 'x', `${n}`),
    ),
  );
  const statuses = new Set((await Promise.all(posts)).map(({ status }) => status));
  assert.deepEqual([...statuses], [201]);
  assert.equal(cast.seenIn(direct).length, 20);
});

test('people, bots and rooms that do not fit together are refused at the start', async () => {
  const bot = { id: helper, name: 'Bot2', key: keys.helper, webhookUrl: null };
  await assert.rejects(startCast({ bots: [{ ...bot, key: keys.assistant }] }), /key of bot 6/);
  await assert.rejects(startCast({ bots: [bot, bot] }), /two users 6/);
  await assert.rejects(startCast({ rooms: [{ id: 1, name: 'Named', kind: 'direct' }] }), /direct room/);
  await assert.rejects(
    startCast({ rooms: [{ id: 1, name: 'A', kind: 'closed', members: [77] }] }),
    /no user 77/,
  );
});
