import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { readStat } from '../../src/processes/proc.ts';
import { eventually } from '../support/eventually.ts';
import { setMachines } from '../support/machines.ts';
import type { Service } from '../support/service.ts';
import { signal } from '../support/signal.ts';
import { hasAnswered } from '../support/transcripts.ts';

const graceSeconds = 12;
/** A service that can be made to stand still at a point of a message's way. */
const command = [
  process.execPath,
  '--no-warnings',
  join(import.meta.dirname, '../fixtures/crash/service.ts'),
];

/** One machine with a Redis of its own, and whether it ends in time and the next one answers, once. */
async function setMachine(t: TestContext, question: string) {
  const stage = await setMachines(t);
  const env = { SHUTDOWN_GRACE_SECONDS: String(graceSeconds) };
  const machine = await stage.machine('one', env, command);
  stage.route(machine);
  const { id } = stage.say(1, question);
  await eventually('the turn runs', () => machine.events('turn.started').length === 1);
  await eventually('the model is asked', () => stage.model.calls > 0, 30_000);
  return {
    ...{ stage, machine },
    async stopsInTime() {
      const sinceMs = clock.monotonicMs();
      assert.equal(await machine.stop(), 0);
      const tookMs = Math.round(clock.monotonicMs() - sinceMs);
      t.diagnostic(`stopped within ${tookMs} ms`);
      assert.ok(tookMs < graceSeconds * 1_000, `${tookMs} ms`);
    },
    async isAnsweredOnce() {
      const after = await stage.machine('one', env);
      await stage.answers(1, 1, 30_000);
      await eventually(
        'it has its outcome',
        async () => (await after.health()).messages_without_outcome === 0,
      );
      const mark = new RegExp(`class="m${id}-0\\b`);
      assert.equal(stage.answersIn(1).filter(({ html }) => mark.test(html ?? '')).length, 1);
    },
  };
}

// They wait, most of the time.
describe('a machine that is stopped without Redis', { concurrency: true }, () => {
  test('in the middle of a turn ends in time; nothing is lost', async (t) => {
    const { stage, stopsInTime, isAnsweredOnce } = await setMachine(t, 'tell me something for 2 seconds');
    await stage.redis.kill();
    await eventually('the agent has answered', () => hasAnswered(stage.dataDir('one')));
    await stopsInTime();
    await stage.redis.start();
    await isAnsweredOnce();
  });

  test('while a decision waits for one that went silent ends in time; nothing is lost', async (t) => {
    const { stage, machine, stopsInTime, isAnsweredOnce } = await setMachine(
      t,
      'tell me something for 2 seconds',
    );
    const stopFile = join(stage.dataDir('one'), 'stop-at');
    writeFileSync(stopFile, 'before mailDecide');
    await eventually('it is about to decide', () => standsStill(machine), 30_000);
    signal(stage.redis.pid(), 'SIGSTOP');
    rmSync(stopFile);
    machine.child.kill('SIGCONT');
    await stopsInTime();
    assert.equal(machine.events('turn.decided').length, 0);
    signal(stage.redis.pid(), 'SIGCONT');
    await isAnsweredOnce();
  });
});

function standsStill({ child }: Service): boolean {
  return readStat(child.pid ?? 0)?.state === 'T';
}
