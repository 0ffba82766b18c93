import type { TestContext } from 'node:test';
import { type CampfireClient, createCampfireClient } from '../../src/campfire/client.ts';
import type { FaceBook } from '../../src/campfire/face.ts';
import { type Bot, createBot, type FindBot } from '../../src/config/bot.ts';
import type { Downloads } from '../../src/downloads/downloads.ts';
import type { Mail } from '../../src/mail/mail.ts';
import { soleOwnership } from '../../src/mail/ownership.ts';
import { mailMigrations } from '../../src/mail/schema.ts';
import { createSqliteMail } from '../../src/mail/sqlite.ts';
import { createSqliteUsage } from '../../src/mail/sqlite-usage.ts';
import { createPeaks, peakMigrations } from '../../src/sessions/peaks.ts';
import { createPool, type Pool } from '../../src/sessions/pool.ts';
import {
  type Conversations,
  conversationMigrations,
  createConversations,
} from '../../src/sessions/resume.ts';
import { createSlots } from '../../src/sessions/slots.ts';
import { openStore } from '../../src/store/sqlite.ts';
import type { LifecycleEvent } from '../../src/telemetry/events.ts';
import { accept } from '../../src/turns/accept.ts';
import { createDispatcher, type Dispatcher, type DispatcherParts } from '../../src/turns/dispatcher.ts';
import { createRecentStops } from '../../src/turns/overtaken.ts';
import { createSpending } from '../../src/turns/spending.ts';
import { type TestClock, testClock } from './clock.ts';
import { publicUrl, setDownloads } from './downloads.ts';
import { type FakeAgent, fakeAgents } from './fake-agent.ts';
import { tempFolder } from './temp.ts';

/** Everything from accepted messages to outbox rows, over agents and a clock that a test moves. */
export interface Turns {
  mail: Mail;
  pool: Pool;
  dispatcher: Dispatcher;
  conversations: Conversations;
  clock: TestClock;
  agents: FakeAgent[];
  events: LifecycleEvent[];
  /** What a service has to start sessions with. */
  memory: { availableBytes: number };
  /** Another life of the service on the same data: its agents are gone, nobody runs anything. */
  restart(): Dispatcher;
  say(text: string, who?: Partial<Said>): Promise<void>;
  /** The texts of all rows not yet sent, in their order; they count as sent from now on. */
  sent(roomId?: number, campfireId?: number): Promise<string[]>;
}

export interface Said {
  authorId: number;
  roomId: number;
  messageId: number | null;
  html: string | null;
}

/** This machine among others. */
export type Machines = Pick<DispatcherParts, 'ownership' | 'others' | 'onLost'>;

const gigabyte = 1024 ** 3;
const people: Record<number, string> = { 1: 'Ann', 2: 'Ben', 3: 'Cleo', 800: 'Other bot' };

export const helper = createBot({
  ...{ id: 'helper', key: '7-AbCdEf123456', name: 'Helper', systemPrompt: '', file: 'h.json' },
  description: 'I help.',
});

const alone: Machines = { ownership: soleOwnership('test'), others: null, onLost: () => {} };

/** What a turn meets beside its bot; nothing can be found out of the room and nobody edits there unless given. */
export interface TurnsGiven {
  campfire?: { faces: FaceBook; client: Partial<CampfireClient> };
  budgetUsdPerDay?: number;
  secrets?: string[];
  machines?: Partial<Machines>;
  findBot?: FindBot;
  /** In place of the real one's. */
  downloads?: Partial<Downloads>;
}

