import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { eventually } from '../support/eventually.ts';
import { setMachines } from '../support/machines.ts';
import { hasAnswered } from '../support/transcripts.ts';

const graceSeconds = 15;

test('stopped in the middle of a turn while Redis is away, a machine ends in time; nothing is lost', async (t) => {
  const stage = await setMachines(t);
  const env = { SHUTDOWN_GRACE_SECONDS: String(graceSeconds) };
  const before = await stage.machine('one', env);
  stage.route(before);
  const { id } = stage.say(1, 'tell me something for 2 seconds');
  await eventually('the turn runs', () => before.events('turn.started').length === 1);
  await eventually('the model is asked', () => stage.model.calls > 0);
  await stage.redis.kill();
  await eventually('the agent has answered', () => hasAnswered(stage.dataDir('one')));
  const sinceMs = clock.monotonicMs();
  assert.equal(await before.stop(), 0);
  const tookMs = clock.monotonicMs() - sinceMs;
  assert.ok(tookMs < graceSeconds * 1_000, `${Math.round(tookMs)} ms`);
  await stage.redis.start();
  const after = await stage.machine('one', env);
  await stage.answers(1, 1, 30_000);
  await eventually('it has its outcome', async () => (await after.health()).messages_without_outcome === 0);
  const mark = new RegExp(`class="m${id}-0\\b`);
  assert.equal(stage.answersIn(1).filter(({ html }) => mark.test(html ?? '')).length, 1);
});
