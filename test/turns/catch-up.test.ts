import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Failure } from '../../src/campfire/answers.ts';
import { createCampfireClient, type Page, type RoomMessage } from '../../src/campfire/client.ts';
import { mentionsBot, userIdIn } from '../../src/campfire/mentioned.ts';
import { createBot } from '../../src/config/bot.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { startSimulator } from '../../src/playground/simulator.ts';
import type { LifecycleEvent } from '../../src/telemetry/events.ts';
import { createCatchUp, missedMessages } from '../../src/turns/catch-up.ts';
import { testClock } from '../support/clock.ts';

const key = '900-Ab1Cd2Ef3Gh4';
const bot = createBot({ id: 'assistant', key, name: 'Assistant', systemPrompt: '', file: 'a.json' });
const hourMs = 3_600_000;
const noonMs = Date.UTC(2026, 0, 5, 12);

const said = (id: number, given: Partial<RoomMessage> & { at?: number } = {}): RoomMessage => ({
  ...{ id, plain: 'hi', html: '<div>hi</div>', createdAt: new Date(given.at ?? noonMs).toISOString() },
  creator: { id: 1, name: 'Ann', isBot: false },
  ...given,
});
const sgid = (userId: number) =>
  `${btoa(JSON.stringify({ _rails: { data: `gid://campfire/User/${userId}?expires_in`, pur: 'attachable' } }))}--abc`;
const mention = (id: string, name = 'Assistant') =>
  `<div class="trix-content">\n <div><action-text-attachment sgid="${id}" content-type="application/vnd.campfire.mention"><span class="mention"><img> ${name}</span></action-text-attachment> hi</div></div>`;

test('a mention is recognised by the signed id in any form that Rails has had, and otherwise by the name', () => {
  const inner = Buffer.from('\x04\bI"\x1fgid://campfire/User/900?expires_in\x06:\x06ET', 'latin1');
  const older = btoa(
    JSON.stringify({ _rails: { message: inner.toString('base64'), exp: null, pur: 'attachable' } }),
  );
  assert.deepEqual(
    [userIdIn(sgid(900)), userIdIn(`${older}--abc`), userIdIn('garbage--abc')],
    [900, 900, null],
  );
  assert.equal(mentionsBot(mention(sgid(900), 'Renamed'), bot), true);
  assert.equal(mentionsBot(mention(sgid(9001)), bot), false, 'another user of the same name');
  assert.equal(mentionsBot(mention('garbage--abc'), bot), true);
  assert.equal(mentionsBot('<div>@Assistant hi</div>', bot), false, 'typed, not picked');
});

const missed = (
  messages: RoomMessage[],
  given: { name?: string | null; newest?: number; oldest?: number } = {},
) =>
  missedMessages({
    ...{ messages, bot, notBefore: noonMs - hourMs },
    room: { botId: 'assistant', roomId: 1, name: given.name === undefined ? null : given.name },
    known: { newestBefore: given.newest ?? null, oldest: given.oldest ?? null },
  }).map(({ id }) => id);

test('missed is what a person wrote to the bot after what is known, and not too long ago', () => {
  const robot = { id: 901, name: 'Other', isBot: true };
  const all = [
    said(1, { at: noonMs - hourMs - 1 }),
    said(2, { at: noonMs - hourMs }),
    said(3, { creator: robot }),
    said(4, { creator: { id: 900, name: 'Assistant', isBot: false } }),
    said(5, { html: mention(sgid(900)) }),
    said(6, { html: '' }),
  ];
  assert.deepEqual(missed(all), [2, 5, 6], 'in a direct room everything');
  assert.deepEqual(missed(all, { name: 'HQ' }), [5], 'elsewhere mentions');
  assert.deepEqual(missed(all, { newest: 5 }), [6]);
  assert.deepEqual(missed(all, { oldest: 6 }), [6], 'before it was first asked nobody had asked it');
});

