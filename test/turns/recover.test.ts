import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createBot } from '../../src/config/bot.ts';
import type { Downloads } from '../../src/downloads/downloads.ts';
import type { OutboxDraft, Turn } from '../../src/mail/mail.ts';
import { recover } from '../../src/turns/recover.ts';
import { testClock } from '../support/clock.ts';
import { setDownloads } from '../support/downloads.ts';
import { setTurns, settle, type Turns } from '../support/turns.ts';

/** A service that ended when the agent had answered, before anything was made of it. */
async function answeredAndCutOff(
  t: TestContext,
  { text = 'It is heron.', downloads = {} }: { text?: string; downloads?: Partial<Downloads> } = {},
): Promise<Turns> {
  const turns = setTurns(t, undefined, { downloads });
  await turns.say('what is the code?');
  const [agent] = turns.agents;
  assert.ok(agent);
  const projects = join(agent.spec.slot.config, 'projects', 'p');
  mkdirSync(projects, { recursive: true });
  const lines = [
    {
      ...{ type: 'user', uuid: agent.prompts[0]?.uuid, promptSource: 'sdk' },
      message: { content: 'what is the code?' },
    },
    {
      ...{ type: 'assistant', uuid: 'b' },
      message: { id: 'n', stop_reason: 'end_turn', content: [{ type: 'text', text }] },
    },
  ];
  writeFileSync(
    join(projects, `${agent.spec.memory.id}.jsonl`),
    lines.map((line) => JSON.stringify(line)).join('\n'),
  );
  return turns;
}

/** From the service's sight, what ends it and what never comes back are one. */
const never = () => new Promise<never>(() => {});

async function restart(turns: Turns, times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    turns.restart();
    await settle();
  }
}

test('an answer that ends the service whenever it is rendered ends in a sentence, and is not made again', async (t) => {
  const turns = await answeredAndCutOff(t, { downloads: { ofTurn: never } });
  await restart(turns, 3);
  assert.deepEqual(await turns.sent(), []);
  await restart(turns, 1);
  assert.match((await turns.sent()).join(), /^I was cut off three times/);
  assert.deepEqual([turns.agents.length, (await turns.mail.counts()).withoutOutcome], [1, 0]);
});

test('an answer is recovered though two looks for it were cut off', async (t) => {
  let kills = 2;
  const turns = await answeredAndCutOff(t, {
    downloads: { ofTurn: () => (kills-- > 0 ? never() : Promise.resolve([])) },
  });
  await restart(turns, 3);
  assert.deepEqual(await turns.sent(), ['It is heron.']);
  assert.equal(turns.agents.length, 1);
  assert.equal(turns.events.filter(({ type }) => type === 'turn.recovered').length, 1);
});

test('a recovered answer that cannot be kept as a file ends in one sentence', async (t) => {
  const turns = await answeredAndCutOff(t, {
    ...{ text: 'A long answer. '.repeat(3_000), downloads: { keep: async () => ({ kind: 'full' }) } },
  });
  await restart(turns, 1);
  assert.match((await turns.sent()).join(), /went wrong/);
  assert.equal((await turns.mail.counts()).withoutOutcome, 0);
});

test('a recovered answer waits for as long as the disk is full', async (t) => {
  const turns = await answeredAndCutOff(t);
  const { decide } = turns.mail;
  turns.mail.decide = async () => {
    throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  };
  await restart(turns, 8);
  turns.mail.decide = decide;
  await restart(turns, 1);
  assert.deepEqual(await turns.sent(), ['It is heron.']);
});

test('a fourth start asks nobody and ends in a sentence', async (t) => {
  const turns = setTurns(t);
  await turns.say('hi');
  await restart(turns, 2);
  assert.deepEqual([turns.agents.length, await turns.sent()], [3, []]);
  await restart(turns, 1);
  assert.match((await turns.sent()).join(), /^I was cut off three times/);
  assert.equal(turns.agents.length, 3);
});

test('the last word reads nothing of the message', async (t) => {
  const clock = testClock();
  const message = { id: 1, messageId: 81, authorId: 1, receivedAt: 0, replays: 0 };
  const turn: Turn = {
    ...{ id: 3, botId: 'helper', roomId: 7, attempt: 5, postponements: 0, startedAt: 0 },
    ...{ promptUuid: 'u', previousPromptUuid: null },
    messages: [
      {
        ...message,
        get content(): string {
          throw new Error('what ends the process');
        },
      },
    ],
  };
  const decided: OutboxDraft[] = [];
  const bot = createBot({ id: 'helper', key: '7-a', name: 'Helper', systemPrompt: '', file: 'h.json' });
  const isOver = await recover(turn, bot, new AbortController().signal, {
    mail: {
      begin: async () => turn,
      giveBack: never,
      decide: async (_turn, _outcome, drafts) => void decided.push(...drafts),
    },
    ...{ conversations: { transcript: never }, ...setDownloads(t, clock), clock, emit: () => {} },
    ...{ publicUrl: null, timeZone: 'UTC', secrets: new Set<string>(), onDecided: () => {} },
    mentions: { learn: never, sgidOf: () => null, search: never },
  });
  assert.equal(isOver, true);
  assert.match(decided[0]?.body ?? '', /m81-0.*cut off three times/s);
});
