import assert from 'node:assert/strict';
import { once } from 'node:events';
import { openAsBlob, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type CampfireClient, createCampfireClient } from '../../src/campfire/client.ts';
import { systemClock } from '../../src/lib/clock.ts';

const KEY = '5-hunter2hunt';
const ROOM = 7;

interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

const campfire = { 'X-Version': '1.5.0' };
const json = { ...campfire, 'Content-Type': 'application/json; charset=utf-8' };

/** A server that answers every request the same, a client of it, and what the server saw. */
async function serve(t: TestContext, answer: Answer | ((seen: Seen, response: ServerResponse) => void)) {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers };
    seen.push({ ...one, body: Buffer.concat(chunks) });
    if (typeof answer === 'function') return answer(seen[seen.length - 1] as Seen, response);
    response.writeHead(answer.status, answer.headers ?? {}).end(answer.body);
  });
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  assert(typeof address === 'object' && address);
  return { ...client(`http://127.0.0.1:${address.port}`), seen, sockets };
}

function client(baseUrl: string, timeoutMs = 5000): { api: CampfireClient } {
  return { api: createCampfireClient({ baseUrl, version: '1.2.3', clock: systemClock, timeoutMs }) };
}

/** A TCP server that treats a connection as told, for what HTTP servers do not do on purpose. */
async function serveRaw(t: TestContext, treat: (socket: Socket, count: number) => void) {
  let count = 0;
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    treat(socket, ++count);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  assert(typeof address === 'object' && address);
  return { baseUrl: `http://127.0.0.1:${address.port}`, connections: () => count };
}

test('a post sends the HTML as UTF-8 to the room’s address and gives the new message’s id', async (t) => {
  const location = 'https://chat.example/messages/42';
  const { api, seen } = await serve(t, { status: 201, headers: { ...campfire, Location: location } });
  assert.deepEqual(await api.post(KEY, ROOM, '<p>努力 👀</p>'), { kind: 'posted', id: 42 });
  assert.equal(seen[0]?.method, 'POST');
  assert.equal(seen[0]?.url, `/rooms/7/${KEY}/messages`);
  assert.equal(seen[0]?.body.toString(), '<p>努力 👀</p>');
  assert.equal(seen[0]?.headers['content-type'], 'text/html; charset=utf-8');
  assert.equal(seen[0]?.headers['user-agent'], 'campfire-ai-bot/1.2.3');
  assert.equal(seen[0]?.headers.cookie, undefined);
});

test('a post to a Campfire of before X-Version counts; one without an id is posted all the same', async (t) => {
  const old = await serve(t, { status: 201, headers: { Location: '/messages/3' } });
  assert.deepEqual(await old.api.post(KEY, ROOM, 'x'), { kind: 'posted', id: 3 });
  const mute = await serve(t, { status: 201 });
  assert.deepEqual(await mute.api.post(KEY, ROOM, 'x'), { kind: 'posted', id: null });
});

test('half a surrogate pair arrives as the replacement character', async (t) => {
  const { api, seen } = await serve(t, { status: 201 });
  await api.post(KEY, ROOM, 'cut \ud83d here');
  assert.equal(seen[0]?.body.toString(), 'cut \ufffd here');
});

test('a blank post, edit or boost is refused without asking Campfire', async (t) => {
  const { api, seen } = await serve(t, { status: 201 });
  const rejected = { kind: 'rejected', status: 0 };
  assert.deepEqual(await api.post(KEY, ROOM, ' \n\u00a0'), rejected);
  assert.deepEqual(await api.edit(KEY, ROOM, 1, ''), rejected);
  assert.deepEqual(await api.boost(KEY, ROOM, 1, ' '), rejected);
  assert.equal(seen.length, 0);
});

