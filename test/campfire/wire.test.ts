import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createTcpServer } from 'node:net';
import { test } from 'node:test';
import { createCampfireClient } from '../../src/campfire/client.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { client, json, KEY, ROOM, serve, serveRaw } from '../support/bot-api-server.ts';

test('nobody at the address: nothing was sent, and trying again is safe', async () => {
  const closed = createTcpServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const address = closed.address();
  assert(typeof address === 'object' && address);
  closed.close();
  await once(closed, 'close');
  const refused = await client(`http://127.0.0.1:${address.port}`).api.post(KEY, ROOM, 'x');
  assert.deepEqual(refused, { kind: 'unavailable', uncertain: false, status: null, cause: 'ECONNREFUSED' });
  const unnamed = await client('http://no-such-host.invalid').api.post(KEY, ROOM, 'x');
  assert(unnamed.kind === 'unavailable' && !unnamed.uncertain, JSON.stringify(unnamed));
});

test('a TLS connection that does not come about sends nothing', async (t) => {
  const heard: string[] = [];
  const { baseUrl } = await serveRaw(t, (socket) => {
    socket.on('data', (chunk) => {
      heard.push(chunk.toString('latin1'));
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
  });
  const result = await client(baseUrl.replace('http:', 'https:')).api.post(KEY, ROOM, 'the text');
  assert(
    result.kind === 'unavailable' && !result.uncertain && result.status === null,
    JSON.stringify(result),
  );
  assert(!heard.join('').includes('the text'));
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

test('what may not be sent in the last moment is not: no byte of it, and Campfire is not to blame', async (t) => {
  const heard: string[] = [];
  const { baseUrl } = await serveRaw(t, (socket) =>
    socket.on('data', (chunk) => heard.push(chunk.toString())),
  );
  const calls: unknown[] = [];
  const onCall = (report: unknown) => calls.push(report);
  const api = createCampfireClient({ baseUrl, version: '1.2.3', clock: systemClock, onCall });
  const file = { filename: 'a.txt', content: new Blob(['a']) };
  let asked = 0;
  const no = () => {
    asked++;
    return false;
  };
  const results = [
    await api.post(KEY, ROOM, 'x', no),
    await api.edit(KEY, ROOM, 1, 'x', no),
    await api.delete(KEY, ROOM, 1, no),
    await api.attach(KEY, ROOM, file, no),
  ];
  assert.deepEqual(
    results,
    results.map(() => ({ kind: 'withheld' })),
  );
  assert.equal(asked, 4);
  assert.deepEqual([heard, calls], [[], []]);
});

test('a file whose machine may no longer send it ends without its end, whatever is left of it', async (t) => {
  let heard = 0;
  const { baseUrl } = await serveRaw(t, (socket) => {
    socket.on('data', (chunk) => {
      heard += chunk.length;
    });
  });
  const content = new Blob(Array.from({ length: 64 }, () => new Uint8Array(65_536)));
  let asked = 0;
  const file = { filename: 'long.bin', content, type: 'application/octet-stream' };
  const result = await client(baseUrl).api.attach(KEY, ROOM, file, () => ++asked < 5);
  assert.deepEqual(result, { kind: 'withheld' });
  assert.equal(asked, 5);
  assert.ok(heard > 0 && heard < content.size, String(heard));
});

test('text goes out in one piece with its headers', async (t) => {
  const heard: string[] = [];
  const { baseUrl } = await serveRaw(t, (socket) =>
    socket.once('data', (chunk) => {
      heard.push(chunk.toString());
      socket.end('HTTP/1.1 201 Created\r\nX-Version: 1.5.0\r\nContent-Length: 0\r\n\r\n');
    }),
  );
  await client(baseUrl).api.post(KEY, ROOM, 'the whole text, 也', () => true);
  assert.match(heard[0] ?? '', /^content-length: 19\r\n.*the whole text, 也$/ims);
});
