import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { setStage } from '../support/stage.ts';

/** What the room sees while a turn runs, on both faces of Campfire, with a real agent. */

describe('while a turn runs', { concurrency: true }, () => {
  test('a full Campfire: eyes on the message, one live message, and in the end the answer alone', async (t) => {
    const stage = await setStage(t);
    const service = await stage.start();
    const asked = stage.say(1, 'tell me something for 7 seconds');
    const message = () => stage.campfire.campfire.messagesIn(1).find(({ id }) => id === asked.id);
    await eventually('the eyes', () => message()?.boosts[0]?.content === '👀');
    const [live] = await stage.answers(1, 1);
    assert.match(live?.html ?? '', /Working on it …/);
    await eventually('the answer', () => /Harbours/.test(stage.answersIn(1).at(-1)?.html ?? ''), 30_000);
    const answers = stage.answersIn(1);
    assert.equal(answers.length, 1, 'the live message made way for the answer');
    assert.doesNotMatch(answers[0]?.html ?? '', /Working on it/);
    await eventually('the eyes to be gone', () => message()?.boosts.length === 0);
    assert.equal(service.events('part.failed').length, 0, service.log.join('\n'));

    stage.say(1, 'hello');
    await stage.answers(1, 2);
    assert.equal(stage.answersIn(1).filter(({ html }) => /Working on it/.test(html ?? '')).length, 0);
  });

  test('a post-only Campfire: one line when it takes long, then the answer', async (t) => {
    const stage = await setStage(t, { face: 'v1.4.9' });
    const service = await stage.start();
    stage.say(1, 'tell me something for 10 seconds');
    const [line, answer] = await stage.answers(1, 2);
    assert.match(line?.html ?? '', /Working on it …/);
    assert.match(answer?.html ?? '', /Harbours/);
    stage.say(1, 'hello');
    await stage.answers(1, 3);
    assert.equal(service.events('part.failed').length, 0);
  });

  test('a stop takes the live message away', async (t) => {
    const stage = await setStage(t);
    await stage.start();
    stage.say(1, 'tell me something for 20 seconds');
    await eventually(
      'the live message',
      () => /Working on it/.test(stage.answersIn(1)[0]?.html ?? ''),
      20_000,
    );
    stage.say(1, 'stop');
    await eventually('the confirmation alone', () => {
      const [only, ...others] = stage.answersIn(1);
      return others.length === 0 && only && !/Working on it/.test(only.html ?? '');
    });
  });
});
