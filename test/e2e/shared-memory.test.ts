import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type TestContext, test } from 'node:test';
import type { TurnHooks } from '../../src/agent/agent.ts';
import { promptText } from '../../src/agent/prompt.ts';
import { createSdkAgents } from '../../src/agent/sdk.ts';
import { fateOfPrompt } from '../../src/agent/transcript.ts';
import { inheritedEnvironment } from '../../src/config/settings.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { type ScriptedModel, startScriptedModel } from '../../src/playground/model.ts';
import type { SessionBot } from '../../src/sessions/parts.ts';
import { createPeaks, peakMigrations } from '../../src/sessions/peaks.ts';
import { createPool } from '../../src/sessions/pool.ts';
import type { RedisStore } from '../../src/store/redis.ts';
import { openStore } from '../../src/store/sqlite.ts';
import { eventually } from '../support/eventually.ts';
import { redisServer, redisStore } from '../support/redis.ts';
import { machine } from '../support/redis-memory.ts';
import { supervision } from '../support/supervision.ts';

/** Sessions with the real agent on two machines that have nothing in common but a Redis. */

const gigabyte = 1024 ** 3;
const room = { botId: 'helper', roomId: 1 };
const bot: SessionBot = {
  ...{ id: 'helper', revision: 'r1' },
  profile: {
    ...{ systemPrompt: 'You help.', model: 'claude-haiku-4-5', tools: ['Read', 'Write'], mcpServers: {} },
    maxTurns: null,
  },
};
const hooks: TurnHooks = { onStep() {}, useTool: async () => ({ text: '', isError: true }) };

function withAgents(t: TestContext, store: RedisStore, model: ScriptedModel, name: string) {
  const own = machine(t, store, name);
  const { supervisor } = supervision(t, 'namespace', `${name}-${process.pid}`);
  const peaks = createPeaks(openStore(':memory:', peakMigrations), gigabyte);
  const environment = { ...inheritedEnvironment(), DISABLE_AUTOUPDATER: '1' };
  const way = { ANTHROPIC_API_KEY: 'sk-ant-test', ANTHROPIC_BASE_URL: model.url };
  const memory = {
    ...{ source: 'host' as const, oomKills: null, stallPercent: null },
    ...{ limitBytes: 8 * gigabyte, usedBytes: 0, availableBytes: 8 * gigabyte },
  };
  const pool = createPool(
    {
      ...{ idleTtlMs: 60_000, maxSessions: null, cores: 2, readMemory: () => memory, spares: 0 },
      ...{ highPercent: 80, sessionMaxBytes: gigabyte, measureTrees: () => new Map() },
      revisionOf: () => 'r1',
    },
    {
      ...{
        conversations: own.conversations,
        slots: own.slots,
        clock,
        peaks,
        emit: (event) => own.events.push(event),
      },
      openAgent: createSdkAgents({
        ...{ supervisor, clock, environment, bashAllowed: false, oomKilled: () => false },
        admit: () => ({ environment: way, revoke() {} }),
        transcripts: own.mirror,
      }),
    },
  );
  t.after(() => pool.drain());
  return {
    ...own,
    pool,
    async ask(text: string, uuid = randomUUID() as string) {
      await using lease = await pool.lease(room, bot, clock.now());
      const said = promptText({ author: 'Ann', roomName: null, text, saidAt: clock.now() }, 'UTC');
      const result = await lease.run({ uuid, text: said }, hooks);
      return { path: lease.path, answer: result.kind === 'answered' ? result.text : result.kind };
    },
  };
}

const temporary = () => readdirSync(tmpdir()).filter((name) => name.startsWith('claude-resume'));

async function two(t: TestContext) {
  const server = await redisServer(t);
  const store = await redisStore(t, server.url);
  const model = await startScriptedModel({ clock });
  t.after(() => model.close());
  return [withAgents(t, store, model, 'one'), withAgents(t, store, model, 'other'), server] as const;
}

test('a conversation goes on at another machine, and back again', async (t) => {
  const [one, other] = await two(t);
  await one.ownership.give([room]);
  const uuid = randomUUID();
  await one.ask('remember the harbour code is heron', uuid);
  const copied = (await other.conversations.transcript(room)) ?? '';
  assert.equal(fateOfPrompt(copied, uuid).kind, 'answered', 'copied before the result was given');
  await other.ownership.give([room]);
  const moved = await other.ask('what did I tell you?');
  assert.deepEqual([moved.path, /heron/.test(moved.answer)], ['resumed', true], moved.answer);
  assert.equal((await other.ask('hello')).path, 'hot');
  await other.ask('remember the berth is nine');
  await one.ownership.give([room]);
  const back = await one.ask('what did I tell you?');
  assert.deepEqual([back.path, /heron/.test(back.answer), /nine/.test(back.answer)], ['resumed', true, true]);
  assert.deepEqual(temporary(), []);
  assert.deepEqual(
    [...one.events, ...other.events].filter(({ type }) => /behind|failed|stale/.test(type)),
    [],
  );
});

test('a turn that is cut off has left its question, and what was answered is found', async (t) => {
  const [one, other] = await two(t);
  await one.ownership.give([room]);
  await one.ask('hello');
  const uuid = randomUUID();
  const running = one.ask('tell me something for 20 seconds', uuid);
  await eventually('the question at the other machine', async () =>
    ((await other.conversations.transcript(room)) ?? '').includes(uuid),
  );
  await other.ownership.give([room]);
  assert.deepEqual(fateOfPrompt((await other.conversations.transcript(room)) ?? '', uuid), {
    kind: 'unanswered',
  });
  await one.pool.close('1:helper', 'test');
  await running;
  const { path, answer } = await other.ask('hello');
  assert.deepEqual([path, /hello/i.test(answer)], ['resumed', true]);
});

test('what a Redis missed that was away at the end of a turn is copied when it is back', async (t) => {
  const [one, other, server] = await two(t);
  await one.ownership.give([room]);
  await one.ask('remember the harbour code is heron');
  const uuid = randomUUID();
  const running = one.ask('tell me something for 2 seconds', uuid);
  await eventually('the question', async () =>
    ((await other.conversations.transcript(room)) ?? '').includes(uuid),
  );
  await server.kill();
  await eventually('a line that could not be copied', () =>
    one.events.some(({ type }) => type === 'transcript.behind'),
  );
  await server.start();
  await eventually('the connection', () =>
    one.ownership.give([room]).then(
      () => true,
      () => false,
    ),
  );
  const over = running.then(() => true);
  await eventually('the turn to be put on record', () => {
    // Its next try is due by this machine's own clock.
    one.clock.advance(1_000);
    return Promise.race([over, clock.sleep(50).then(() => false)]);
  });
  const { answer } = await running;
  assert.notEqual(answer, '');
  assert.equal((await one.ask('hello')).path, 'hot');
  await other.ownership.give([room]);
  const copied = (await other.conversations.transcript(room)) ?? '';
  assert.deepEqual(fateOfPrompt(copied, uuid), { kind: 'answered', text: answer });
  assert.match((await other.ask('what did I tell you?')).answer, /heron/);
});