test('edit, delete, boost and unboost use the documented routes and successes', async (t) => {
  const { api, seen } = await serve(t, ({ method, url }, response) => {
    if (method === 'DELETE') return response.writeHead(204, campfire).end();
    if (url.endsWith('/boosts')) return response.writeHead(201, json).end('{"id":8,"content":"👀"}');
    return response.writeHead(200, json).end('{"id":9}');
  });
  assert.deepEqual(await api.edit(KEY, ROOM, 9, 'new'), { kind: 'done' });
  assert.deepEqual(await api.delete(KEY, ROOM, 9), { kind: 'done' });
  assert.deepEqual(await api.boost(KEY, ROOM, 9, '👀'), { kind: 'boosted', id: 8 });
  assert.deepEqual(await api.unboost(KEY, ROOM, 9, 8), { kind: 'done' });
  assert.deepEqual(
    seen.map(({ method, url }) => `${method} ${url.replace(KEY, 'KEY')}`),
    [
      'PATCH /rooms/7/KEY/messages/9',
      'DELETE /rooms/7/KEY/messages/9',
      'POST /rooms/7/KEY/messages/9/boosts',
      'DELETE /rooms/7/KEY/messages/9/boosts/8',
    ],
  );
});

test('a file is sent in the field that Campfire reads, with its name and type, also streamed from disk', async (t) => {
  const { api, seen } = await serve(t, { status: 201, headers: { Location: '/messages/5' } });
  const path = join(tmpdir(), `campfire-client-${process.pid}.csv`);
  writeFileSync(path, 'a;b\n'.repeat(50_000));
  t.after(() => rmSync(path));
  const bytes = { filename: 'Q3 "数字"\r\n.csv', content: new TextEncoder().encode('1;2'), type: 'text/csv' };
  assert.deepEqual(await api.attach(KEY, ROOM, bytes), { kind: 'posted', id: 5 });
  await api.attach(KEY, ROOM, { filename: 'big.csv', content: await openAsBlob(path) });
  const [small, big] = await Promise.all(
    seen.map(({ headers, body }) => formOf(headers['content-type'], body)),
  );
  assert.equal(small?.type, 'text/csv');
  assert.equal(await small?.text(), '1;2');
  assert.match(small?.name ?? '', /^Q3 "数字".*\.csv$/s);
  assert.equal((await big?.text())?.length, 200_000);
});

async function formOf(type: string | undefined, body: Buffer): Promise<File> {
  assert.match(type ?? '', /^multipart\/form-data; boundary=/);
  const form = await new Response(new Uint8Array(body), {
    headers: { 'content-type': type ?? '' },
  }).formData();
  assert.deepEqual([...form.keys()], ['attachment']);
  const file = form.get('attachment');
  assert(file instanceof File);
  return file;
}

const listed = {
  id: 3,
  created_at: '2026-01-01T00:00:00.000Z',
  body: { plain_text: 'hi', html: '<div class="trix-content">hi</div>' },
  creator: { id: 2, name: 'Ana', role: 'member', avatar_url: 'x' },
  room: { id: 7 },
  url: 'x',
};

test('the index gives messages, the total and whether there are more, around a message or the newest', async (t) => {
  const link = `<https://chat.example/rooms/7/${KEY}/messages?before=3>; rel="next"`;
  const headers = { ...json, 'X-Total-Count': '41', Link: link };
  const { api, seen } = await serve(t, { status: 200, headers, body: JSON.stringify([listed]) });
  const page = await api.index(KEY, ROOM, { before: 44 });
  assert.deepEqual(page, {
    kind: 'messages',
    messages: [
      {
        id: 3,
        createdAt: '2026-01-01T00:00:00.000Z',
        plain: 'hi',
        html: '<div class="trix-content">hi</div>',
        creator: { id: 2, name: 'Ana', isBot: false },
      },
    ],
    total: 41,
    more: true,
  });
  await api.index(KEY, ROOM);
  await api.index(KEY, ROOM, { after: 1 });
  assert.deepEqual(
    seen.map(({ url }) => new URL(url, 'http://x').search),
    ['?before=44', '', '?after=1'],
  );
});

