import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ChatCompletionRequest, LLMock } from '@copilotkit/aimock';
import type { Message } from '../../src/playground/records.ts';
import { eventually } from '../support/eventually.ts';
import type { Service } from '../support/service.ts';
import { setStage } from '../support/stage.ts';

const textOf = ({ html }: Message) =>
  (html ?? '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

const nothingLeft = (service: Service) =>
  eventually('nothing to be left', async () => {
    const { messages_without_outcome: open } = await service.health();
    return open === 0 && (await service.metric('outbox_undelivered')) === 0;
  });

test('a running turn is told of, stopped at once, and the same process answers the next question', async (t) => {
  const stage = await setStage(t);
  const service = await stage.start();
  stage.say(50, 'tell me something for 60 seconds');
  await eventually('the model to be asked', () => stage.model.calls === 1, 30_000);
  const [session] = await service.sessions();
  stage.say(50, 'status', 2);
  const [status] = await stage.answers(50, 1);
  assert.match(textOf(status as Message), /^I am working on the question of Ann, for \d+ seconds? by now/);
  stage.say(50, 'Stop!', 2);
  const [, stopped] = await stage.answers(50, 2);
  assert.match(textOf(stopped as Message), /^Stopped my work on the question of Ann/);
  await nothingLeft(service);
  stage.say(50, 'hello');
  await stage.answers(50, 3);
  assert.equal((await service.sessions())[0]?.pid, session?.pid);
  assert.deepEqual(
    service.events('turn.decided').map(({ outcome }) => outcome),
    ['stopped', 'answered'],
  );
  await service.stop();
  assert.equal(stage.answersIn(50).length, 3, 'the stopped question stays unanswered');
});

test('a stopped question stays stopped, whatever is killed and started again', async (t) => {
  const stage = await setStage(t);
  const first = await stage.start();
  stage.say(1, 'tell me something for 60 seconds');
  await eventually('the model to be asked', () => stage.model.calls === 1, 30_000);
  stage.say(1, '停止');
  await eventually('the stop to be decided', () => first.events('turn.decided').length === 1);
  await first.stop('SIGKILL');
  stage.model.skipPacing();
  const second = await stage.start();
  await nothingLeft(second);
  const [confirmation, ...more] = stage.answersIn(1).map(textOf);
  assert.match(confirmation ?? '', /^已停止 Ann 的问题/);
  assert.deepEqual([more, second.events('turn.started')], [[], []]);
  await second.stop();
});

test('new forgets the conversation, and only that one', async (t) => {
  const stage = await setStage(t, { rooms: 2 });
  const service = await stage.start();
  for (const room of [1, 2]) stage.say(room, 'remember the code is heron');
  for (const room of [1, 2]) await stage.answers(room, 1);
  assert.equal(readdirSync(join(stage.home.dataDir, 'sessions')).length, 2);
  stage.say(1, 'new');
  assert.match(textOf((await stage.answers(1, 2))[1] as Message), /^I have forgotten this conversation/);
  assert.equal(readdirSync(join(stage.home.dataDir, 'sessions')).length, 1);
  for (const room of [1, 2]) stage.say(room, 'what did I tell you?');
  assert.match(textOf((await stage.answers(1, 3))[2] as Message), /not told me anything/);
  assert.match(textOf((await stage.answers(2, 2))[1] as Message), /heron/);
  await service.stop();
});

test('a history that the model refuses: the conversation goes on with its last exchanges', async (t) => {
  const stage = await setStage(t);
  const promptsIn = ({ messages }: ChatCompletionRequest) =>
    messages.filter(({ role, content }) => role === 'user' && JSON.stringify(content).includes('[Ann in '));
  const model = new LLMock({ port: 0, host: '127.0.0.1', logLevel: 'silent' });
  model.addFixture({
    // The CLI asks for a summary before it gives up; that is refused, too.
    match: {
      predicate: (request) =>
        promptsIn(request).length > 2 ||
        JSON.stringify(request.messages).includes('summary of the conversation'),
    },
    response: {
      status: 400,
      error: { type: 'invalid_request_error', message: 'prompt is too long: 210000 tokens > 200000 maximum' },
    },
  });
  model.addFixture({
    match: { predicate: () => true },
    response: (request) => ({
      content: JSON.stringify(promptsIn(request)).includes('heron') ? 'It is heron.' : 'Hello.',
    }),
  });
  const url = await model.start();
  t.after(() => model.stop());
  const service = await stage.start({ ANTHROPIC_BASE_URL: url });
  stage.say(1, 'the code is heron');
  await stage.answers(1, 1);
  stage.say(1, 'what is the code?');
  await stage.answers(1, 2);
  stage.say(1, 'and again?');
  assert.equal(
    textOf((await stage.answers(1, 3, 40_000))[2] as Message),
    'My memory of this conversation could not be used any more, so I go on with only its last 2 exchanges. It is heron.',
  );
  stage.say(1, 'once more?');
  assert.equal(textOf((await stage.answers(1, 4))[3] as Message), 'It is heron.', 'told once');
  await nothingLeft(service);
  await service.stop();
});
