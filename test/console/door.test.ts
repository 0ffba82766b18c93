import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionSnapshot } from '../../src/sessions/parts.ts';
import { emptyWorld, stageApp, stageSource, stageToken } from '../support/console-stage.ts';

const host = 'bots.internal:8000';
const origin = `http://${host}`;

/** A proxy on this machine, as the socket shows it. */
const proxy = { incoming: { socket: { remoteAddress: '127.0.0.1' } } };

function open() {
  const stage = stageSource({ ...emptyWorld(), sessions: [session], files: [] });
  const app = stageApp(stage, new AbortController().signal);
  const request = (path: string, init: RequestInit = {}) =>
    app.request(`${origin}${path}`, { ...init, headers: { host, ...(init.headers as object) } }, proxy);
  const signIn = (token: string, headers: Record<string, string> = { origin }) =>
    request('/console/sign-in', {
      ...{ method: 'POST', body: new URLSearchParams({ token }).toString() },
      headers: {
        ...{
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': String(token.length + 6),
        },
        ...headers,
      },
    });
  /** A cookie as a browser has it after signing in, and the word that its pages send along. */
  const signedIn = async () => {
    const cookie = (await signIn(stageToken)).headers.get('set-cookie')?.split(';')[0] ?? '';
    const page = await (await request('/console', { headers: { cookie } })).text();
    return { cookie, csrf: /name="csrf-token" content="([^"]+)"/.exec(page)?.[1] ?? '', page };
  };
  return { ...stage, request, signIn, signedIn };
}

const session: SessionSnapshot = {
  ...{ id: '7:helper', state: 'idle', pid: 5, turns: 1, idleSeconds: 3, memoryBytes: 1 },
};

test('without a cookie pages lead to the sign-in, and everything else is refused', async () => {
  const { request } = open();
  const page = await request('/console');
  assert.equal(page.status, 303);
  assert.equal(page.headers.get('location'), '/console/sign-in');
  for (const path of ['/console/live', '/api/sessions', '/metrics'])
    assert.equal((await request(path)).status, 401, path);
  for (const cookie of ['', '1.2.3', '99999999999999.abc.def', '..'])
    assert.equal(
      (await request('/console/live', { headers: { cookie: `campfire_ai_bot_console=${cookie}` } })).status,
      401,
    );
  const signIn = await request('/console/sign-in');
  assert.equal(signIn.status, 200);
  const policy = signIn.headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe/);
});

