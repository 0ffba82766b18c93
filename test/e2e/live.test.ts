import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { type Stage, setStage } from '../support/stage.ts';

/** What the room sees while a turn runs, on both faces of Campfire, with a real agent. */

/** Everything that the bot has in the room, its live message included. */
const shownIn = ({ campfire }: Stage, roomId: number) =>
  campfire.campfire.messagesIn(roomId).filter(({ creatorId }) => creatorId === 900);

describe('while a turn runs', { concurrency: true }, () => {
  test('a full Campfire: eyes on the message, and one live message that becomes the answer', async (t) => {
    const stage = await setStage(t);
    const service = await stage.start();
    const asked = stage.say(1, 'tell me something for 7 seconds');
    const message = () => stage.campfire.campfire.messagesIn(1).find(({ id }) => id === asked.id);
    await eventually('the eyes', () => message()?.boosts[0]?.content === '👀');
    const live = await eventually('the answer as it is written', () => {
      const [first] = shownIn(stage, 1);
      return first && /class="m\d+-902 .*Harbours are built/s.test(first.html ?? '') && first;
    });
    const [answer] = await stage.answers(1, 1);
    assert.equal(answer?.id, live.id, 'it took the place of the live message');
    assert.equal(shownIn(stage, 1).length, 1);
    await eventually('the eyes to be gone', () => message()?.boosts.length === 0);

    stage.say(1, 'hello');
    await stage.answers(1, 2);
    assert.equal(shownIn(stage, 1).length, 2, 'a quick answer is one post');
    assert.equal(service.events('part.failed').length, 0, service.log.join('\n'));
  });

  test('steps are shown in words, in a message that makes way when somebody has written since', async (t) => {
    const stage = await setStage(t);
    await stage.start();
    stage.say(1, 'use tools for 8 seconds');
    const step = /(?:Reading log\.txt|Looking for files|Writing log\.txt) …/;
    const live = await eventually('a step in words', () =>
      shownIn(stage, 1).find(({ html }) => step.test(html ?? '')),
    );
    stage.campfire.campfire.post(1, 1, { html: '<div>stop talking, everybody</div>' });
    const [answer] = await stage.answers(1, 1);
    assert.notEqual(answer?.id, live.id);
    assert.equal(
      shownIn(stage, 1).some(({ id }) => id === live.id),
      false,
    );
  });

  test('a post-only Campfire: one line when it takes long, then the answer', async (t) => {
    const stage = await setStage(t, { face: 'v1.4.9' });
    const service = await stage.start();
    stage.say(1, 'tell me something for 10 seconds');
    await stage.answers(1, 1);
    const [line, answer, ...others] = shownIn(stage, 1);
    assert.match(line?.html ?? '', /class="m\d+-902 /);
    assert.match(answer?.html ?? '', /class="m\d+-0 /);
    assert.deepEqual(others, []);
    assert.equal(service.events('part.failed').length, 0);
  });

  test('a stop takes the live message away', async (t) => {
    const stage = await setStage(t);
    await stage.start();
    stage.say(1, 'tell me something for 20 seconds');
    const live = await eventually('the live message', () => shownIn(stage, 1)[0]);
    stage.say(1, 'stop');
    await eventually('the confirmation alone', () => {
      const [only, ...others] = shownIn(stage, 1);
      return others.length === 0 && only !== undefined && only.id !== live.id;
    });
  });
});
