import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createBot } from '../../src/config/bot.ts';
import { helper, setTurns, settle, type Turns } from '../support/turns.ts';

const nothing = { waiting: 0, running: 0, withoutOutcome: 0, undelivered: 0 };

/** Ann's question runs, and its agent reports a step. */
async function working(t: TestContext, bot = helper): Promise<Turns> {
  const turns = setTurns(t, bot);
  await turns.say('a long question');
  const agent = turns.agents[0];
  agent?.comeUp();
  agent?.report({ kind: 'tool', name: 'Read', target: 'report.xlsx' });
  turns.clock.advance(40_000);
  await settle();
  return turns;
}

/** Lets the agents finish what they do, and everything behind it. */
async function finish({ agents }: Turns): Promise<void> {
  for (let round = 0; round < 10; round++) {
    for (const agent of agents) {
      agent.comeUp();
      agent.finish();
    }
    await settle();
  }
}

test('stop ends the turn that runs and says what it ended; the next question is served as ever', async (t) => {
  const turns = await working(t);
  await turns.say('Stop.');
  assert.deepEqual(await turns.sent(), [
    'Stopped my work on the question of Ann, for 40 seconds by now, at this step: reading report.xlsx.',
  ]);
  assert.deepEqual(await turns.mail.counts(), nothing);
  await turns.say('and now?');
  await finish(turns);
  assert.deepEqual(await turns.sent(), ['done']);
});

test('stop drops what its author had waiting, and nobody else’s', async (t) => {
  const turns = await working(t);
  await turns.say('mine too');
  await turns.say('of Ben', { authorId: 2 });
  await turns.say('stop');
  assert.match((await turns.sent()).join(), /Stopped my work .* I also dropped 1 waiting message of yours\./);
  await finish(turns);
  assert.deepEqual(await turns.sent(), ['done']);
  assert.deepEqual(
    turns.agents.flatMap(({ prompts }) => prompts.map(({ text }) => text.split('\n').at(-1))),
    ['a long question', 'of Ben'],
  );
});

test('anybody may stop what runs; a stop that was written before the question does not reach it', async (t) => {
  const turns = await working(t);
  await turns.say('stop', { authorId: 2, messageId: 0 });
  assert.deepEqual(await turns.sent(), ['There is nothing to stop.']);
  await turns.say('stop', { authorId: 2 });
  assert.match((await turns.sent()).join(), /question of Ann/);
});

test('a stop that overtook its question stops it as well; an older one does not, nor one of somebody else', async (t) => {
  const turns = setTurns(t);
  await turns.say('stop', { messageId: 50 });
  assert.deepEqual(await turns.sent(), ['There is nothing to stop.']);
  await turns.say('a question', { messageId: 49 });
  assert.deepEqual(await turns.sent(), ['Nothing was running. I dropped 1 waiting message of yours.']);
  assert.deepEqual([turns.agents.length, await turns.mail.counts()], [0, nothing]);

  await turns.say('of Ben', { messageId: 48, authorId: 2 });
  await finish(turns);
  await turns.say('in another room', { messageId: 47, roomId: 6 });
  await finish(turns);
  await turns.say('after it', { messageId: 51 });
  await finish(turns);
  turns.clock.advance(10_001);
  await turns.say('long after it', { messageId: 46 });
  await finish(turns);
  assert.deepEqual(await turns.sent(), ['done', 'done', 'done']);
  assert.deepEqual(await turns.sent(6), ['done']);
});

test('an agent that does not listen holds up neither the confirmation nor, later, its successor', async (t) => {
  const turns = await working(t);
  const agent = turns.agents[0];
  if (agent) agent.deaf = true;
  const said = turns.say('stop');
  await settle();
  assert.deepEqual(await turns.sent(), []);
  turns.clock.advance(600);
  await said;
  await settle();
  assert.match((await turns.sent()).join(), /^Stopped my work/);
  await turns.say('next');
  assert.equal(turns.agents.length, 1, 'not beside its predecessor');
  agent?.die('SIGKILL');
  await settle();
  await finish(turns);
  assert.deepEqual(await turns.sent(), ['done']);
  assert.deepEqual(await turns.mail.counts(), nothing);
});

test('stop reaches a question that waits for memory, one that is put off, and one that a crash cut off', async (t) => {
  const waiting = setTurns(t);
  waiting.memory.availableBytes = 0;
  await waiting.say('a question');
  await waiting.say('stop');
  assert.deepEqual(await waiting.sent(), ['Nothing was running. I dropped 1 waiting message of yours.']);

  const putOff = await working(t);
  putOff.agents[0]?.finish({ kind: 'api-error', status: 529, code: 'overloaded', cause: 'x', spent: null });
  await settle();
  assert.deepEqual(await putOff.sent(), ['Claude is overloaded, I’ll try again in 20 seconds.']);
  await putOff.say('stop');
  assert.match((await putOff.sent()).join(), /^Stopped my work/);
  putOff.clock.advance(60_000);
  await settle();
  assert.deepEqual([putOff.agents.flatMap(({ prompts }) => prompts).length, await putOff.sent()], [1, []]);

  const cutOff = await working(t);
  // Accepted, and the service ends before it obeys.
  const word = { messageId: 99, authorId: 1, atOnce: true, content: stopContent };
  await cutOff.mail.accept({ botId: 'helper', roomId: 5, ...word });
  cutOff.restart();
  await settle();
  assert.match((await cutOff.sent()).join(), /^Stopped my work on the question of Ann/);
  assert.deepEqual(await cutOff.mail.counts(), nothing);
});

