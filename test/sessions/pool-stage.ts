import type { TestContext } from 'node:test';
import type { PoolOptions, SessionBot } from '../../src/sessions/parts.ts';
import { createPeaks, peakMigrations } from '../../src/sessions/peaks.ts';
import { createPool } from '../../src/sessions/pool.ts';
import { conversationMigrations, createConversations } from '../../src/sessions/resume.ts';
import { createSlots } from '../../src/sessions/slots.ts';
import { openStore } from '../../src/store/sqlite.ts';
import type { LifecycleEvent } from '../../src/telemetry/events.ts';
import { testClock } from '../support/clock.ts';
import { type FakeAgent, fakeAgents } from '../support/fake-agent.ts';
import { tempFolder } from '../support/temp.ts';

/** A pool over agents without processes, with a clock and a memory reading that a test moves. */

export const megabyte = 1024 ** 2;
export const gigabyte = 1024 ** 3;
export const prompt = { uuid: 'u', text: 't' };
export const hooks = { onStep() {}, useTool: async () => ({ text: '', isError: false }) };

export const bot = (revision = 'r1', id = 'helper'): SessionBot => ({
  ...{ id, revision },
  profile: { systemPrompt: '', model: null, tools: [], mcpServers: {}, maxTurns: null },
});
export const room = (roomId: number) => ({ botId: 'helper', roomId });

export type PoolStage = ReturnType<typeof setPool>;

export function setPool(t: Pick<TestContext, 'after'>, options: Partial<PoolOptions> = {}) {
  const clock = testClock();
  const { open, agents } = fakeAgents();
  const events: LifecycleEvent[] = [];
  const store = openStore(':memory:', [...conversationMigrations, ...peakMigrations]);
  const slots = createSlots(tempFolder(t));
  const memory = {
    ...{ source: 'host' as const, oomKills: 0, stallPercent: null },
    ...{ limitBytes: 8 * gigabyte, usedBytes: 0, availableBytes: 8 * gigabyte },
  };
  /** What each agent's tree holds at the next look, by slot; 100 MB unless a test says otherwise. */
  const trees = new Map<string, number>();
  const bots = new Map([['helper', 'r1']]);
  const measureTrees: PoolOptions['measureTrees'] = (tags) =>
    new Map(
      tags.map((tag) => {
        const bytes = trees.get(tag) ?? 100 * megabyte;
        return [tag, { bytes, peakBytes: bytes + megabyte }];
      }),
    );
  const conversations = createConversations(store, slots, clock);
  const peaks = createPeaks(store, 700 * megabyte);
  const pool = createPool(
    {
      ...{ idleTtlMs: 60_000, maxSessions: null, cores: 8, readMemory: () => memory },
      ...{ highPercent: 80, sessionMaxBytes: 700 * megabyte, spares: 0, measureTrees },
      revisionOf: (id) => bots.get(id) ?? null,
      ...options,
    },
    {
      ...{ openAgent: open, slots, clock, peaks, emit: (event) => events.push(event) },
      conversations,
    },
  );
  const of = (type: LifecycleEvent['type']) => events.filter((event) => event.type === type);
  return {
    ...{ pool, agents, clock, events, memory, trees, peaks, bots, slots, conversations, of },
    types: () => events.map(({ type }) => type),
    live: () => agents.filter(({ closed }) => !closed),
  };
}

/** Runs one prompt to its end in a fresh lease, as a turn does. */
export async function turn(stage: PoolStage, roomId: number, revision = 'r1'): Promise<FakeAgent> {
  const lease = await stage.pool.lease(room(roomId), bot(revision), stage.clock.now());
  const result = lease.run(prompt, hooks);
  await settle();
  const agent = stage.agents.findLast(({ closed, prompts }) => !closed && prompts.length > 0) as FakeAgent;
  agent.comeUp();
  agent.finish();
  await result;
  await lease[Symbol.asyncDispose]();
  return agent;
}

/** Lets promises that are already settled run. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Moves the clock in steps of a second and lets everything run that comes of it. */
export async function pass(stage: PoolStage, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    stage.clock.advance(1_000);
    await settle();
  }
}
