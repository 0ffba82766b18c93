import assert from 'node:assert/strict';
import { openAsBlob, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { campfire, client, json, KEY, ROOM, serve } from '../support/bot-api-server.ts';

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