/** The catch-up over pages that a test gives. */
function catchUpOver(
  t: TestContext,
  index: (roomId: number, before?: number) => Page | Failure,
  rooms = [1],
) {
  const clock = testClock(noonMs);
  const accepted: number[] = [];
  const events: LifecycleEvent[] = [];
  const calls: number[] = [];
  const asked: number[] = [];
  const store = { isAway: false };
  const catchUp = createCatchUp({
    bots: () => [bot],
    client: {
      index: async (_key, roomId, around) => {
        calls.push(roomId);
        return index(roomId, around?.before);
      },
    },
    history: {
      rooms: async () => rooms.map((roomId) => ({ botId: 'assistant', roomId, name: null })),
      async known(_room, before) {
        asked.push(before);
        return { newestBefore: null, oldest: null };
      },
    },
    async accept(_bot, { messageId }) {
      if (store.isAway) throw new Error('The store is away.');
      accepted.push(messageId ?? 0);
      return 'accepted';
    },
    maxAgeMs: hourMs,
    // Waits take no time, but they pass.
    clock: { ...clock, sleep: async (ms) => clock.advance(ms) },
    emit: (event) => events.push(event),
  });
  t.after(() => catchUp.stop());
  return { catchUp, accepted, events, calls, asked, store };
}

const page = (messages: RoomMessage[], more = false): Page => ({
  kind: 'messages',
  messages,
  total: null,
  more,
});
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => said(from + index, { at: noonMs - 60_000 }));

test('a long absence is read page by page and accepted from the oldest on', async (t) => {
  const { catchUp, accepted, calls } = catchUpOver(t, (_room, before) =>
    before === undefined
      ? page(range(81, 120), true)
      : before === 81
        ? page(range(41, 80), true)
        : page(range(1, 40)),
  );
  await catchUp.run(noonMs);
  assert.deepEqual(
    accepted,
    range(1, 120).map(({ id }) => id),
  );
  assert.equal(calls.length, 3);
});

test('a Campfire that is away is asked again; one room that is stuck holds back no other', async (t) => {
  let tries = 0;
  const broken: Failure = { kind: 'unavailable', uncertain: false, status: null, cause: 'timeout' };
  const { catchUp, accepted, events } = catchUpOver(
    t,
    (room) => (room === 1 && ++tries < 4 ? broken : page([said(room, { at: noonMs - 60_000 })])),
    [1, 2, 3],
  );
  await catchUp.run(noonMs);
  assert.deepEqual(accepted, [2, 3, 1]);
  assert.ok(events.some((event) => event.type === 'catchup.done' && event.unread === 0));
});

test('what a round that failed was to fetch is fetched by the next one', async (t) => {
  const { catchUp, accepted, asked, store } = catchUpOver(t, () => page([said(7, { at: noonMs - 300_000 })]));
  store.isAway = true;
  await catchUp.run(noonMs - 300_000);
  store.isAway = false;
  await catchUp.run(noonMs);
  await catchUp.run(noonMs);
  assert.deepEqual(accepted, [7, 7]);
  const [failed, again, later] = asked;
  assert.equal(again, failed);
  assert.equal(later, (failed ?? 0) + 300_000);
});

test('what is never reached is given up when all of it would be too old', async (t) => {
  const broken: Failure = { kind: 'unavailable', uncertain: false, status: 503, cause: 'HTTP 503' };
  const { catchUp, events, calls } = catchUpOver(t, () => broken);
  await catchUp.run(noonMs);
  assert.deepEqual(events, [{ type: 'catchup.done', rooms: 0, accepted: 0, unread: 1 }]);
  assert.ok(calls.length < 100, `${calls.length} calls in an hour`);
});

test('the HTML that Campfire’s index gives becomes what a webhook’s would', async (t) => {
  const campfire = await startSimulator({
    ...{ clock: systemClock, face: 'full', people: [{ id: 1, name: 'Ann', role: 'member' as const }] },
    bots: [{ id: 900, name: 'Assistant', key, webhookUrl: null }],
    rooms: [{ id: 1, name: 'HQ', kind: 'open' as const }],
  });
  t.after(() => campfire.close());
  const asBot = campfire.campfire.bots.get(900);
  assert.ok(asBot);
  campfire.campfire.post(1, 1, { html: `<div>${campfire.campfire.mentions.html(asBot)} how long?</div>` });
  const client = createCampfireClient({ baseUrl: campfire.url, version: '0', clock: systemClock });
  const read = await client.index(key, 1);
  assert.ok(read.kind === 'messages');
  const [message] = read.messages;
  assert.ok(message && mentionsBot(message.html, bot));
  const { readBody } = await import('../../src/campfire/html/read.ts');
  assert.equal(readBody(message.html, message.plain, 'Assistant'), 'how long?');
});
