import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventView, MessageView, StateView } from '../../src/playground/page-views.ts';
import {
  ann,
  assistant,
  ben,
  type Cast,
  direct,
  helper,
  hq,
  keys,
  messagesPath,
  peopleOnly,
  startCast,
} from './cast.ts';
import { startEndpoint } from './endpoint.ts';

/** One call of the page, and its JSON. */
async function page<T>(
  cast: Cast,
  method: string,
  path: string,
  json?: unknown,
): Promise<{ status: number; json: T }> {
  const init = json === undefined ? {} : { body: JSON.stringify(json) };
  const response = await fetch(`${cast.url}/playground/api${path}`, { method, ...init });
  const text = await response.text();
  return { status: response.status, json: (text === '' ? null : JSON.parse(text)) as T };
}

const state = async (cast: Cast) => (await page<StateView>(cast, 'GET', '/state')).json;

test('the state tells rooms, people, bots and messages as the room shows them', async () => {
  await using cast = await startCast();
  cast.postHtml(ann, hq, '<div>look <table><tr><td>gone</td></tr></table></div>');
  const { rooms, people, bots, messages, face } = await state(cast);
  assert.equal(face, 'full');
  assert.deepEqual(
    people.map(({ name }) => name),
    ['Ann', 'Ben'],
  );
  assert.deepEqual(bots[0], {
    id: assistant,
    name: 'Bot',
    active: true,
    hasWebhook: false,
    hasNewKey: false,
  });
  assert.deepEqual(rooms[0], {
    id: hq,
    name: 'HQ',
    kind: 'open',
    memberIds: [ann, ben, assistant, helper],
    unreadFor: [ben],
  });
  assert.equal(rooms.find(({ id }) => id === direct)?.name, null);
  assert.deepEqual(messages[0]?.shown?.lost, [{ tag: 'table', text: 'gone' }]);
  assert.equal(messages[0]?.plain, 'look gone');
});

test('no bot key and no webhook URL gets out, in state or events', async () => {
  await using endpoint = await startEndpoint();
  await using cast = await startCast({ webhookUrls: { assistant: `${endpoint.url}?token=s3cret` } });
  const told: unknown[] = [];
  const stream = await openEvents(cast);
  cast.postHtml(ann, direct, 'hello');
  await cast.webhooks.settled();
  await cast.call('POST', messagesPath(direct), { body: 'hi', headers: { 'content-type': 'text/html' } });
  for await (const event of stream) {
    told.push(event);
    if (event.type === 'api.answered') break;
  }
  const seen = JSON.stringify([told, await state(cast)]);
  assert.match(seen, /"path":"\/rooms\/3\/5-…\/messages"/);
  for (const secret of [keys.assistant, keys.assistant.slice(2), 's3cret'])
    assert.ok(!seen.includes(secret), secret);
});

test('a typed text with a picked mention calls the bot, one with a typed name alone does not', async () => {
  await using endpoint = await startEndpoint();
  await using cast = await startCast({ webhookUrls: { assistant: endpoint.url } });
  const write = (written: object) =>
    page(cast, 'POST', `/rooms/${hq}/messages`, { personId: ann, ...written });
  await write({ text: '@Bot hello' });
  assert.equal((await write({ text: '@Bot & @Bot2:\nhello <you>', mentions: [assistant] })).status, 201);
  await write({ text: 'unnamed', mentions: [assistant] });
  await cast.webhooks.settled();
  assert.deepEqual(
    endpoint.requests.map(({ json }) => json.message.body.plain),
    ['& 2:\nhello <you>', 'unnamed'],
  );
});

test('a reply quotes its message with mentions as text, so that the quoted bot is not called', async () => {
  await using endpoint = await startEndpoint();
  await using cast = await startCast({ webhookUrls: { assistant: endpoint.url } });
  const quoted = cast.postHtml(assistant, hq, `${cast.mention(assistant)} said`);
  const reply = { personId: ann, text: 'really?', replyTo: quoted.id };
  const { json } = await page<{ message: MessageView }>(cast, 'POST', `/rooms/${hq}/messages`, reply);
  assert.equal(
    json.message.html,
    `<div><blockquote>@Bot said</blockquote><cite>Bot <a href="/rooms/${hq}/@${quoted.id}">#</a></cite><br>really?</div>`,
  );
  await cast.webhooks.settled();
  assert.equal(endpoint.requests.length, 0);
});

