import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noFaults } from '../../src/playground/faults.ts';
import { testClock } from '../support/clock.ts';
import { ann, assistant, direct, hq, messagesPath, onBothFaces, startCast } from './cast.ts';
import { answer, silence, startEndpoint } from './endpoint.ts';

const hi = { body: 'hi', headers: { 'content-type': 'text/html' } };

onBothFaces('down: the connection is dropped, nothing happens, and it comes back', async (face) => {
  await using cast = await startCast({ face });
  cast.faults.set({ down: true });
  const told = cast.next('api.answered');
  await assert.rejects(cast.call('POST', messagesPath(hq), hi), /socket hang up|ECONNRESET/);
  assert.equal((await told).call.status, null);
  assert.deepEqual(cast.seenIn(hq), []);
  cast.faults.clear();
  assert.equal((await cast.call('POST', messagesPath(hq), hi)).status, 201);
});

test('slow: an answer takes its time, and the message is posted only then', async () => {
  const clock = testClock();
  await using cast = await startCast({ clock });
  cast.faults.set({ slowMs: 30_000 });
  const arrived = new Promise<void>((resolve) => {
    const { sleep } = clock;
    clock.sleep = (delayMs, signal) => {
      resolve();
      return sleep(delayMs, signal);
    };
  });
  const answered = cast.call('POST', messagesPath(hq), hi);
  await arrived;
  assert.deepEqual(cast.seenIn(hq), []);
  clock.advance(30_000);
  assert.equal((await answered).status, 201);
});

onBothFaces('bad gateway: a proxy answers with its page, and nothing happens', async (face) => {
  await using cast = await startCast({ face });
  cast.faults.set({ badGateway: true });
  const { status, headers, body } = await cast.call('POST', messagesPath(hq), hi);
  assert.deepEqual([status, headers['content-type'], headers['x-version']], [502, 'text/html', undefined]);
  assert.match(body, /Bad Gateway/);
  assert.deepEqual(cast.seenIn(hq), []);
});

onBothFaces('lost answers: the message is posted although its poster hears nothing', async (face) => {
  await using cast = await startCast({ face });
  cast.faults.set({ loseAnswers: true });
  await assert.rejects(cast.call('POST', messagesPath(hq), hi));
  assert.deepEqual(cast.seenIn(hq), ['hi']);
});

test('deleted under an edit: the edit finds no message', async () => {
  await using cast = await startCast();
  const own = cast.postHtml(assistant, hq, 'working…');
  cast.faults.set({ deleteUnderEdit: true });
  assert.equal((await cast.call('PATCH', `${messagesPath(hq)}/${own.id}`, hi)).status, 404);
  assert.deepEqual(cast.seenIn(hq), []);
});

onBothFaces('a rotated key: the old one is refused, webhooks carry the new one at once', async (face) => {
  await using endpoint = await startEndpoint();
  await using cast = await startCast({ face, webhookUrls: { assistant: endpoint.url } });
  const bot = cast.campfire.bots.get(assistant);
  assert.ok(bot);
  const key = cast.campfire.access.rotateKey(bot);
  assert.match(key, /^5-[A-Za-z0-9]{12}$/);
  assert.equal((await cast.call('POST', messagesPath(hq), hi)).status, 302);
  cast.postHtml(ann, direct, 'hello');
  assert.equal((await endpoint.request(1)).json.room.path, messagesPath(direct, key));
});

onBothFaces('out of order: a later message overtakes an earlier one', async (face) => {
  const clock = testClock();
  await using endpoint = await startEndpoint();
  await using cast = await startCast({ face, webhookUrls: { assistant: endpoint.url }, clock });
  cast.faults.set({ outOfOrder: true });
  cast.postHtml(ann, direct, 'first');
  cast.postHtml(ann, direct, 'second');
  await endpoint.request(1);
  clock.advance(1_000);
  await cast.webhooks.settled();
  assert.deepEqual(
    endpoint.requests.map(({ json }) => json.message.body.plain),
    ['second', 'first'],
  );
});

test('out of order: a message that nothing overtakes is delivered all the same', async () => {
  const clock = testClock();
  await using endpoint = await startEndpoint();
  await using cast = await startCast({ webhookUrls: { assistant: endpoint.url }, clock });
  cast.faults.set({ outOfOrder: true });
  cast.postHtml(ann, direct, 'alone');
  assert.equal(cast.webhooks.waiting, 1);
  clock.advance(1_000);
  assert.equal((await endpoint.request(1)).json.message.body.plain, 'alone');
});

onBothFaces('duplicates: one message is delivered several times with one id', async (face) => {
  await using endpoint = await startEndpoint();
  await using cast = await startCast({ face, webhookUrls: { assistant: endpoint.url } });
  cast.faults.set({ duplicates: 2 });
  const { id } = cast.postHtml(ann, direct, 'again');
  await cast.webhooks.settled();
  assert.deepEqual(
    endpoint.requests.map(({ json }) => json.message.id),
    [id, id, id],
  );
});

onBothFaces("a proxy's 502 in front of the service shows in the room as a file", async (face) => {
  await using endpoint = await startEndpoint();
  await using cast = await startCast({ face, webhookUrls: { assistant: endpoint.url } });
  cast.faults.set({ webhookBadGateway: true });
  cast.postHtml(ann, direct, 'hello');
  await cast.webhooks.settled();
  assert.deepEqual(cast.seenIn(direct), ['hello', 'attachment.html']);
  assert.equal(endpoint.requests.length, 0);
});

test('a restart loses the webhooks that wait, and finishes the one that runs', async () => {
  await using endpoint = await startEndpoint(() => {});
  await using cast = await startCast({ webhookUrls: { assistant: endpoint.url } });
  for (const text of ['runs', 'waits', 'waits too']) cast.postHtml(ann, direct, text);
  const { socket } = await endpoint.request(1);
  assert.equal(cast.webhooks.dropWaiting(), 2);
  socket.end(answer(200, 'text/plain', 'late'));
  await cast.webhooks.settled();
  assert.equal(endpoint.requests.length, 1);
  assert.equal(cast.seenIn(direct).at(-1), 'late');
});

test('a storm posts its number of messages at its rate, whatever the timer does', async () => {
  const clock = testClock();
  await using endpoint = await startEndpoint(({ socket }) => socket.end(silence));
  await using cast = await startCast({ clock, webhookUrls: { assistant: endpoint.url } });
  const total = cast.storm.start({
    roomId: direct,
    personIds: [ann],
    perSecond: 100,
    seconds: 2,
    html: 'no. {n}',
  });
  clock.advance(1_000);
  assert.equal(cast.seenIn(direct).length, 100);
  clock.advance(5_000);
  assert.equal(cast.seenIn(direct).length, total);
  assert.equal(cast.seenIn(direct).at(-1), 'no. 200');
  await cast.webhooks.settled();
  assert.equal(endpoint.requests.length, 200);
});

test('a healthy Campfire has no fault switched on', () => {
  assert.deepEqual(new Set(Object.values(noFaults)), new Set([false, 0, null]));
});
