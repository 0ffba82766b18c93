import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock as clock } from '../../src/lib/clock.ts';
import type { OutboxRow } from '../../src/mail/mail.ts';
import { type DeliverParts, deliver } from '../../src/turns/deliver.ts';
import { eventually } from '../support/eventually.ts';
import { playedOwnership } from '../support/ownership.ts';
import { assistant, setDelivery } from './delivery-stage.ts';

test('posts of a conversation arrive in order', async (t) => {
  const { delivery, decide, posted, settled } = await setDelivery(t);
  await decide(1, 5, ['<div class="m5-0">a</div>', '<div class="m5-1">b</div>']);
  await decide(1, 6, ['<div class="m6-0">c</div>']);
  delivery.wake();
  await settled();
  assert.deepEqual(
    posted().map((html) => html.replace(/<[^>]+>/g, '')),
    ['a', 'b', 'c'],
  );
});

test('a Campfire that is away delays, and nothing is lost or doubled', async (t) => {
  const { campfire, delivery, decide, events, posted, settled } = await setDelivery(t);
  campfire.faults.set({ ...campfire.faults.current, badGateway: true });
  await decide(1, 5, ['<div class="m5-0">a</div>']);
  delivery.wake();
  await eventually('two tries', () => events.filter(({ type }) => type === 'delivery.retrying').length >= 2);
  campfire.faults.set({ ...campfire.faults.current, badGateway: false });
  await settled();
  assert.equal(posted().length, 1);
});

test('a post whose answer was lost is found again on a Campfire that can be read', async (t) => {
  const { campfire, delivery, decide, events, posted, settled } = await setDelivery(t);
  campfire.faults.set({ ...campfire.faults.current, loseAnswers: true });
  await decide(1, 5, ['<div class="m5-0">a</div>']);
  delivery.wake();
  await eventually('the post to arrive', () => posted().length === 1);
  campfire.faults.set({ ...campfire.faults.current, loseAnswers: false });
  await settled();
  assert.equal(posted().length, 1);
  assert.ok(
    events.some((event) => event.type === 'delivery.in_doubt' && event.resolution === 'it had arrived'),
  );
});

for (const [face, expected] of [
  ['full', ['a']],
  ['v1.4.9', ['I was restarted while answering Ann; if no answer is above, ask me again.']],
] as const) {
  test(`${face}: a post that a restart interrupted is never repeated blindly`, async (t) => {
    const { mail, delivery, decide, posted, settled } = await setDelivery(t, face);
    await decide(1, 5, ['<div class="m5-0">a</div>']);
    // The earlier life had taken the row and ended before it could record an answer.
    await mail.takeOutbox({ botId: 'assistant', roomId: 1 }, clock.now());
    delivery.wake();
    await settled();
    assert.deepEqual(
      posted().map((html) => html.replace(/<[^>]+>/g, '')),
      expected,
    );
  });
}

for (const [face, expected] of [
  ['full', ['a']],
  ['v1.4.9', []],
] as const) {
  test(`${face}: a line ahead of an answer is never posted twice`, async (t) => {
    const { mail, delivery, decide, posted, settled } = await setDelivery(t, face);
    await decide(1, 5, ['<div class="m5-900">a</div>'], 'waiting');
    await mail.takeOutbox({ botId: 'assistant', roomId: 1 }, clock.now());
    delivery.wake();
    await settled();
    assert.deepEqual(
      posted().map((html) => html.replace(/<[^>]+>/g, '')),
      expected,
    );
  });
}

test('a room without the bot is given up, one with it is not held back', async (t) => {
  const { campfire, delivery, decide, events, posted, settled } = await setDelivery(t);
  campfire.campfire.rooms.get(1)?.memberships.delete(900);
  await decide(1, 5, ['<div class="m5-0">a</div>']);
  await decide(2, 6, ['<div class="m6-0">b</div>']);
  delivery.wake();
  await settled();
  assert.deepEqual([posted(1).length, posted(2).length], [0, 1]);
  assert.ok(events.some(({ type }) => type === 'delivery.gave_up'));
});

test('a key that was reset is waited for until somebody mends it', async (t) => {
  const { campfire, delivery, decide, events, health, posted, settled } = await setDelivery(t);
  const asBot = campfire.campfire.bots.get(900);
  assert.ok(asBot);
  const { token } = asBot;
  asBot.token = 'Zz9Yy8Xx7Ww6';
  await decide(1, 5, ['<div class="m5-0">a</div>']);
  delivery.wake();
  const unhealthy = await eventually('a refusal', () =>
    events.find((event) => event.type === 'bot.unhealthy'),
  );
  assert.match(JSON.stringify(unhealthy), /Copy the key again.*a\.json/);
  assert.doesNotMatch(JSON.stringify(events), /Ab1Cd2Ef3Gh4/);
  asBot.token = token;
  health.probeNow('assistant');
  await settled();
  assert.equal(posted().length, 1);
});

test('nothing is posted while it is not certain that no other machine does', async (t) => {
  const ownership = playedOwnership();
  const { delivery, decide, events, posted, settled } = await setDelivery(t, 'full', 2, ownership);
  Object.assign(ownership, { certainMs: 3_000, renewedMs: 3_000 });
  await decide(1, 5, ['<div class="m5-0">a</div>']);
  delivery.wake();
  await eventually('it waits', () => events.some(({ type }) => type === 'delivery.retrying'));
  assert.deepEqual(posted(), []);
  Object.assign(ownership, { renewedMs: 10_000 });
  await settled();
  assert.equal(posted().length, 1);
});

