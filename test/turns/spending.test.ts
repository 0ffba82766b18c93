import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { AgentResult } from '../../src/agent/agent.ts';
import { createBot } from '../../src/config/bot.ts';
import { helper, setTurns, settle, type Turns } from '../support/turns.ts';

const spent = (costUsd: number) => ({
  ...{ costUsd, tokens: { input: 100, output: 20, cacheRead: 3, cacheWrite: 4 } },
});
const answer = (costUsd: number): AgentResult => ({ kind: 'answered', text: 'done', spent: spent(costUsd) });
const withBudget = (usd: number) =>
  createBot({ ...helper, key: helper.key, budgetUsdPerDay: usd, language: 'en' });

/** A question, and what its agent makes of it. */
async function ask(turns: Turns, result: AgentResult, authorId = 1): Promise<string[]> {
  await turns.say('a question', { authorId });
  const agent = turns.agents.at(-1);
  agent?.comeUp();
  agent?.finish(result);
  await settle();
  turns.clock.advance(60_000);
  return turns.sent();
}

const levels = ({ events }: Turns) =>
  events.flatMap((event) =>
    event.type === 'budget.level' ? [`${event.bot} ${event.level} ${event.percent}`] : [],
  );

test('a used-up budget: one plain sentence that says when, no session, and tomorrow is another day', async (t) => {
  const turns = setTurns(t, withBudget(1));
  assert.deepEqual(await ask(turns, answer(1.2)), ['done']);
  const opened = turns.agents.length;
  const started = turns.events.filter(({ type }) => type === 'turn.started').length;
  const [refused] = await ask(turns, answer(1));
  assert.match(refused ?? '', /^Today’s budget is used up.*after midnight \(UTC\), in \d+ hours\.$/);
  assert.equal(turns.events.filter(({ type }) => type === 'turn.started').length, started);
  assert.equal(turns.agents.length, opened);
  const decided = turns.events.findLast((event) => event.type === 'turn.decided');
  assert.deepEqual(decided?.type === 'turn.decided' && [decided.outcome, decided.cause, decided.costUsd], [
    'failed',
    'budget_usd_per_day is used up',
    null,
  ]);
  turns.clock.advance(24 * 3_600_000);
  assert.match((await ask(turns, answer(0.1))).join(), /done$/);
});

test('the budget of all bots counts for each of them', async (t) => {
  const turns = setTurns(t, helper, { budgetUsdPerDay: 2 });
  await ask(turns, answer(2));
  assert.match((await ask(turns, answer(1))).join(), /budget is used up/);
});

test('operators hear once a day of each budget that is nearly used up, and once when it is', async (t) => {
  const turns = setTurns(t, withBudget(10), { budgetUsdPerDay: 100 });
  for (const costUsd of [7, 1, 1, 1]) await ask(turns, answer(costUsd));
  assert.deepEqual(levels(turns), ['helper near 80', 'helper used-up 100']);
  turns.clock.advance(24 * 3_600_000);
  await ask(turns, answer(9));
  assert.equal(levels(turns).at(-1), 'helper near 90', 'a new day');
});

test('every prompt of an attempt counts, and every attempt: refused, interrupted, tried again', async (t) => {
  const turns = setTurns(t);
  await turns.say('a question');
  const [agent] = turns.agents;
  agent?.comeUp();
  agent?.finish({ kind: 'api-error', status: 400, code: 'x', cause: 'x', spent: spent(0.01) });
  await settle();
  agent?.finish({ kind: 'api-error', status: 529, code: 'overloaded', cause: 'x', spent: spent(0.02) });
  await settle();
  turns.clock.advance(60_000);
  await settle();
  turns.agents.at(-1)?.finish(answer(0.04));
  await settle();
  const paid = turns.events.flatMap((event) => (event.type === 'turn.spent' ? [event.costUsd] : []));
  assert.deepEqual(paid, [0.03, 0.04]);
  await turns.say('status');
  assert.match((await turns.sent()).join(), /In all rooms today: 1 turn, \$0\.07\./);
});

test('status tells what the bot has spent today of what', async (t) => {
  const turns = setTurns(t, withBudget(5));
  await turns.say('status');
  assert.match((await turns.sent()).join(), /In all rooms today: 0 turns, \$0\.00 of \$5\.00\./);
  await ask(turns, answer(0.004));
  await turns.say('status', { roomId: 6 });
  assert.match((await turns.sent(6)).join(), /In all rooms today: 1 turn, less than \$0\.01 of \$5\.00\./);
});

test('a turn that a person stops is counted with what it took until then', async (t: TestContext) => {
  const turns = setTurns(t, withBudget(5));
  await turns.say('a question');
  const [agent] = turns.agents;
  agent?.comeUp();
  await settle();
  await turns.say('stop', { authorId: 2 });
  await settle();
  await turns.sent();
  turns.clock.advance(60_000);
  await turns.say('status');
  assert.match((await turns.sent()).join(), /In all rooms today: 1 turn/);
});