test('an empty room gives an empty page', async (t) => {
  const { api } = await serve(t, { status: 200, headers: json, body: '[]' });
  assert.deepEqual(await api.index(KEY, ROOM), { kind: 'messages', messages: [], total: null, more: false });
});

test('a missing room and a missing reference are told apart', async (t) => {
  const { api } = await serve(t, { status: 404, headers: campfire });
  assert.equal((await api.index(KEY, ROOM)).kind, 'notMember');
  assert.equal((await api.index(KEY, ROOM, { after: 3 })).kind, 'notFound');
});

test('a success that is not Campfire’s is a wrong address', async (t) => {
  const page = { status: 200, headers: { 'Content-Type': 'text/html' }, body: '<h1>Sign in</h1>' };
  const { api } = await serve(t, page);
  for (const result of [
    await api.post(KEY, ROOM, 'x'),
    await api.edit(KEY, ROOM, 1, 'x'),
    await api.index(KEY, ROOM),
    await api.delete(KEY, ROOM, 1),
  ]) {
    assert.equal(result.kind, 'wrongAddress');
  }
  assert.equal(await api.probeFace(KEY, ROOM), 'unreachable');
});

test('a redirect is never followed', async (t) => {
  const { api, seen } = await serve(t, ({ url }, response) => {
    response.writeHead(301, { Location: `https://chat.example${url}` }).end('moved');
  });
  const result = await api.post(KEY, ROOM, 'x');
  assert(result.kind === 'redirected');
  assert.equal(result.to, 'https://chat.example');
  assert.match(result.remedy, /CAMPFIRE_URL to https:\/\/chat\.example /);
  assert.equal(seen.length, 1);
});

for (const [title, answer, face] of [
  ['a list of messages', { status: 200, headers: json, body: '[]' }, 'full'],
  [
    'a route that does not exist',
    { status: 404, headers: { 'Content-Type': 'text/html' }, body: 'no' },
    'post-only',
  ],
  ['a missing room', { status: 404, headers: campfire }, 'not-a-member'],
  [
    'the sign-in page',
    { status: 302, headers: { ...campfire, Location: 'https://h/session/new' } },
    'bad-key',
  ],
  ['a bad gateway', { status: 502 }, 'unreachable'],
  ['a redirect to https', { status: 301, headers: { Location: 'https://h/rooms' } }, 'unreachable'],
] as const) {
  test(`a probe answered by ${title} says ${face}`, async (t) => {
    const { api } = await serve(t, answer);
    assert.equal(await api.probeFace(KEY, ROOM), face);
  });
}

test('nobody at the address: nothing was sent, and trying again is safe', async (t) => {
  const { baseUrl } = await serveRaw(t, () => {});
  const port = Number(new URL(baseUrl).port);
  const closed = createTcpServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const address = closed.address();
  assert(typeof address === 'object' && address && address.port !== port);
  closed.close();
  await once(closed, 'close');
  const refused = await client(`http://127.0.0.1:${address.port}`).api.post(KEY, ROOM, 'x');
  assert.deepEqual(refused, { kind: 'unavailable', uncertain: false, status: null, cause: 'ECONNREFUSED' });
  const unnamed = await client('http://no-such-host.invalid').api.post(KEY, ROOM, 'x');
  assert(unnamed.kind === 'unavailable' && !unnamed.uncertain, JSON.stringify(unnamed));
});

test('a certificate that is not trusted stops before anything is sent', async () => {
  const broken = Object.assign(new TypeError('fetch failed'), {
    cause: Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
  });
  const api = createCampfireClient({
    baseUrl: 'https://chat.example',
    version: '0',
    clock: systemClock,
    fetch: () => Promise.reject(broken),
  });
  const result = await api.post(KEY, ROOM, 'x');
  assert.deepEqual(result, {
    kind: 'unavailable',
    uncertain: false,
    status: null,
    cause: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  });
});

