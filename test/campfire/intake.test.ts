import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import {
  type Acceptance,
  BODY_MAX_BYTES,
  emptyResponse,
  intakeRoutes,
  type Refusal,
} from '../../src/campfire/intake.ts';
import type { WebhookMessage } from '../../src/campfire/payload.ts';
import { type Bot, type BotParts, createBot } from '../../src/config/bot.ts';

const KEYS = { ann: '5-abcDEF123456', ben: '6-abcDEF123456' };
const bot = (id: 'ann' | 'ben', more: Partial<BotParts> = {}) =>
  createBot({ id, key: KEYS[id], name: id, systemPrompt: 'x', file: `${id}.json`, ...more });

interface Setup {
  bots?: Bot[];
  /** What a refresh of the bots folder brings to light. */
  laterBots?: Bot[];
  token?: string;
  publicUrl?: string;
  remote?: string;
  accept?: (bot: Bot, message: WebhookMessage) => Promise<Acceptance>;
}

/** The routes in an application and a server as the product has them, and a raw socket's view of each answer. */
async function serve(t: TestContext, setup: Setup = {}) {
  let bots = setup.bots ?? [bot('ann'), bot('ben')];
  const accepted: [string, WebhookMessage][] = [];
  const refused: Refusal[] = [];
  const intake = intakeRoutes({
    bots: {
      all: () => bots,
      byId: (id) => bots.find((candidate) => candidate.id === id),
      byKey: (key) => bots.find((candidate) => candidate.key === key),
      default: () =>
        bots.find((candidate) => candidate.isDefault) ?? (bots.length === 1 ? bots[0] : undefined),
      refresh() {
        if (!setup.laterBots) return null;
        bots = setup.laterBots;
        return { added: bots, changed: [], removed: [], problems: [] };
      },
    },
    settings: { webhookToken: setup.token, publicUrl: setup.publicUrl },
    async accept(forBot, message) {
      accepted.push([forBot.id, message]);
      return setup.accept ? setup.accept(forBot, message) : { kind: 'accepted' };
    },
    remoteAddress: (c) => setup.remote ?? (c.env as HttpBindings).incoming.socket.remoteAddress,
    onRefused: (refusal) => refused.push(refusal),
  });
  const app = new Hono();
  app.route('/', intake);
  app.get('/page', (c) => c.text('a page'));
  app.notFound(() => emptyResponse(404));
  app.onError(() => emptyResponse(500));
  const server = createAdaptorServer({ fetch: app.fetch });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  assert(typeof address === 'object' && address);
  const raw = (bytes: string | Buffer) => talk(address.port, (socket) => socket.write(bytes));
  const post = (path: string, body: unknown, headers: Record<string, string> = {}, method = 'POST') =>
    raw(
      request(
        method,
        path,
        typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
        headers,
      ),
    );
  return { post, raw, port: address.port, accepted, refused };
}

