import type { TestContext } from 'node:test';
import { createCampfireClient } from '../../src/campfire/client.ts';
import { createFaceBook } from '../../src/campfire/face.ts';
import { type Bot, createBot } from '../../src/config/bot.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import type { OutboxDraft, Turn } from '../../src/mail/mail.ts';
import { type Ownership, soleOwnership } from '../../src/mail/ownership.ts';
import { mailMigrations } from '../../src/mail/schema.ts';
import { createSqliteMail } from '../../src/mail/sqlite.ts';
import { startSimulator } from '../../src/playground/simulator.ts';
import { openStore } from '../../src/store/sqlite.ts';
import type { LifecycleEvent } from '../../src/telemetry/events.ts';
import { writeContent } from '../../src/turns/content.ts';
import { createDelivery, type Delivery } from '../../src/turns/delivery.ts';
import { createHealthBook } from '../../src/turns/health-book.ts';
import { setDownloads } from '../support/downloads.ts';
import { eventually } from '../support/eventually.ts';

const key = '900-Ab1Cd2Ef3Gh4';
export const assistant = createBot({
  ...{ id: 'assistant', key, name: 'Assistant' },
  ...{ systemPrompt: '', file: 'a.json' },
});

/** A folder of bots that a test edits. */
export interface BotsNow {
  current: readonly Bot[];
  /** What is said of a bot that is not there. */
  missing?: 'gone' | 'elsewhere';
}

/** Real delivery to whatever listens at `baseUrl`, with mail in memory. `random` is 0, so that pauses are short. */
export function deliverTo(
  t: TestContext,
  baseUrl: string,
  timeoutMs = 2_000,
  ownership: Ownership = soleOwnership('test'),
) {
  const store = openStore(':memory:', mailMigrations);
  const mail = createSqliteMail(store, clock);
  const events: LifecycleEvent[] = [];
  const { downloads } = setDownloads(t, clock, { publicUrl: null });
  const bots: BotsNow = { current: [assistant] };
  const emit = (event: LifecycleEvent) => events.push(event);
  const random = () => 0;
  let delivery: Delivery;
  const health = createHealthBook({
    ...{ clock, emit, random, onCampfireBack: () => {}, onReleased: () => delivery.wake() },
    botOfKey: (given) => bots.current.find((bot) => bot.key === given),
  });
  const client = createCampfireClient({ baseUrl, version: '0', clock, timeoutMs, onCall: health.report });
  const findBot = (id: string) => bots.current.find((bot) => bot.id === id) ?? bots.missing ?? 'gone';
  delivery = createDelivery({
    ...{ mail, clock, health, client, files: downloads, findBot, emit, random },
    ownership,
    ...{ faces: createFaceBook(client, clock), onSettled: () => {} },
  });
  t.after(async () => {
    await delivery.stop(2_000);
    store.close();
  });
  const decide = async (
    roomId: number,
    messageId: number,
    drafts: Array<string | OutboxDraft>,
    kind: OutboxDraft['kind'] = 'post',
    botId = 'assistant',
  ) => {
    const content = writeContent({ author: 'Ann', roomName: null, html: null, plain: 'hi' });
    await mail.accept({ botId, roomId, messageId, authorId: 1, content });
    const turn = (await mail.begin({ botId, roomId })) as Turn;
    await mail.decide(
      turn,
      { kind: 'answered' },
      drafts.map((draft) => (typeof draft === 'string' ? { kind, body: draft } : draft)),
    );
  };
  const undelivered = async () => (await mail.counts()).undelivered;
  const settled = () => eventually('everything to be settled', async () => (await undelivered()) === 0);
  const count = (type: LifecycleEvent['type']) => events.filter((event) => event.type === type).length;
  return { mail, downloads, events, count, bots, health, delivery, decide, undelivered, settled };
}

/** The same to a simulator with rooms 1 and 2. */
export async function setDelivery(
  t: TestContext,
  face: 'full' | 'v1.4.9' = 'full',
  rooms = 2,
  ownership?: Ownership,
) {
  const campfire = await startSimulator({
    ...{ clock, face, people: [{ id: 1, name: 'Ann', role: 'member' as const }] },
    bots: [{ id: 900, name: 'Assistant', key, webhookUrl: null }],
    rooms: Array.from({ length: rooms }, (_, index) => index + 1).map((id) => ({
      ...{ id, name: null, kind: 'direct' as const, members: [1, 900] },
    })),
  });
  t.after(() => campfire.close());
  const posted = (roomId = 1) =>
    campfire.campfire.messagesIn(roomId).map(({ html, attachment }) => attachment?.name ?? html ?? '');
  return { campfire, posted, ...deliverTo(t, campfire.url, 2_000, ownership) };
}
