import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { AgentResult } from '../../src/agent/agent.ts';
import { setTurns, settle, type Turns } from '../support/turns.ts';

const tooLong: AgentResult = {
  kind: 'api-error',
  status: null,
  code: 'prompt_too_long',
  cause: 'too long',
  spent: null,
};
const badRequest: AgentResult = {
  kind: 'api-error',
  status: 400,
  code: 'invalid_request',
  cause: 'API Error: 400',
  spent: null,
};

/** A conversation with one answered exchange in its transcript, whose next question is being asked. */
async function remembering(t: TestContext): Promise<Turns & { projects: string }> {
  const turns = setTurns(t);
  await turns.say('the harbour code is heron');
  const [agent] = turns.agents;
  assert.ok(agent);
  const projects = join(agent.spec.slot.config, 'projects', 'p');
  mkdirSync(projects, { recursive: true });
  const lines = [
    { type: 'user', uuid: 'u', promptSource: 'sdk', message: { content: 'the harbour code is heron' } },
    {
      type: 'assistant',
      uuid: 'a',
      message: { id: 'm', stop_reason: 'end_turn', content: [{ type: 'text', text: 'Noted.' }] },
    },
  ];
  writeFileSync(
    join(projects, `${agent.spec.memory.id}.jsonl`),
    lines.map((line) => JSON.stringify(line)).join('\n'),
  );
  agent.comeUp();
  agent.finish();
  await settle();
  await turns.sent();
  await turns.say('what is the code?');
  return Object.assign(turns, { projects });
}

const lastPrompt = (turns: Turns) => turns.agents.at(-1)?.prompts.at(-1)?.text ?? '';

test('a history that is too long: a fresh session knows its last exchanges, and the room is told once', async (t) => {
  const turns = await remembering(t);
  turns.agents[0]?.finish(tooLong);
  await settle();
  assert.deepEqual([turns.agents.length, turns.agents[0]?.closed], [2, true]);
  assert.equal(turns.agents[1]?.spec.memory.kind, 'new');
  assert.match(
    lastPrompt(turns),
    /^\[Your memory .*\n> the harbour code is heron\n> \[You answered\]\n> Noted\.\n/,
  );
  turns.agents[1]?.finish({ kind: 'answered', text: 'heron', spent: null });
  await settle();
  assert.deepEqual(await turns.sent(), [
    'My memory of this conversation could not be used any more, so I go on with only its last exchange.\nheron',
  ]);
  assert.deepEqual(readdirSync(turns.projects), [`${turns.agents[0]?.spec.memory.id}.jsonl.set-aside`]);
  await turns.say('thanks');
  turns.agents[1]?.finish();
  await settle();
  assert.deepEqual(await turns.sent(), ['done']);
  assert.doesNotMatch(lastPrompt(turns), /Your memory/);
});

test('a crash between giving up and answering loses neither the history nor the telling', async (t) => {
  const turns = await remembering(t);
  turns.agents[0]?.finish(tooLong);
  await settle();
  turns.restart();
  await settle();
  assert.match(lastPrompt(turns), /^\[Your memory .*heron/s);
  turns.agents.at(-1)?.finish();
  await settle();
  assert.match((await turns.sent()).join(), /^My memory of this conversation .*done$/s);
});

test('a bad request that has nothing to do with the history leaves the memory as it was', async (t) => {
  const turns = await remembering(t);
  const { id } = turns.agents[0]?.spec.memory ?? {};
  turns.agents[0]?.finish(badRequest);
  await settle();
  turns.agents[0]?.finish(badRequest);
  await settle();
  turns.agents[1]?.finish(badRequest);
  await settle();
  assert.match((await turns.sent()).join(), /^I could not reach Claude/);
  assert.ok(existsSync(join(turns.projects, `${id}.jsonl`)));
  await turns.say('again');
  assert.deepEqual(turns.agents[2]?.spec.memory, { kind: 'resume', id });
});

test('a conversation that was never answered has nothing to give up', async (t) => {
  const turns = setTurns(t);
  await turns.say('hi');
  turns.agents[0]?.finish(tooLong);
  await settle();
  assert.match((await turns.sent()).join(), /^I could not reach Claude/);
  assert.equal(turns.agents.length, 1);
});

test('an answer that was complete before the end is delivered without an agent', async (t) => {
  const turns = await remembering(t);
  const { uuid } = turns.agents[0]?.prompts.at(-1) ?? {};
  const path = join(turns.projects, `${turns.agents[0]?.spec.memory.id}.jsonl`);
  const lines = [
    { type: 'user', uuid, promptSource: 'sdk', message: { content: 'what is the code?' } },
    {
      type: 'assistant',
      uuid: 'b',
      message: { id: 'n', stop_reason: 'end_turn', content: [{ type: 'text', text: 'It is heron.' }] },
    },
  ];
  writeFileSync(path, `\n${lines.map((line) => JSON.stringify(line)).join('\n')}`, { flag: 'a' });
  turns.restart();
  await settle();
  assert.deepEqual(await turns.sent(), ['It is heron.']);
  assert.deepEqual([turns.agents.length, (await turns.mail.counts()).withoutOutcome], [1, 0]);
  assert.ok(turns.events.some(({ type }) => type === 'turn.recovered'));
});