test('a connection that breaks after the request leaves it uncertain, and nothing is sent twice', async (t) => {
  for (const end of ['end', 'resetAndDestroy'] as const) {
    const { baseUrl, connections } = await serveRaw(t, (socket) => {
      socket.on('data', (chunk) => {
        if (chunk.toString().includes('the text')) socket[end]();
      });
    });
    const { api } = client(baseUrl);
    const result = await api.post(KEY, ROOM, 'the text');
    assert(
      result.kind === 'unavailable' && result.uncertain && result.status === null,
      JSON.stringify(result),
    );
    assert.equal(connections(), 1);
    const read = await api.index(KEY, ROOM);
    assert(read.kind !== 'unavailable' || !read.uncertain);
  }
});

test('no answer within the limit leaves a post uncertain and a read certain', async (t) => {
  const { baseUrl, connections } = await serveRaw(t, (socket) => socket.resume());
  const { api } = client(baseUrl, 100);
  const result = await api.post(KEY, ROOM, 'x');
  assert.deepEqual(result, { kind: 'unavailable', uncertain: true, status: null, cause: 'timeout' });
  assert.deepEqual(await api.index(KEY, ROOM), { ...result, uncertain: false });
  assert.equal(connections(), 2);
});

test('the limit covers the body of the answer too', async (t) => {
  const { baseUrl } = await serveRaw(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[');
  });
  const result = await client(baseUrl, 100).api.index(KEY, ROOM);
  assert.deepEqual(result, { kind: 'unavailable', uncertain: false, status: null, cause: 'timeout' });
});

test('a server that closes idle connections never makes a post uncertain: each has its own', async (t) => {
  const { baseUrl, connections } = await serveRaw(t, (socket, count) => {
    socket.once('data', () => {
      const head = `HTTP/1.1 201 Created\r\nLocation: /messages/${count}\r\nContent-Length: 0\r\n`;
      // It claims to keep the connection, then drops it, as a restart does.
      socket.write(`${head}Connection: keep-alive\r\n\r\n`, () => socket.resetAndDestroy());
    });
  });
  const { api } = client(baseUrl);
  for (const id of [1, 2, 3]) assert.deepEqual(await api.post(KEY, ROOM, 'x'), { kind: 'posted', id });
  assert.equal(connections(), 3);
});

test('no connection stays open after an answer, read or not', async (t) => {
  const { api, sockets } = await serve(t, { status: 404, headers: json, body: 'x'.repeat(200_000) });
  await api.post(KEY, ROOM, 'x');
  await api.index(KEY, ROOM);
  await Promise.all([...sockets].map((socket) => socket.closed || once(socket, 'close')));
  assert.equal(sockets.size, 2);
});

test('an endless answer is given up', async (t) => {
  const { api } = await serve(t, (_, response) => {
    response.writeHead(200, json);
    const piece = `"${'x'.repeat(1024 * 1024)}",`;
    const pour = () => {
      while (!response.destroyed && response.write(piece));
      response.once('drain', pour);
    };
    pour();
  });
  assert.equal((await api.index(KEY, ROOM)).kind, 'wrongAddress');
});

test('no result holds the key', async (t) => {
  const results: unknown[] = [];
  for (const status of [
    200, 201, 301, 302, 307, 400, 401, 403, 404, 408, 413, 418, 422, 429, 500, 502, 503, 504,
  ]) {
    const { api } = await serve(t, ({ url }, response) => {
      const headers = {
        Location: `http://elsewhere.example${url}`,
        'X-Version': `1 ${url}`,
        Link: `<${url}>; rel="next"`,
      };
      response.writeHead(status, headers).end(url);
    });
    results.push(
      await api.post(KEY, ROOM, 'x'),
      await api.index(KEY, ROOM),
      await api.boost(KEY, ROOM, 1, 'x'),
    );
  }
  results.push(await client('http://127.0.0.1:1').api.post(KEY, ROOM, 'x'));
  assert.equal(results.length, 55);
  assert(!JSON.stringify(results).includes('hunter2'));
});
