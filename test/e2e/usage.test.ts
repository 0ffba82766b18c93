import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { adminGet, type Service, writeBot } from '../support/service.ts';
import { signal } from '../support/signal.ts';
import { botKey, setStage } from '../support/stage.ts';

const textOf = ({ html }: { html: string | null }) => (html ?? '').replace(/<[^>]+>/g, ' ').trim();
const costs = (service: Service) => service.events('turn.decided').map(({ costUsd }) => Number(costUsd));

test('real agents: costs are each turn’s own, also after a resume, a kill and a stop', async (t) => {
  const stage = await setStage(t);
  const service = await stage.start();
  const ask = async (text: string, count: number) => {
    stage.say(1, text);
    await stage.answers(1, count);
    await eventually('the turn to be told', () => service.events('turn.decided').length === count);
  };
  await ask('hello', 1);
  await ask('hello again', 2);
  assert.equal(await service.closeSession('1:assistant'), 200);
  await ask('and once more', 3);
  const [first = 0, second = 0, resumed = 0] = costs(service);
  assert.ok(first > 0 && second > 0);
  // The history grows by a little; what it has cost so far is no part of what it costs now.
  assert.ok(resumed < first + second, `${[first, second, resumed]}`);
  const [session] = await service.sessions();
  signal(session?.pid, 'SIGKILL');
  await eventually('the dead session to be gone', async () => (await service.sessions()).length === 0);
  await ask('after a kill', 4);
  assert.ok((costs(service)[3] ?? 0) < first + second + resumed, `${costs(service)}`);
  stage.say(1, 'tell me something for 60 seconds');
  await eventually('the model to be asked', () => stage.model.calls === 5, 30_000);
  stage.say(1, 'stop');
  await stage.answers(1, 5);
  const spent = costs(service).reduce((sum, cost) => sum + cost, 0);
  const { total, bots, people } = (await adminGet(service, '/api/usage?days=2')) as Report;
  assert.equal(total.turns, 5);
  assert.ok(total.cost_usd >= spent - 1e-4, `${total.cost_usd} of ${spent}`);
  assert.deepEqual([bots[0]?.bot, people[0]?.name, people[0]?.person], ['assistant', 'Ann', 1]);
  assert.ok(total.input_tokens > 0 && total.output_tokens > 0);
  await service.stop();
});

interface Report {
  total: { turns: number; cost_usd: number; input_tokens: number; output_tokens: number };
  bots: Array<{ bot: string }>;
  people: Array<{ person: number; name: string }>;
}

test('a budget ends at the next question, and an edit of the bot’s file gives more', async (t) => {
  const stage = await setStage(t, { bot: { budget_usd_per_day: 0.000001 } });
  const service = await stage.start({ TIME_ZONE: 'Europe/Berlin', OPS_ROOM: '50:assistant' });
  stage.say(1, 'hello');
  await stage.answers(1, 1);
  stage.say(1, 'and now?', 1);
  const [, refused] = await stage.answers(1, 2);
  assert.match(textOf(refused ?? { html: '' }), /budget is used up.*Europe\/Berlin/);
  assert.equal(stage.model.calls, 1, 'the model was not asked');
  assert.match(textOf((await stage.answers(50, 1))[0] ?? { html: '' }), /Assistant spent .* of today’s/);
  assert.match(
    String(await service.metric('budget_notices_total\\{budget="assistant",level="used-up"\\}')),
    /^1$/,
  );
  writeBot(stage.home, 'assistant', {
    ...{ bot_id: 'assistant', bot_key: botKey, name: 'Assistant', model: 'claude-haiku-4-5' },
    ...{ system_prompt: 'You are the assistant of the tests.', budget_usd_per_day: 5 },
  });
  stage.say(1, 'once more', 1);
  assert.match(textOf((await stage.answers(1, 3))[2] ?? { html: '' }), /once more/);
  await service.stop();
});