const stopContent = JSON.stringify({ author: 'Ann', roomName: null, html: null, plain: 'stop' });

test('new ends what runs, closes the session and deletes memory and working folder', async (t) => {
  const turns = await working(t);
  const slot = turns.agents[0]?.spec.slot;
  assert.ok(slot);
  const transcripts = join(slot.config, 'projects', 'p');
  mkdirSync(transcripts, { recursive: true });
  writeFileSync(join(transcripts, `${turns.agents[0]?.spec.memory.id}.jsonl`), '{}');
  writeFileSync(join(slot.work, 'note.txt'), 'a note');
  await turns.say('of Ben', { authorId: 2 });
  await turns.say('@Helper NEW!');
  assert.match((await turns.sent()).join(), /^Stopped my work .* I have forgotten this conversation/);
  assert.deepEqual([turns.agents[0]?.closed, existsSync(slot.root)], [true, false]);
  await finish(turns);
  assert.deepEqual(await turns.sent(), ['done'], 'Ben is answered');
  assert.equal(turns.agents[1]?.spec.memory.kind, 'new');
  assert.notEqual(turns.agents[1]?.spec.slot.id, slot.id);
  assert.deepEqual(await turns.mail.counts(), nothing);
});

test('a question that was written after a new which comes late is not ended by it, but begun anew', async (t) => {
  const turns = await working(t);
  await turns.say('new', { authorId: 2, messageId: 0 });
  assert.match((await turns.sent()).join(), /^I have forgotten this conversation/);
  assert.equal(turns.agents[0]?.closed, true);
  const { turn } = await turns.mail.situation({ botId: 'helper', roomId: 5 });
  assert.deepEqual([turn?.messages[0].messageId, turn?.attempt], [1, 1], 'no attempt is lost');
  await finish(turns);
  assert.deepEqual(await turns.sent(), ['done']);
  assert.equal(turns.agents[1]?.spec.memory.kind, 'new');
  assert.deepEqual(await turns.mail.counts(), nothing);
});

test('a session that does not end is forgotten later, not half', async (t) => {
  const turns = await working(t);
  await finish(turns);
  await turns.sent();
  const [agent] = turns.agents;
  assert.ok(agent);
  agent.failClose = true;
  const said = turns.say('new');
  await settle();
  assert.deepEqual([await turns.sent(), existsSync(agent.spec.slot.root)], [[], true]);
  turns.clock.advance(1_000);
  await said;
  await settle();
  assert.match((await turns.sent()).join(), /^I have forgotten/);
  assert.equal(existsSync(agent.spec.slot.root), false);
});

test('status tells what runs, what waits and what is remembered', async (t) => {
  const turns = await working(t);
  await turns.say('of Ben', { authorId: 2 });
  await turns.say('status', { authorId: 3 });
  assert.deepEqual(await turns.sent(), [
    'I am working on the question of Ann, for 40 seconds by now, at this step: reading report.xlsx.\n' +
      '1 message waiting.\nI remember nothing of this conversation yet.\nIn all rooms today: 0 turns, $0.00.',
  ]);
  await finish(turns);
  await turns.sent();
  turns.clock.advance(7_200_000);
  await turns.say('STATUS');
  assert.deepEqual(await turns.sent(), [
    'I am not working on anything here.\nNothing is waiting.\n' +
      'I remember 2 turns of this conversation, the last one 2 hours ago.\nIn all rooms today: 2 turns, $0.00.',
  ]);
  const { slot, memory } = (turns.agents[0] as (typeof turns.agents)[number]).spec;
  const transcripts = join(slot.config, 'projects', 'p');
  mkdirSync(transcripts, { recursive: true });
  const timestamp = new Date(turns.clock.now() - 3 * 7_200_000).toISOString();
  const line = { type: 'user', content: '"timestamp":"1999-01-01"', timestamp };
  writeFileSync(join(transcripts, `${memory.id}.jsonl`), `${JSON.stringify(line)}\n`);
  await turns.say('status');
  assert.match(
    (await turns.sent()).join(),
    /I remember 2 turns of this conversation, the first one 6 hours ago, the last one 2 hours ago\./,
  );
});

test('help names the words and what the bot can do; in Chinese to who writes Chinese', async (t) => {
  const turns = setTurns(t);
  await turns.say('help');
  const [english = ''] = await turns.sent();
  assert.match(
    english,
    /I am Helper: I help\.\nMention me and ask\. I can read files, write files, change files, and search files/,
  );
  for (const word of ['stop', 'new', 'status', 'help']) assert.match(english, new RegExp(`^${word}: `, 'm'));
  await turns.say('帮助');
  const [chinese = ''] = await turns.sent();
  for (const word of ['停止', '新对话', '状态', '帮助']) assert.match(chinese, new RegExp(`^${word}：`, 'm'));
  const always = setTurns(t, createBot({ ...helper, key: helper.key, language: 'zh-CN' }));
  await always.say('status');
  assert.match((await always.sent()).join(), /没有等待中的消息/);
});

test('a bot’s word steers nobody', async (t) => {
  const turns = setTurns(t);
  await turns.say('help', { authorId: 800 });
  assert.equal(turns.agents[0]?.prompts.length, 1);
});
