import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BODY_MAX_BYTES, LARGE_BODIES } from '../../src/campfire/intake.ts';
import { eventually } from '../support/eventually.ts';
import { assertSilent, campfire, flat, request, serve, talk } from '../support/intake-server.ts';

test('a negative control: the raw view sees a page’s type and body', async (t) => {
  const { raw } = await serve(t);
  const page = await raw(request('GET', '/page', '', {}));
  assert.throws(() => assertSilent(page));
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

test('of many large bodies at once two are read, the others wait their turn, and small ones pass by', async (t) => {
  const { port, post, accepted } = await serve(t);
  const body = JSON.stringify({ ...flat, content: 'x'.repeat(BODY_MAX_BYTES - 1000) });
  const whole = request('POST', '/webhook/ann', body, {});
  const callers = Array.from({ length: LARGE_BODIES + 2 }, () => {
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
    const caller = { isHeard: false, end };
    const answer = talk(port, (socket) => {
      socket.write(whole.subarray(0, -1), async () => {
        caller.isHeard = true;
        await mayEnd;
        socket.write(whole.subarray(-1));
      });
    });
    return Object.assign(caller, { answer });
  });
  const heard = () => callers.filter(({ isHeard }) => isHeard).length;
  await eventually('two to be read', () => heard() === LARGE_BODIES);
  assert.equal((await post('/webhook/ann', flat)).status, 204, 'a small one passes by');
  assert.equal(heard(), LARGE_BODIES, 'the others are held up');
  for (const { end } of callers) end();
  for (const { answer } of callers) assert.equal((await answer).status, 204);
  assert.equal(accepted.length, callers.length + 1);
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
