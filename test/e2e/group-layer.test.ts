import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tagVariable } from '../../src/processes/census.ts';
import { environmentOf, listProcesses } from '../../src/processes/proc.ts';
import { eventually } from '../support/eventually.ts';
import { setStage } from '../support/stage.ts';

test('without pid namespaces: what a killed service leaves running ends at the next start, and the turn is answered once', async (t) => {
  const stage = await setStage(t, { bot: { tools: ['Read', 'Bash'] } });
  const env = { CONTAINMENT: 'group' };
  const first = await stage.start(env);
  assert.equal((await first.health()).containment, 'group');
  assert.equal(
    first.events('service.degraded')[0]?.code,
    'bash_refused',
    'a bot that asks for Bash is told at start',
  );
  stage.say(1, 'tell me something for 60 seconds');
  const opened = await eventually('the turn to run', () => first.events('session.opened')[0]);
  await eventually('the model to be asked', () => stage.model.calls > 0);
  await first.stop('SIGKILL');
  const instance = readFileSync(join(stage.home.dataDir, 'instance'), 'utf8');
  const left = () =>
    listProcesses().filter(({ pid }) => environmentOf(pid, tagVariable)?.startsWith(`${instance}.`));
  assert.deepEqual(
    left().map(({ pid }) => pid),
    [opened.pid],
    'a busy claude outlives its host: this is what the reaper is for',
  );
  stage.model.skipPacing();
  const second = await stage.start(env);
  assert.deepEqual(second.events('processes.reaped')[0]?.pids, [opened.pid]);
  await stage.answers(1, 1);
  assert.equal(await second.stop(), 0);
  assert.deepEqual(left(), []);
  assert.equal(stage.answersIn(1).length, 1);
});