test('each uploaded file is a message of its own, and is served back in a way that cannot run script', async () => {
  await using cast = await startCast();
  const form = new FormData();
  form.append('file', new File(['<script>1</script>'], 'page.html', { type: 'text/html' }));
  form.append('file', new File(['a'], 'ä.txt', { type: 'text/plain' }));
  const path = `${cast.url}/playground/api/rooms/${direct}/files?personId=${ann}`;
  const uploaded = await fetch(path, { method: 'POST', body: form });
  const { messages } = (await uploaded.json()) as { messages: MessageView[] };
  assert.deepEqual(
    messages.map(({ html, plain }) => [html, plain]),
    [
      [null, 'page.html'],
      [null, 'ä.txt'],
    ],
  );
  const [page, text] = await Promise.all(
    messages.map(({ attachment }) => fetch(`${cast.url}${attachment?.url}`)),
  );
  assert.equal(await page?.text(), '<script>1</script>');
  assert.match(page?.headers.get('content-disposition') ?? '', /^attachment/);
  assert.match(page?.headers.get('content-security-policy') ?? '', /sandbox/);
  assert.equal(text?.headers.get('content-disposition'), "inline; filename*=UTF-8''%C3%A4.txt");
});

test('people change their own messages, administrators everybody’s, and nobody acts outside their rooms', async () => {
  await using cast = await startCast();
  const { id } = cast.postHtml(ann, hq, 'mine');
  const edit = { text: 'changed' };
  assert.equal((await page(cast, 'PATCH', `/messages/${id}`, { personId: ben, ...edit })).status, 403);
  assert.equal((await page(cast, 'PATCH', `/messages/${id}`, { personId: ann, ...edit })).status, 200);
  assert.equal(
    (await page(cast, 'POST', `/rooms/${direct}/messages`, { personId: ben, text: 'x' })).status,
    404,
  );
  assert.equal(
    (await page(cast, 'POST', `/rooms/${peopleOnly}/messages`, { personId: assistant, text: 'x' })).status,
    404,
  );
  const boost = await page<{ boost: { id: number } }>(cast, 'POST', `/messages/${id}/boosts`, {
    personId: ben,
    content: '👍',
  });
  const boostPath = `/messages/${id}/boosts/${boost.json.boost.id}`;
  assert.equal((await page(cast, 'DELETE', `${boostPath}?personId=${ann}`)).status, 404);
  assert.equal((await page(cast, 'DELETE', `${boostPath}?personId=${ben}`)).status, 204);
  assert.equal((await page(cast, 'DELETE', `/messages/${id}?personId=${ann}`)).status, 204);
  assert.deepEqual(cast.seenIn(hq), []);
});

test('face, faults, keys, rooms, presence, storm and restart are switched from the page', async () => {
  await using cast = await startCast();
  await page(cast, 'PUT', '/face', { face: 'v1.4.9' });
  await page(cast, 'PATCH', '/faults', { slowMs: 5 });
  const patched = await page<{ faults: object }>(cast, 'PATCH', '/faults', { down: true });
  assert.deepEqual(
    { down: cast.faults.current.down, slowMs: cast.faults.current.slowMs },
    { down: true, slowMs: 5 },
  );
  assert.deepEqual(patched.json.faults, cast.faults.current);
  assert.equal((await page(cast, 'PATCH', '/faults', { dwon: true })).status, 422);
  await page(cast, 'DELETE', '/faults');
  assert.equal(cast.face.current, 'v1.4.9');

  assert.equal((await page(cast, 'POST', `/bots/${assistant}/key`, { key: '5-NEWnewNEW123' })).status, 204);
  assert.equal(cast.campfire.access.botByKey('5-NEWnewNEW123')?.id, assistant);
  assert.equal((await page(cast, 'POST', `/bots/${assistant}/key`, { key: 'short' })).status, 422);
  assert.equal((await state(cast)).bots[0]?.hasNewKey, true);
  assert.equal((await page(cast, 'DELETE', `/bots/${assistant}/key`)).status, 204);
  assert.equal(cast.campfire.access.botByKey(keys.assistant)?.id, assistant);
  assert.equal((await state(cast)).bots[0]?.hasNewKey, false);

  const created = await page<{ room: { id: number } }>(cast, 'POST', '/rooms', {
    name: null,
    kind: 'direct',
    memberIds: [ben, helper],
  });
  assert.ok(cast.campfire.roomOf(ben, created.json.room.id));
  assert.equal((await page(cast, 'POST', '/rooms', { name: 'Named', kind: 'direct' })).status, 422);

  cast.postHtml(ben, hq, 'unread');
  await page(cast, 'POST', `/rooms/${hq}/presence`, { personId: ann, present: true });
  assert.deepEqual((await state(cast)).rooms[0]?.unreadFor, []);

  const storm = { roomId: hq, personIds: [ann, ben], perSecond: 1000, seconds: 0.01, text: 'storm' };
  const tenth = new Promise<void>((resolve) => {
    cast.events.subscribe(() => cast.seenIn(hq).length === 11 && resolve());
  });
  assert.deepEqual((await page(cast, 'POST', '/storm', storm)).json, { messages: 10 });
  await tenth;
  assert.equal((await page(cast, 'DELETE', '/storm')).status, 204);
  assert.deepEqual((await page(cast, 'POST', '/restart')).json, { lostWebhooks: 0 });
});