export function setTurns(
  t: TestContext,
  bot: Bot = helper,
  { campfire, budgetUsdPerDay, machines = {}, findBot = () => bot, ...given }: TurnsGiven = {},
): Turns {
  const clock = testClock();
  const { open, agents } = fakeAgents();
  const { downloads } = setDownloads(t, clock);
  const store = openStore(':memory:', [...mailMigrations, ...conversationMigrations, ...peakMigrations]);
  const slots = createSlots(tempFolder(t));
  const events: LifecycleEvent[] = [];
  const emit = (event: LifecycleEvent) => events.push(event);
  const mail = createSqliteMail(store, clock);
  const conversations = createConversations(store, slots, clock);
  const memory = {
    ...{ source: 'host' as const, oomKills: 0, stallPercent: null },
    limitBytes: 8 * gigabyte,
    usedBytes: 0,
    availableBytes: 8 * gigabyte,
  };
  const usage = createSqliteUsage(store);
  const spending = createSpending({
    usage,
    budgetUsdPerDay: budgetUsdPerDay ?? null,
    timeZone: 'UTC',
    clock,
    emit,
  });
  const openPool = () =>
    createPool(
      {
        ...{ idleTtlMs: 600_000, maxSessions: null, cores: 8, readMemory: () => memory },
        ...{ highPercent: 80, sessionMaxBytes: gigabyte, spares: 0, measureTrees: () => new Map() },
        revisionOf: () => bot.revision,
      },
      { openAgent: open, conversations, slots, clock, emit, peaks: createPeaks(store, gigabyte) },
    );
  const openDispatcher = (pool: Pool) =>
    createDispatcher({
      ...{ mail, pool, conversations, clock, emit, findBot, onDecided: () => {} },
      spending,
      ...{ downloads: Object.assign(downloads, given.downloads), publicUrl, ...alone, ...machines },
      ...{ secrets: new Set(given.secrets), timeZone: 'UTC', turnTimeoutMs: 3_600_000 },
      ...{
        faces: campfire?.faces ?? noCampfire,
        client: {
          ...createCampfireClient({ baseUrl: 'http://127.0.0.1:9', version: '0', clock }),
          ...campfire?.client,
        },
      },
      ...{ workspaces: { excess: async () => null, measure: () => {} }, workspaceMaxBytes: gigabyte },
      mentions: { learn() {}, sgidOf: () => null, search: async () => {} },
      postedFiles: { bring: async () => ({ note: null, images: [] }) },
    });
  let pool = openPool();
  let dispatcher = openDispatcher(pool);
  const stops = createRecentStops(clock);
  let newest = 0;
  return {
    ...{ mail, conversations, clock, agents, events, memory },
    get pool() {
      return pool;
    },
    get dispatcher() {
      return dispatcher;
    },
    restart() {
      // The earlier life hears nothing any more; what it had in its hands is lost.
      void dispatcher.stop(0);
      pool = openPool();
      dispatcher = openDispatcher(pool);
      dispatcher.wake();
      return dispatcher;
    },
    async say(text, { authorId = 1, roomId = 5, messageId = ++newest, html = null } = {}) {
      const message = {
        ...{ roomId, roomName: 'HQ', messageId, html, plain: text, permalinkPath: null },
        author: { id: authorId, name: people[authorId] ?? null },
      };
      const isBot = (id: number) => id >= 800;
      const onAccepted = dispatcher.wake.bind(dispatcher);
      await accept(bot, message, {
        ...{ mail, stops, clock, emit, isBot, onAccepted, onDecided: () => {} },
        ...{ history: { see: async () => {} }, seen: { mark: () => {} } },
      });
      await settle();
    },
    async sent(roomId = 5, campfireId) {
      const texts: string[] = [];
      const conversation = { botId: bot.id, roomId };
      for (;;) {
        const row = await mail.takeOutbox(conversation, Number.POSITIVE_INFINITY);
        if (!row) return texts;
        texts.push(row.body.replace(/<br>/g, '\n').replace(/<[^>]+>/g, ''));
        await mail.settleOutbox(row, { kind: 'sent', campfireId: campfireId ?? null });
      }
    },
  };
}

/** Nothing can be found out, so nothing is shown ahead of an answer. */
const noCampfire: FaceBook = { find: async () => null, known: () => null, report: () => {} };

/** Lets everything happen that waits for no clock. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 8; round++) await new Promise((resolve) => setImmediate(resolve));
}
