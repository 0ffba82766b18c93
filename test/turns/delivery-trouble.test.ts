import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import { createBot } from '../../src/config/bot.ts';
import { writeFile } from '../../src/turns/content.ts';
import { eventually } from '../support/eventually.ts';
import { assistant, deliverTo, setDelivery } from './delivery-stage.ts';

const version = { 'X-Version': '1.5.0' };

/** A Campfire that answers by room as a test says. */
async function campfireOf(
  t: TestContext,
  answer: (roomId: number, request: IncomingMessage, response: ServerResponse) => void,
) {
  const seen: number[] = [];
  const server = createServer((request, response) => {
    const roomId = Number(/^\/rooms\/(\d+)\//.exec(request.url ?? '')?.[1]);
    seen.push(roomId);
    answer(roomId, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  return { url: `http://127.0.0.1:${address.port}`, seen };
}

/** Takes a post; a room that is read is empty. */
const takes = (request: IncomingMessage, response: ServerResponse) =>
  request.method === 'GET'
    ? response.writeHead(200, { ...version, 'Content-Type': 'application/json' }).end('[]')
    : response.writeHead(201, { ...version, Location: 'https://campfire/messages/7' }).end();
const signIn = { ...version, Location: 'https://campfire/session/new' };

test('a wrong key costs one call at a time for all rooms, one event, and an edited file releases them at once', async (t) => {
  let keyIsGood = false;
  const { url, seen } = await campfireOf(t, (_room, request, response) =>
    keyIsGood ? takes(request, response) : response.writeHead(302, signIn).end(),
  );
  const { delivery, decide, count, bots, health, undelivered, settled } = deliverTo(t, url);
  for (let room = 1; room <= 40; room++) await decide(room, room, [`<div class="m${room}-0">a</div>`]);
  delivery.wake();
  await eventually('the bot to be unhealthy', () => count('bot.unhealthy') === 1);
  await eventually('what was under way to end', async () => count('delivery.retrying') === seen.length);
  assert.ok(seen.length <= 16, `at most the posts that were under way together, not ${seen.length}`);
  assert.equal(await undelivered(), 40);
  assert.equal(health.bot('assistant').state, 'unhealthy');

  keyIsGood = true;
  bots.current = [createBot({ ...assistant, key: '900-Zz9Yy8Xx7Ww6' })];
  health.probeNow('assistant');
  await settled();
  assert.deepEqual([count('bot.unhealthy'), count('bot.recovered')], [1, 1]);
  assert.equal(health.bot('assistant').state, 'ok');
});

test('a wrong key of one bot holds back no other bot', async (t) => {
  const other = createBot({ ...assistant, id: 'other', key: '901-Ab1Cd2Ef3Gh4', systemPrompt: '' });
  const { url } = await campfireOf(t, (_room, request, response) =>
    request.url?.includes('901-') ? takes(request, response) : response.writeHead(302, signIn).end(),
  );
  const { delivery, decide, bots, health, undelivered, count } = deliverTo(t, url);
  bots.current = [assistant, other];
  for (let room = 1; room <= 20; room++) await decide(room, room, ['<div>a</div>']);
  for (let room = 1; room <= 20; room++) await decide(room, 100 + room, ['<div>b</div>'], 'post', 'other');
  delivery.wake();
  await eventually('the other bot’s posts', () => count('delivery.sent') === 20);
  assert.equal(await undelivered(), 20);
  assert.equal(health.bot('other').state, 'ok');
});

test('Campfire away: one call at a time tries, then everything goes at once and nothing twice', async (t) => {
  const { campfire, delivery, decide, count, events, posted, settled } = await setDelivery(t, 'full', 30);
  campfire.faults.set({ badGateway: true });
  for (let room = 1; room <= 30; room++) await decide(room, room, [`<div class="m${room}-0">a</div>`]);
  delivery.wake();
  await eventually('a call after the first ones', () => count('campfire.called') >= 17);
  const called = count('campfire.called');
  assert.ok(called < 30, `${called} calls for 30 rooms`);
  campfire.faults.set({ badGateway: false });
  await settled();
  for (let room = 1; room <= 30; room++) assert.equal(posted(room).length, 1);
  const told = events
    .map(({ type }) => type)
    .filter((type) => type.startsWith('campfire.') && type !== 'campfire.called');
  assert.deepEqual(told, ['campfire.unhealthy', 'campfire.recovered']);
});

test('a wrong address and a redirect are told as what they are, and waited for', async (t) => {
  let answer: [number, Record<string, string>] = [404, {}];
  const { url } = await campfireOf(t, (_room, request, response) => {
    if (answer[0] === 201) takes(request, response);
    else response.writeHead(...answer).end();
  });
  const { delivery, decide, health, settled } = deliverTo(t, url);
  await decide(1, 1, ['<div>a</div>']);
  delivery.wake();
  const unhealthy = async (problem: RegExp) =>
    eventually(`${problem}`, () => {
      const state = health.campfire();
      return state.state === 'unhealthy' && problem.test(state.problem) && state;
    });
  assert.match((await unhealthy(/not Campfire \(HTTP 404\)/)).remedy, /CAMPFIRE_URL/);
  answer = [301, { Location: 'https://chat.example/rooms/1' }];
  assert.match(
    (await unhealthy(/sends every call on/)).remedy,
    /Set CAMPFIRE_URL to https:\/\/chat\.example/,
  );
  answer = [201, {}];
  await settled();
  assert.equal(health.campfire().state, 'ok');
});

test('rooms that hang hold back no other room, not even when there are more of them than posts at once', async (t) => {
  const { url } = await campfireOf(t, (room, request, response) => {
    if (room > 20) takes(request, response);
  });
  const { delivery, decide, count, health } = deliverTo(t, url, 60_000);
  for (let room = 1; room <= 20; room++) await decide(room, room, ['<div>hangs</div>']);
  delivery.wake();
  await eventually('the hanging posts to have all places', () => count('campfire.called') === 0);
  for (let room = 21; room <= 60; room++) await decide(room, room, ['<div>goes</div>']);
  delivery.wake();
  await eventually('every other room’s post', () => count('delivery.sent') === 40, 20_000);
  assert.equal(health.campfire().state, 'ok', 'a hang is that room’s own trouble');
});

for (const status of [422, 400]) {
  test(`${status} is logged with the message’s id, and the room hears a plain sentence instead`, async (t) => {
    const bodies: string[] = [];
    const { url } = await campfireOf(t, (_room, request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        bodies.push(body);
        if (body.includes('bad')) response.writeHead(status, version).end();
        else takes(request, response);
      });
    });
    const { delivery, decide, events, settled } = deliverTo(t, url);
    await decide(1, 81, ['<div class="m81-0">bad</div>', '<div class="m81-1">good</div>']);
    delivery.wake();
    await settled();
    const refused = events.find((event) => event.type === 'delivery.refused');
    assert.ok(refused?.type === 'delivery.refused');
    assert.deepEqual([refused.messageId, refused.status, refused.ordinal], [81, status, 0]);
    assert.match(bodies[1] ?? '', /Something went wrong on my side/);
    assert.match(bodies[2] ?? '', /good/, 'and the order is kept');
    assert.equal(bodies.length, 3);
  });
}

test('a 5xx after Campfire had stored the message: the room is read before it is posted again', async (t) => {
  const { campfire, delivery, decide, count, posted, settled, downloads } = await setDelivery(t);
  campfire.faults.set({ failProcessing: true });
  const owner = { botId: 'assistant', roomId: 2, turnId: '2' };
  const wish = { as: 'attachment' as const, name: 'answer-m6-0.md', title: null };
  const kept = await downloads.keep({ from: 'text', text: '# Long' }, owner, wish);
  assert.ok(kept.kind === 'kept');
  await decide(1, 5, ['<div class="m5-0">a</div>']);
  await decide(
    2,
    6,
    [writeFile({ id: kept.file.id, filename: kept.file.name, type: kept.file.mediaType })],
    'file',
  );
  delivery.wake();
  await settled();
  assert.deepEqual([posted(1).length, posted(2).length, count('delivery.gave_up')], [1, 1, 0]);
});

test('the file of a bot that is gone: its posts wait, and go when it is back', async (t) => {
  const { delivery, decide, bots, health, count, posted, settled } = await setDelivery(t);
  bots.current = [];
  await decide(1, 5, ['<div class="m5-0">a</div>']);
  await decide(2, 6, ['<div class="m6-0">b</div>']);
  delivery.wake();
  await eventually('it to be told', () => count('bot.unhealthy') === 1);
  assert.equal(posted().length, 0);
  bots.current = [assistant];
  health.probeNow('assistant');
  await settled();
  assert.deepEqual([posted(1).length, posted(2).length], [1, 1]);
});

test('what only another machine can send, having the bot’s file, is let be', async (t) => {
  const { mail, delivery, decide, bots, count, posted, settled } = await setDelivery(t);
  bots.current = [];
  bots.missing = 'elsewhere';
  await decide(1, 5, ['<div class="m5-0">a</div>']);
  delivery.wake();
  // A row of another bot behind it, so that it is known that all have been looked at.
  bots.current = [createBot({ ...assistant, id: 'second', key: assistant.key })];
  await decide(2, 6, ['<div class="m6-0">b</div>'], 'post', 'second');
  delivery.wake();
  await eventually('the other row to be sent', () => posted(2).length === 1);
  const row = await mail.takeOutbox({ botId: 'assistant', roomId: 1 }, Number.MAX_SAFE_INTEGER);
  assert.deepEqual([row?.tries, row?.inDoubt, count('bot.unhealthy')], [0, false, 0]);
  assert.ok(row);
  await mail.settleOutbox(row, { kind: 'retry', at: 0, problem: '' });
  bots.current = [assistant];
  delivery.wake();
  await settled();
  assert.equal(posted(1).length, 1);
});