function request(
  method: string,
  path: string,
  body: string | Buffer,
  headers: Record<string, string>,
): Buffer {
  const lines = Object.entries({
    Host: 'localhost',
    'Content-Type': 'application/json',
    Connection: 'close',
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([
    Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`),
    Buffer.from(body),
  ]);
}

/** Everything that the server says until it hangs up, as bytes on the wire. */
async function talk(
  port: number,
  speak: (socket: Socket) => void,
): Promise<{ status: number; wire: string }> {
  const socket = connect(port, '127.0.0.1');
  let wire = '';
  socket.on('data', (chunk) => {
    wire += chunk.toString('latin1');
  });
  const closed = new Promise((resolve) => socket.on('close', resolve));
  // A server that has heard enough may reset the connection while we still write.
  socket.on('error', () => {});
  speak(socket);
  await closed;
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(wire)?.[1]), wire };
}

function assertSilent({ wire }: { wire: string }): void {
  assert(wire.startsWith('HTTP/1.1 '), JSON.stringify(wire));
  const [head = '', ...rest] = wire.split('\r\n\r\n');
  assert(!/^content-type:/im.test(head), head);
  // The adapter's own refusals are chunked, with no chunk but the closing one.
  const empty = /^transfer-encoding: chunked$/im.test(head) ? ['0', ''] : [''];
  assert.deepEqual(rest, empty, 'there is a body');
}

const campfire = (more: { user?: number; plain?: string; key?: string | null } = {}) => ({
  user: { id: more.user ?? 2, name: 'Ana' },
  room: {
    id: 1,
    name: null,
    ...(more.key !== null && { path: `/rooms/1/${more.key ?? KEYS.ann}/messages` }),
  },
  message: { id: 9, body: { html: '<div>hi</div>', plain: more.plain ?? 'hi' }, path: '/rooms/1/@9' },
});
const flat = { creator: { id: 1, name: 'Ann' }, room: { id: 1, name: 'HQ' }, content: 'hi' };

test('a negative control: the raw view sees a page’s type and body', async (t) => {
  const { raw } = await serve(t);
  const page = await raw(request('GET', '/page', '', {}));
  assert.throws(() => assertSilent(page));
});

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

for (const [title, body, status, reason] of [
  ['nothing', '', 400, 'not_json'],
  ['text that is not JSON', 'hi', 400, 'not_json'],
  ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22]), 400, 'not_utf8'],
  ['JSON of another form', '{"message":{}}', 400, 'payload'],
  ['JSON nested a hundred thousand deep', '['.repeat(100_000) + ']'.repeat(100_000), 400, 'payload'],
  ['unclosed JSON nested deep', '{"a":'.repeat(100_000), 400, 'not_json'],
  ['prototype keys', '{"__proto__":{"creator":{"id":1}},"content":"x"}', 400, 'payload'],
  ['more than the cap', 'x'.repeat(BODY_MAX_BYTES + 1), 413, 'too_large'],
] as const) {
  test(`a body of ${title} is refused without a word`, async (t) => {
    const { post, refused, accepted } = await serve(t);
    for (const path of ['/webhook/ann', '/webhook']) {
      const answer = await post(path, body);
      assert.equal(answer.status, status);
      assertSilent(answer);
    }
    assert.deepEqual(
      refused.map((refusal) => refusal.reason),
      [reason, reason],
    );
    assert.equal(accepted.length, 0);
  });
}

test('a body just below the cap is taken', async (t) => {
  const { post, accepted } = await serve(t);
  const frame = JSON.stringify({ ...flat, content: '' }).length;
  assert.equal(
    (await post('/webhook/ann', { ...flat, content: 'x'.repeat(BODY_MAX_BYTES - frame) })).status,
    204,
  );
  assert.equal(accepted[0]?.[1].plain.length, BODY_MAX_BYTES - frame);
});

test('a chunked body is taken, and cut off at the cap however long it goes on', async (t) => {
  const { raw, port, refused } = await serve(t);
  const head = 'POST /webhook/ann HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n';
  const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
  const small = await raw(
    `${head}Connection: close\r\n\r\n` +
      chunk(JSON.stringify(flat).slice(0, 9)) +
      chunk(JSON.stringify(flat).slice(9)) +
      chunk(''),
  );
  assert.equal(small.status, 204);
  assertSilent(small);

  const piece = Buffer.from(chunk('x'.repeat(64 * 1024)));
  const endless = await talk(port, (socket) => {
    socket.write(`${head}\r\n`);
    const pour = () => {
      while (!socket.destroyed && socket.writable && socket.write(piece));
      socket.once('drain', pour);
    };
    pour();
  });
  assert.equal(endless.status, 413);
  assertSilent(endless);
  assert.equal(refused[0]?.reason, 'too_large');
});

test('a caller who hangs up in the middle of a body leaves nothing behind', async (t) => {
  const { port, post, accepted } = await serve(t);
  await talk(port, (socket) => {
    socket.write('POST /webhook/ann HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"creator"');
    socket.destroySoon();
  });
  assert.equal((await post('/webhook/ann', flat)).status, 204);
  assert.equal(accepted.length, 1);
});

test('every other method on the webhook’s paths is 405 without a word', async (t) => {
  const { post, refused } = await serve(t);
  for (const path of ['/webhook', '/webhook/ann']) {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND']) {
      const answer = await post(path, '', {}, method);
      assert.equal(answer.status, 405, method);
      assertSilent(answer);
    }
  }
  assert(refused.every(({ reason }) => reason === 'method'));
});

test('every other path is 404 without a word', async (t) => {
  const { post } = await serve(t);
  for (const path of [
    '/',
    '/nothing',
    '/webhook/',
    '/webhook/ann/',
    '/webhook/ann/more',
    '/webhooks',
    '//webhook',
  ]) {
    const answer = await post(path, campfire());
    assert.equal(answer.status, 404, path);
    assertSilent(answer);
  }
});

for (const [title, accept, status, reason] of [
  ['a throw', () => Promise.reject(new Error('disk')), 500, 'error'],
  // What a library throws need not be an Error.
  ['a throw of something odd', () => Promise.reject('odd'), 500, 'error'],
  [
    'a full disk',
    async () => ({ kind: 'refused', status: 503, reason: 'disk_full' }) as const,
    503,
    'disk_full',
  ],
  [
    'too much mail',
    async () => ({ kind: 'refused', status: 429, reason: 'mailbox_full' }) as const,
    429,
    'mailbox_full',
  ],
] as const) {
  test(`${title} while accepting is ${status} without a word, and reported`, async (t) => {
    const { post, refused } = await serve(t, { accept });
    const answer = await post('/webhook/ann', campfire());
    assert.equal(answer.status, status);
    assertSilent(answer);
    assert.equal(refused[0]?.reason, reason);
    assert.equal(refused[0]?.botId, 'ann');
    assert.equal('error' in (refused[0] ?? {}), reason === 'error');
  });
}

test('what the HTTP server itself refuses has neither type nor body', async (t) => {
  const { raw } = await serve(t);
  const body = JSON.stringify(campfire());
  for (const bytes of [
    'garbage\r\n\r\n',
    'POST /webhook/ann HTTP/1.1\r\nConnection: close\r\n\r\n',
    'POST /webhook/ann HTTP/1.1\r\nHost: a b\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    'POST http:// HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    'POST /webhook/ann HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n',
    `POST /webhook/ann HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n${body}`,
    'POST /webhook/ann HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n',
    `POST /webhook/ann HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
    `POST /webhook/ann HTTP/1.1\r\nHost: localhost\r\nExpect: magic\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    `POST /webhook/${'x'.repeat(40_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    'POST /webhook\\ann HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
  ]) {
    const answer = await raw(bytes);
    assert(answer.status >= 400 && answer.status < 500, answer.wire);
    assertSilent(answer);
  }
});

test('a request that expects 100 or wants to upgrade gets its one silent answer', async (t) => {
  const { raw } = await serve(t);
  const body = JSON.stringify(campfire());
  const upgraded = await raw(
    request('POST', '/webhook/ann', body, { Connection: 'close, upgrade', Upgrade: 'h2c' }),
  );
  assert.equal(upgraded.status, 204);
  assertSilent(upgraded);
  const { wire } = await raw(request('POST', '/webhook/ann', body, { Expect: '100-continue' }));
  assert(wire.startsWith('HTTP/1.1 100 Continue\r\n\r\n'));
  assertSilent({ wire: wire.slice('HTTP/1.1 100 Continue\r\n\r\n'.length) });
});
