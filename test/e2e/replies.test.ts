import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ChatCompletionRequest, LLMock } from '@copilotkit/aimock';
import { chooseContainment } from '../../src/processes/containment.ts';
import { campfireStorage } from '../support/campfire-storage.ts';
import { eventually } from '../support/eventually.ts';
import { type Stage, setStage } from '../support/stage.ts';
import { tempFolder } from '../support/temp.ts';

/** Waits for a message of the bot that reads so; on a slow day the line that it is working on it comes first. */
function saying(stage: Stage, roomId: number, text: RegExp, limitMs = 60_000): Promise<string> {
  const found = () => stage.answersIn(roomId).find(({ plain }) => text.test(plain))?.plain;
  return eventually(`${text} in room ${roomId}`, found, limitMs);
}

/** A model that calls `tool` first, and then says what the tool gave it. Gives its address and what it was asked. */
async function toolModel(
  t: TestContext,
  call: (request: ChatCompletionRequest) => { name: string; arguments: string },
) {
  const requests: ChatCompletionRequest[] = [];
  const model = new LLMock({ port: 0, host: '127.0.0.1', logLevel: 'silent' });
  model.addFixture({
    match: { predicate: () => true },
    response: (request) => {
      requests.push(request);
      const results = request.messages.filter(({ role }) => role === 'tool');
      if (results.length === 0) return { toolCalls: [call(request)] };
      return { content: `The tool said: ${wordsIn(results.at(-1))}` };
    },
  });
  const url = await model.start();
  t.after(() => model.stop());
  return { url, requests };
}

function wordsIn(message: ChatCompletionRequest['messages'][number] | undefined): string {
  const content = message?.content ?? '';
  return typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('\n');
}

test('N2: an asker whom somebody has mentioned is notified of the answer, others are not', async (t) => {
  const stage = await setStage(t, { face: 'v1.4.9' });
  await stage.start();
  const { campfire } = stage.campfire;
  const pushesTo = (id: number) => campfire.notices.pushes.filter(({ personId }) => personId === id);
  const ben = campfire.people.get(2);
  stage.say(50, 'hello', 2);
  await saying(stage, 50, /^Hello Ben!/); // nobody has mentioned Ben yet
  assert.equal(pushesTo(2).length, 0);
  stage.say(50, `say hello to ${ben ? campfire.mentions.html(ben) : ''}`, 1);
  await saying(stage, 50, /^(?:@\S+ )?Hello Ann!/);
  const before = pushesTo(2).length;
  stage.say(50, 'hello again', 2);
  await saying(stage, 50, /^@Ben Hello Ben!/);
  assert.equal(pushesTo(2).length, before + 1);
  assert.match(pushesTo(2).at(-1)?.body ?? '', /^Assistant: @Ben Hello Ben!/);
  assert.equal(pushesTo(3).length, 0);
  stage.say(1, 'hello');
  await saying(stage, 1, /^Hello Ann!/); // not in a direct room
});

test('on a Campfire that a bot can read, a mention is found that it was not told of; a sentence has one, too', async (t) => {
  const stage = await setStage(t);
  await stage.start();
  const { campfire } = stage.campfire;
  const ann = campfire.people.get(1);
  campfire.post(2, 50, { html: `<div>${ann ? campfire.mentions.html(ann) : ''} have you seen this?</div>` });
  const forged = `${campfire.mentions.sgidOf(2).split('--')[0]}--${'0'.repeat(40)}`;
  campfire.post(3, 50, {
    html: `<div><action-text-attachment sgid="${forged}--x" content-type="application/vnd.campfire.mention"></action-text-attachment></div>`,
  });
  stage.say(50, 'say nothing at all', 1);
  await saying(stage, 50, /^@Ann I finished/);
  stage.say(50, '请不要说话，say nothing', 2);
  await saying(stage, 50, /^我已处理完/); // in the asker’s language, and Ben is unknown
});

/** The simulator's messages as rows of Campfire's database. */
function mirrored(t: TestContext, stage: Stage) {
  const storage = campfireStorage(t, { 1: [1, 900], 50: [1, 2, 3, 4, 900] });
  return {
    folder: storage.folder,
    say(roomId: number, text: string, personId = 1) {
      const { id, createdAt } = stage.say(roomId, text, personId);
      storage.say({ id, roomId, creatorId: personId, at: createdAt });
    },
    post(
      roomId: number,
      personId: number,
      name: string,
      type: string,
      bytes: Uint8Array,
      pixels?: [number, number],
    ) {
      const { campfire } = stage.campfire;
      const { id, createdAt } = campfire.post(personId, roomId, { file: { name, type, bytes } });
      const row = { id, roomId, creatorId: personId, at: createdAt };
      storage.postFile(row, { name, type, bytes, ...(pixels ? { pixels } : {}) });
    },
  };
}

test('a file and a picture posted in the room reach the agent, which reads them', async (t) => {
  const stage = await setStage(t);
  const model = await toolModel(t, ({ messages }) => {
    const path = /- (room-files\/\S+\.csv) /.exec(messages.map(wordsIn).join('\n'))?.[1];
    return { name: 'Read', arguments: JSON.stringify({ file_path: path }) };
  });
  const mirror = mirrored(t, stage);
  const service = await stage.start({ ANTHROPIC_BASE_URL: model.url, CAMPFIRE_STORAGE: mirror.folder });
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  );
  mirror.post(50, 2, '港口.csv', 'text/csv', Buffer.from('harbour,metres\nheron,412\n'));
  mirror.post(50, 1, 'wall.png', 'image/png', png, [1, 1]);
  mirror.say(50, 'how long is the wall in this file?');
  await saying(stage, 50, /heron,412/);
  assert.deepEqual(
    service.events('turn.files').map(({ handed, refused }) => [handed, refused]),
    [[2, 0]],
  );
  const sent = JSON.stringify(model.requests[0]?.messages);
  // What claude adds beside a picture that it passes on; the model's stand-in does not keep the picture itself.
  assert.match(sent, /\[Image: source: /);
  assert.match(sent, /room-files\/wall\.png \(image\/png, 70 bytes, from Ann\)/);
  assert.equal(await service.stop(), 0);
});

test('an agent with a shell does not see Campfire’s storage', async (t) => {
  const data = tempFolder(t);
  if (chooseContainment('namespace', data, { paths: [data] }) === null)
    return t.skip('there is no bubblewrap to hide it with');
  const stage = await setStage(t, { bot: { tools: ['Bash', 'Read'] } });
  const mirror = mirrored(t, stage);
  const model = await toolModel(t, () => ({
    name: 'Bash',
    arguments: JSON.stringify({
      command: `ls ${join(mirror.folder, 'db')} || echo hidden`,
      description: 'look',
    }),
  }));
  const service = await stage.start({ ANTHROPIC_BASE_URL: model.url, CAMPFIRE_STORAGE: mirror.folder });
  mirror.say(1, 'what is in the database?');
  const text = await saying(stage, 1, /^The tool said.*hidden/s);
  assert.doesNotMatch(text, /production\.sqlite3/);
  await service.stop();
});

test('a storage that is not there is told at the start, and questions are answered', async (t) => {
  const stage = await setStage(t);
  const service = await stage.start({ CAMPFIRE_STORAGE: join(stage.home.dataDir, 'nowhere') });
  const told = await eventually('the report', () =>
    service.events('service.degraded').find(({ code }) => code === 'storage_unreadable'),
  );
  assert.match(String(told.problem), /there is no db\/production\.sqlite3/);
  stage.say(1, 'hello');
  await stage.answers(1, 1);
  await service.stop();
});