test('a request that another website made is refused', async () => {
  await using cast = await startCast();
  const headers = { 'sec-fetch-site': 'cross-site' };
  const response = await fetch(`${cast.url}/playground/api/restart`, { method: 'POST', headers });
  assert.equal(response.status, 403);
});

test('every change is told as it happens, in order', async () => {
  await using endpoint = await startEndpoint();
  await using cast = await startCast({ webhookUrls: { assistant: endpoint.url } });
  const events = await openEvents(cast);
  const message = cast.postHtml(ann, direct, 'hello');
  await cast.webhooks.settled();
  cast.postHtml(assistant, direct, 'answer');
  cast.campfire.edit(message, { html: 'edited' });
  cast.campfire.boost(ann, message, '👍');
  cast.campfire.delete(message);
  const types: string[] = [];
  for await (const event of events) {
    types.push(event.type);
    if (event.type === 'delivery.answered') assert.deepEqual(event.delivery.effect, { kind: 'ignored' });
    if (event.type === 'message.edited') assert.equal(event.message.shown?.text, 'edited');
    if (event.type === 'message.deleted') break;
  }
  assert.deepEqual(types, [
    'message.created',
    'webhook.due',
    'delivery.started',
    'delivery.answered',
    'unread.changed',
    'push.sent',
    'message.created',
    'message.edited',
    'boost.created',
    'message.deleted',
  ]);
});

test('messages and files stay bounded, the newest are kept', async () => {
  await using cast = await startCast({ messagesPerRoomMax: 3, fileBytesMax: 10 });
  for (let n = 1; n <= 5; n++) cast.postHtml(ann, hq, `${n}`);
  assert.deepEqual(cast.seenIn(hq), ['3', '4', '5']);
  const { json } = await page<{ messages: MessageView[] }>(
    cast,
    'GET',
    `/rooms/${hq}/messages?before=5&messages=1`,
  );
  assert.deepEqual(json.messages[0]?.plain, '4');
  const file = (name: string) => ({ file: { name, type: 'text/plain', bytes: Buffer.alloc(6) } });
  const old = cast.campfire.post(ann, direct, file('old'));
  const young = cast.campfire.post(ann, direct, file('young'));
  assert.equal(cast.campfire.files.get(old.attachment?.fileId ?? ''), undefined);
  assert.ok(cast.campfire.files.get(young.attachment?.fileId ?? ''));
  const gone = await fetch(`${cast.url}/playground/files/${old.attachment?.fileId}`);
  assert.equal(gone.status, 404);
});

/** The event stream, already listening. */
async function openEvents(cast: Cast): Promise<AsyncGenerator<EventView>> {
  const response = await fetch(`${cast.url}/playground/api/events`);
  assert.ok(response.body);
  const reader = response.body.pipeThrough(new TextDecoderStream());
  const chunks = reader[Symbol.asyncIterator]();
  let text = (await chunks.next()).value ?? '';
  assert.match(text, /: listening\n\n/);
  return (async function* () {
    for (;;) {
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data !== undefined) yield JSON.parse(data) as EventView;
      }
      const { value, done } = await chunks.next();
      if (done) return;
      text += value;
    }
  })();
}
