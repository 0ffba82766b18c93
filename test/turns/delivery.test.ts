import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createCampfireClient } from '../../src/campfire/client.ts';
import { createBot } from '../../src/config/bot.ts';
import type { Downloads } from '../../src/downloads/downloads.ts';
import type { WorkFolder } from '../../src/downloads/work-file.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import type { OutboxDraft, Turn } from '../../src/mail/mail.ts';
import { mailMigrations } from '../../src/mail/schema.ts';
import { createSqliteMail } from '../../src/mail/sqlite.ts';
import { startSimulator } from '../../src/playground/simulator.ts';
import { openStore } from '../../src/store/sqlite.ts';
import type { LifecycleEvent } from '../../src/telemetry/events.ts';
import { readFile, writeContent, writeFile } from '../../src/turns/content.ts';
import { createDelivery } from '../../src/turns/delivery.ts';
import { setDownloads } from '../support/downloads.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';

const key = '900-Ab1Cd2Ef3Gh4';
const bot = createBot({
  ...{ id: 'assistant', key, name: 'Assistant' },
  ...{ systemPrompt: '', file: 'a.json' },
});

/** Real delivery to a real HTTP Campfire, with mail in memory. */
async function setDelivery(t: TestContext, face: 'full' | 'v1.4.9' = 'full') {
  const campfire = await startSimulator({
    ...{ clock, face, people: [{ id: 1, name: 'Ann', role: 'member' as const }] },
    bots: [{ id: 900, name: 'Assistant', key, webhookUrl: null }],
    rooms: [1, 2].map((id) => ({ id, name: null, kind: 'direct' as const, members: [1, 900] })),
  });
  t.after(() => campfire.close());
  const { downloads } = setDownloads(t, clock, { publicUrl: null });
  const store = openStore(':memory:', mailMigrations);
  const mail = createSqliteMail(store, clock);
  const events: LifecycleEvent[] = [];
  const open = () =>
    createDelivery({
      ...{
        mail,
        clock,
        files: downloads,
        findBot: () => bot,
        emit: (event: LifecycleEvent) => events.push(event),
        random: () => 0,
      },
      client: createCampfireClient({ baseUrl: campfire.url, version: '0', clock, timeoutMs: 2_000 }),
    });
  const delivery = open();
  t.after(async () => {
    await delivery.stop(2_000);
    store.close();
  });
  const decide = async (roomId: number, messageId: number, drafts: Array<string | OutboxDraft>) => {
    const content = writeContent({ author: 'Ann', roomName: null, html: null, plain: 'hi' });
    await mail.accept({ botId: 'assistant', roomId, messageId, authorId: 1, content });
    const turn = (await mail.begin({ botId: 'assistant', roomId })) as Turn;
    await mail.decide(
      turn,
      { kind: 'answered' },
      drafts.map((draft) => (typeof draft === 'string' ? { kind: 'post' as const, body: draft } : draft)),
    );
  };
  const posted = (roomId = 1) =>
    campfire.campfire.messagesIn(roomId).map(({ html, attachment }) => attachment?.name ?? html ?? '');
  const settled = () =>
    eventually('everything to be settled', async () => (await mail.counts()).undelivered === 0);
  return { campfire, mail, events, delivery, decide, posted, settled, downloads };
}

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
  const { campfire, delivery, decide, events, posted, settled } = await setDelivery(t);
  const asBot = campfire.campfire.bots.get(900);
  assert.ok(asBot);
  const { token } = asBot;
  asBot.token = 'Zz9Yy8Xx7Ww6';
  await decide(1, 5, ['<div class="m5-0">a</div>']);
  delivery.wake();
  const retrying = await eventually('a refusal', () =>
    events.find((event) => event.type === 'delivery.retrying'),
  );
  assert.match(JSON.stringify(retrying), /badKey.*Copy the key again/);
  assert.doesNotMatch(JSON.stringify(events), /Ab1Cd2Ef3Gh4/);
  asBot.token = token;
  await settled();
  assert.equal(posted().length, 1);
});

