import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setStage } from '../support/stage.ts';

test('try', async (t) => {
  const stage = await setStage(t);
  const service = await stage.start({ PUBLIC_URL: 'http://127.0.0.1:9/bots', LOG_LEVEL: 'debug' });
  stage.say(1, 'make a presentation');
  const [first] = await stage.answers(1, 1);
  console.log(first?.html);
  stage.say(1, 'make a list of boats and share the file boats.csv with a made-up link');
  console.log((await stage.answers(1, 2))[1]?.html);
  stage.say(1, 'make a list of boats and share the file boats.csv with its link');
  console.log((await stage.answers(1, 3))[2]?.html);
  stage.say(1, 'draw a lighthouse and attach the file light.svg');
  console.log((await stage.answers(1, 5)).slice(3).map(({ html, attachment }) => [html, attachment]));
  console.log(service.log.join('\n'));
  assert.equal(await service.stop(), 0);
});
