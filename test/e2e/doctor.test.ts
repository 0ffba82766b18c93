import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { apiKey, type Stage, setStage } from '../support/stage.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');

/** The command as an operator calls it beside the service; gives the check of that name. */
async function doctor(stage: Stage, words: string[], name: string) {
  const env = {
    ...{ PATH: process.env.PATH, DATA_DIR: stage.home.dataDir, BOTS_DIR: stage.home.botsDir },
    ...{ CAMPFIRE_URL: stage.campfire.url, ANTHROPIC_BASE_URL: stage.model.url, ANTHROPIC_API_KEY: apiKey },
  };
  const stdout = await new Promise<string>((resolve) => {
    execFile(process.execPath, ['--no-warnings', main, 'doctor', '--json', ...words], { env }, (_, out) =>
      resolve(out),
    );
  });
  const { checks } = JSON.parse(stdout) as {
    checks: Array<{ name: string; verdict: string; detail: string; remedy: string | null }>;
  };
  return checks.find((check) => check.name === name);
}

test('a round trip: posted, accepted, answered in the room, with the time of each', async (t) => {
  const stage = await setStage(t);
  const service = await stage.start();
  const there = await doctor(stage, ['--room', '50', '--url', service.url], 'round trip');
  assert.equal(there?.verdict, 'ok', JSON.stringify(there));
  const times =
    /posted in the room after [\d.]+ s, accepted by the service after [\d.]+ s, answered in the room after [\d.]+ s/;
  assert.match(there?.detail ?? '', times);
  const [test, answer] = stage.answersIn(50);
  assert.match(test?.html ?? '', /A test of the way/);
  assert.match(answer?.html ?? '', new RegExp(`m${test?.id}-0 .*campfire-[0-9a-f]{8}`, 's'));
  await service.stop();
  const stopped = await doctor(stage, ['--room', '50', '--url', service.url], 'round trip');
  assert.deepEqual([stopped?.verdict, /No service answers/.test(stopped?.detail ?? '')], ['fail', true]);
});

test('a round trip that ends in a sentence fails with it; the next people’s question is served as ever', async (t) => {
  const stage = await setStage(t, { bot: { budget_usd_per_day: 0.000001 } });
  const service = await stage.start();
  stage.say(50, 'hello');
  await stage.answers(50, 1);
  const refused = await doctor(stage, ['--room', '50', '--url', service.url], 'round trip');
  assert.equal(refused?.verdict, 'fail');
  assert.match(refused?.detail ?? '', /but with: .*budget is used up/);
  const stranger = await doctor(stage, ['--room', '50', '--bot', 'nobody'], 'round trip');
  assert.match(stranger?.remedy ?? '', /--bot: assistant/);
  await service.stop();
});

test('a round trip on a Campfire that bots cannot read says what it can see', async (t) => {
  const stage = await setStage(t, { face: 'v1.4.9' });
  const service = await stage.start();
  const trip = await doctor(stage, ['--room', '50', '--url', service.url], 'round trip');
  assert.equal(trip?.verdict, 'warn', JSON.stringify(trip));
  assert.match(
    trip?.detail ?? '',
    /decided by the service after [\d.]+ s\. This Campfire does not let bots read/,
  );
  await service.stop();
});