/** Keeps a file and gives the body of its row. */
async function keepFile(
  downloads: Downloads,
  name: string,
  folder: WorkFolder,
  path: string,
): Promise<string> {
  const owner = { botId: 'assistant', roomId: 1, turnId: '1' };
  const kept = await downloads.keep({ from: 'file', folder, path }, owner, {
    as: 'attachment',
    name,
    title: null,
  });
  assert.ok(kept.kind === 'kept');
  return writeFile({ id: kept.file.id, filename: kept.file.name, type: kept.file.mediaType });
}

/** Every byte there is, in an order in which UTF-8 or line ends would not survive. */
const binary = Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 167 + 13) % 256));

test('files arrive as attachments behind the answer: binary, with a Chinese name, in order, and are dropped here', async (t) => {
  const { campfire, delivery, decide, posted, settled, downloads } = await setDelivery(t);
  const work = { path: tempFolder(t), anchor: tmpdir() };
  writeFileSync(join(work.path, 'a.bin'), binary);
  const first = await keepFile(downloads, '季度 报告 "Q3".bin', work, 'a.bin');
  const second = await keepFile(downloads, 'zweite.png', work, 'a.bin');
  await decide(1, 5, [
    { kind: 'post', body: '<div class="m5-0">a</div>' },
    { kind: 'file', body: first },
    { kind: 'file', body: second },
  ]);
  delivery.wake();
  await settled();
  assert.deepEqual(posted(), ['<div class="m5-0">a</div>', '季度 报告 -Q3-.bin', 'zweite.png']);
  const [, attached] = campfire.campfire.messagesIn(1);
  const received = campfire.campfire.files.get(attached?.attachment?.fileId ?? '')?.bytes;
  assert.deepEqual(Buffer.from(received ?? []), binary);
  assert.equal(await downloads.open(readFile(first).id), null);
});

test('a file whose answer was lost is found again, and one of the same name before it is not taken for it', async (t) => {
  const { campfire, mail, delivery, decide, posted, settled, downloads } = await setDelivery(t);
  const work = { path: tempFolder(t), anchor: tmpdir() };
  writeFileSync(join(work.path, 'a.csv'), 'a');
  const rows = async () => [
    { kind: 'post' as const, body: '<div class="m5-0">a</div>' },
    { kind: 'file' as const, body: await keepFile(downloads, 'a.csv', work, 'a.csv') },
  ];
  await decide(1, 5, await rows());
  delivery.wake();
  await settled();
  await decide(1, 6, await rows());
  // An earlier life posted the text, took the file's row, and ended before anything was sent.
  const text = await mail.takeOutbox({ botId: 'assistant', roomId: 1 }, clock.now());
  assert.ok(text);
  const { id } = campfire.campfire.post(900, 1, { html: text.body });
  await mail.settleOutbox(text, { kind: 'sent', campfireId: id });
  await mail.takeOutbox({ botId: 'assistant', roomId: 1 }, clock.now());
  delivery.wake();
  await settled();
  assert.equal(posted().filter((name) => name === 'a.csv').length, 2);
});

test('a file that Campfire stored but could not preview is a 500, and is not posted again', async (t) => {
  const { campfire, delivery, decide, posted, settled, downloads } = await setDelivery(t);
  const work = { path: tempFolder(t), anchor: tmpdir() };
  writeFileSync(join(work.path, 'a.png'), binary);
  campfire.faults.set({ ...campfire.faults.current, loseAnswers: true });
  await decide(1, 5, [{ kind: 'file', body: await keepFile(downloads, '图.png', work, 'a.png') }]);
  delivery.wake();
  await eventually('the file to arrive', () => posted().length === 1);
  campfire.faults.set({ ...campfire.faults.current, loseAnswers: false });
  await settled();
  assert.deepEqual(posted(), ['图.png']);
});

test('a file that is not kept any more becomes a sentence', async (t) => {
  const { delivery, decide, posted, settled } = await setDelivery(t);
  const gone = writeFile({ id: randomUUID(), filename: 'a.csv', type: 'text/csv' });
  await decide(1, 5, [{ kind: 'file', body: gone }]);
  delivery.wake();
  await settled();
  assert.match(posted().join(), /could not post a\.csv in time/);
});
