import assert from 'node:assert/strict';
import { test } from 'node:test';
import { showBody } from '../../src/playground/sanitiser.ts';
import { eventually } from '../support/eventually.ts';
import { setStage } from '../support/stage.ts';

/**
 * What the scripted model promises and only a real `claude` can show: that it asks again after errors, that tools run,
 * and that they take as long as was said. Each behaviour's first answer is tested in test/playground/model.test.ts.
 */

const nobody = { resolveMention: () => undefined };

test('errors, a broken connection, steps over time and a long command, each in a room of its own', async (t) => {
  const stage = await setStage(t, { rooms: 5, bot: { tools: ['Read', 'Write', 'Edit', 'Glob', 'Bash'] } });
  const service = await stage.start({ LOG_LEVEL: 'debug', CONTAINMENT: 'namespace' });
  const words = [
    'answer with error 529 twice',
    'break off in the middle',
    'use tools for 2 seconds',
    'write a note into a file and read it back',
    'tell me something for 2 seconds',
  ];
  for (const [index, text] of words.entries()) stage.say(index + 1, text);
  const answers = await Promise.all(
    words.map(async (_, index) => showBody((await stage.answers(index + 1, 1))[0]?.html ?? '', nobody).text),
  );
  assert.equal(answers[0], 'It worked at try number 3.');
  assert.match(answers[1] ?? '', /^Harbours are built twice.*four summers/s);
  assert.equal(answers[2], 'I waited for 2 seconds in a shell.');
  assert.match(answers[3] ?? '', /412 m long/);
  assert.match(answers[4] ?? '', /^Harbours are built twice/);
  const turnOf = (room: number) =>
    eventually(`the turn of room ${room}`, () =>
      service.events('turn.decided').find(({ session }) => session === `${room}:assistant`),
    );
  for (const room of [3, 5]) assert.ok(Number((await turnOf(room)).durationMs) >= 1_900, `room ${room}`);
  const steps = (room: number) =>
    service.events('turn.step').filter(({ session }) => session === `${room}:assistant`);
  assert.deepEqual(
    [3, 4].map((room) => steps(room).map(({ tool }) => tool)),
    [['Bash'], ['Write', 'Read']],
  );
  assert.equal(await service.stop(), 0);
});