test('however many conversations other machines have, those behind them are found', async (t) => {
  const ownership = playedOwnership();
  const rooms = 40;
  const { delivery, decide, posted } = await setDelivery(t, 'full', rooms, ownership);
  for (let room = 1; room < rooms; room++) {
    ownership.elsewhere.add(room);
    await decide(room, room, [`<div class="m${room}-0">a</div>`]);
  }
  await decide(rooms, rooms, [`<div class="m${rooms}-0">b</div>`]);
  await eventually('the last room has its own', () => {
    delivery.wake();
    return posted(rooms).length === 1;
  });
});

test('what another machine has is let be, and sent once it can be had', async (t) => {
  const ownership = playedOwnership();
  const { delivery, decide, posted, settled, undelivered } = await setDelivery(t, 'full', 2, ownership);
  ownership.elsewhere.add(1);
  await decide(1, 5, ['<div class="m5-0">a</div>']);
  await decide(2, 6, ['<div class="m6-0">b</div>']);
  delivery.wake();
  await eventually('the other room has its own', async () => posted(2).length === 1);
  for (let round = 0; round < 20; round++) delivery.wake();
  await eventually('it was asked for', () => ownership.asked >= 2);
  assert.ok(ownership.asked < 6, `asked ${ownership.asked} times`);
  assert.deepEqual([posted(1), await undelivered()], [[], 1]);
  ownership.elsewhere.delete(1);
  await eventually('it is sent', async () => {
    delivery.wake();
    return posted(1).length === 1;
  });
  await settled();
});

/** A row on its way by itself, with a client and a right that are played. */
function deliverAlone(
  row: Record<string, unknown>,
  client: Record<string, unknown>,
  parts: Partial<DeliverParts>,
): Promise<{ kind: string; campfireId?: number | null }> {
  const whole = {
    ...{ id: 1, turnId: 1, botId: 'assistant', roomId: 1, ordinal: 0, body: 'a', noticeId: 7 },
    ...{ inDoubt: false, tries: 0, decidedAt: clock.now(), sentBefore: null, messages: [{ messageId: 5 }] },
  };
  return deliver({ ...whole, ...row } as unknown as OutboxRow, {
    client: client as unknown as DeliverParts['client'],
    faces: { known: () => 'full' as const, report() {}, find: async () => 'full' as const },
    files: { open: async () => null, release: async () => {} },
    health: {
      campfire: () => ({ state: 'ok' }) as ReturnType<DeliverParts['health']['campfire']>,
      bot: () => ({ state: 'ok' }) as ReturnType<DeliverParts['health']['bot']>,
      noUsableFile() {},
    },
    ...{ findBot: () => assistant, right: { mayWrite: async () => true, mayBeSent: () => true } },
    ...{ clock, emit() {}, random: () => 0, ...parts },
  });
}

for (const [what, kind, loses] of [
  ['edited', 'in-place', 'index'],
  ['deleted', 'post', 'find'],
] as const) {
  test(`no notice is ${what} when the right went while Campfire was asked`, async () => {
    let certain = true;
    const lose = (call: string) => {
      if (call === loses) certain = false;
    };
    const refuse = () => assert.fail('another machine may have the conversation');
    const client = {
      async index() {
        lose('index');
        return { kind: 'messages' as const, messages: [], more: false };
      },
      ...{ edit: refuse, delete: refuse, post: refuse },
    };
    const find = async () => {
      lose('find');
      return 'full' as const;
    };
    const faces = { known: () => 'full' as const, report() {}, find };
    const right = { mayWrite: async () => certain, mayBeSent: () => certain };
    const result = await deliverAlone({ kind }, client, { faces, right });
    assert.equal(result.kind, 'retry');
  });
}

test('a machine that stood still since it asked sends nothing, and tries again', async () => {
  const asked: unknown[] = [];
  const withhold = async (...given: unknown[]) => {
    asked.push((given.at(-1) as () => boolean)());
    return { kind: 'withheld' as const };
  };
  const index = async () => ({ kind: 'messages' as const, messages: [], more: false });
  const right = { mayWrite: async () => true, mayBeSent: () => false };
  for (const row of [{ kind: 'in-place' }, { kind: 'post' }, { kind: 'post', noticeId: null }]) {
    const client = { index, edit: withhold, delete: withhold, post: withhold };
    assert.equal((await deliverAlone(row, client, { right })).kind, 'retry');
  }
  assert.deepEqual(asked, [false, false, false]);
});

test('an answer in the place of its notice is found where the notice is, however old that is', async () => {
  const hoursAgo = (hours: number) => new Date(clock.now() - hours * 3_600_000).toISOString();
  const said = { createdAt: hoursAgo(1), plain: '', html: '', creator: { id: 1 } };
  const own = { id: 7, createdAt: hoursAgo(2), plain: 'a', html: '<div class="m5-0">a</div>' };
  const client = {
    async index(_key: string, _room: number, { before }: { before?: number } = {}) {
      const found =
        before === undefined ? { ...said, id: 50 } : { ...own, creator: { id: assistant.userId } };
      return { kind: 'messages' as const, messages: [found], more: true };
    },
    post: () => assert.fail('it is in the room already'),
  };
  const result = await deliverAlone({ kind: 'in-place', inDoubt: true }, client, {});
  assert.deepEqual(result, { kind: 'sent', campfireId: 7 });
});