test('the token opens the console for a browser; the cookie is kept from scripts and other sites', async () => {
  const { signIn, signedIn, request } = open();
  const answer = await signIn(stageToken);
  assert.equal(answer.status, 303);
  const cookie = answer.headers.get('set-cookie') ?? '';
  for (const part of [/HttpOnly/, /SameSite=Strict/, /Path=\//, /Max-Age=43200/]) assert.match(cookie, part);
  assert.doesNotMatch(cookie, /Secure/, 'over plain http a browser would drop it');
  const secure = await signIn(stageToken, { origin: `https://${host}` });
  assert.match(secure.headers.get('set-cookie') ?? '', /Secure/);
  assert.ok(!cookie.includes(stageToken));
  const { cookie: mine, page } = await signedIn();
  assert.match(page, /All is well/);
  assert.equal((await request('/api/sessions', { headers: { cookie: mine } })).status, 200);
  assert.equal((await request('/console/sign-in', { headers: { cookie: mine } })).status, 303);
});

test('a token shown with the request opens everything, and needs no word of a page', async () => {
  const { request, world } = open();
  const authorization = `Bearer ${stageToken}`;
  assert.equal((await request('/console', { headers: { authorization } })).status, 200);
  const closed = await request('/api/sessions/7:helper', { method: 'DELETE', headers: { authorization } });
  assert.equal(closed.status, 200);
  assert.deepEqual(world.asked, ['close 7:helper']);
  const wrong = await request('/console', { headers: { authorization: 'Bearer x' } });
  assert.equal(wrong.status, 303);
});

test('a cookie changes something only with the word of its page and an Origin that is ours', async () => {
  const { request, signedIn, world } = open();
  const { cookie, csrf } = await signedIn();
  const other = await signedIn();
  const verbs: [string, string][] = [
    ['DELETE', '/api/sessions/7:helper'],
    ['DELETE', '/api/downloads/f1'],
    ['POST', '/api/bots/reload'],
    ['POST', '/console/sign-out'],
  ];
  const refused: Record<string, string>[] = [
    {},
    { origin },
    { 'x-csrf-token': csrf },
    { origin, 'x-csrf-token': other.csrf },
    { origin: 'https://evil.example', 'x-csrf-token': csrf },
    { origin: 'null', 'x-csrf-token': csrf },
    { origin: `http://${host}.evil.example`, 'x-csrf-token': csrf },
    { origin: 'https://evil.example', 'x-csrf-token': csrf, 'sec-fetch-site': 'cross-site' },
  ];
  for (const [method, path] of verbs) {
    for (const headers of refused) {
      const answer = await request(path, { method, headers: { cookie, ...headers } });
      assert.equal(answer.status, 403, `${method} ${path} ${JSON.stringify(headers)}`);
    }
  }
  assert.deepEqual(world.asked, []);
  const good: Record<string, string>[] = [
    { origin, 'x-csrf-token': csrf },
    { origin: 'https://bots.example.com', 'x-csrf-token': csrf },
    { origin: 'https://console.example', 'x-csrf-token': csrf, 'sec-fetch-site': 'same-origin' },
  ];
  for (const headers of good) {
    const answer = await request('/api/bots/reload', { method: 'POST', headers: { cookie, ...headers } });
    assert.equal(answer.status, 200, JSON.stringify(headers));
  }
  const signOut = await request('/console/sign-out', { method: 'POST', headers: { cookie, ...good[0] } });
  assert.match(signOut.headers.get('set-cookie') ?? '', /Max-Age=0/);
});

test('nothing changes by looking', async () => {
  const { request, signedIn, world } = open();
  const { cookie, csrf } = await signedIn();
  for (const path of ['/api/bots/reload', '/console/sign-out', '/api/sessions/7:helper'])
    assert.equal(
      (await request(path, { headers: { cookie, origin, 'x-csrf-token': csrf } })).status,
      404,
      path,
    );
  assert.deepEqual(world.asked, []);
});

test('a cookie ends after twelve hours, and with the token that signed it', async () => {
  const { request, signedIn, world } = open();
  const { cookie } = await signedIn();
  const elsewhere = open();
  assert.equal(
    (await elsewhere.request('/console', { headers: { cookie } })).status,
    200,
    'after a restart it is good',
  );
  world.shiftMs = 12 * 3_600_000 - 5_000;
  assert.equal((await request('/console', { headers: { cookie } })).status, 200);
  world.shiftMs = 12 * 3_600_000 + 5_000;
  assert.equal((await request('/console', { headers: { cookie } })).status, 303);
  const [end = '', word, signature] = cookie.split('=')[1]?.split('.') ?? [];
  const longer = `campfire_ai_bot_console=${Number(end) + 9e9}.${word}.${signature}`;
  assert.equal((await request('/console', { headers: { cookie: longer } })).status, 303);
});

test('guesses are slowed down, the right one too, and from everywhere else one can sign in', async () => {
  const { signIn } = open();
  const from = (address: string) => ({ origin, 'x-forwarded-for': `6.6.6.6, ${address}` });
  for (let count = 0; count < 5; count++) {
    const answer = await signIn('guess', from('10.0.0.9'));
    assert.equal(answer.status, 401);
    assert.match(await answer.text(), /That is not the token\./);
  }
  const blocked = await signIn(stageToken, from('10.0.0.9'));
  assert.equal(blocked.status, 429);
  assert.match(await blocked.text(), /Too many tries\. Wait \d+ s/);
  assert.equal(blocked.headers.get('retry-after'), '60');
  assert.equal(blocked.headers.get('set-cookie'), null);
});

test('a sign-in that another site sends, an empty or an endless one is refused', async () => {
  const { signIn, request } = open();
  assert.equal((await signIn(stageToken, { origin: 'https://evil.example' })).status, 403);
  assert.equal((await signIn(stageToken, {})).status, 403);
  assert.equal((await signIn('', { origin })).status, 400);
  const huge = await request('/console/sign-in', {
    ...{ method: 'POST', body: 'token=x' },
    headers: { origin, 'content-type': 'application/x-www-form-urlencoded', 'content-length': '99999' },
  });
  assert.equal(huge.status, 400);
});

test('files of the page are served by name alone, with their type', async () => {
  const { request } = open();
  for (const [name, type] of [
    ['console.js', 'text/javascript'],
    ['uplot.js', 'text/javascript'],
    ['console.css', 'text/css'],
  ]) {
    const answer = await request(`/console/assets/${name}`);
    assert.equal(answer.status, 200, name);
    assert.match(answer.headers.get('content-type') ?? '', new RegExp(`^${type}`));
    const again = await request(`/console/assets/${name}`, {
      headers: { 'if-none-match': answer.headers.get('etag') ?? '' },
    });
    assert.equal(again.status, 304);
  }
  for (const path of ['/console/assets/..%2fdoor.ts', '/console/assets/door.ts', '/console/nothing'])
    assert.equal((await request(path)).status, 404, path);
  const post = await request('/console/nothing', { method: 'POST' });
  assert.equal(post.status, 404);
  assert.equal(await post.text(), '');
});
