import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import type { FakeAgent } from '../support/fake-agent.ts';
import { bot, hooks, type PoolStage, pass, prompt, room, setPool, settle, turn } from './pool-stage.ts';

/** What goes wrong around sessions, as on a disk that is full or failing, must not end the service or a conversation. */

const failing = () => {
  throw new Error('ENOSPC: no space left on device');
};

/** In place of the folder that all slots are in: none of them can be made. */
function withoutFolders(stage: PoolStage): () => void {
  const parent = dirname(stage.slots.at('any').root);
  rmSync(parent, { recursive: true, force: true });
  writeFileSync(parent, '');
  return () => rmSync(parent);
}

test('folders that cannot be made are a start that failed: counted, told, and over when they can be made', async (t) => {
  const stage = setPool(t);
  const mend = withoutFolders(stage);
  const lease = await stage.pool.lease(room(1), bot(), 0);
  const result = await lease.run(prompt, hooks);
  assert.deepEqual(
    [result.kind, 'death' in result && result.death, stage.agents.length],
    ['died', 'start', 0],
  );
  await lease[Symbol.asyncDispose]();
  assert.deepEqual([stage.of('session.died').length, stage.pool.snapshot()], [1, []]);
  await pass(stage, 3);
  mend();
  await turn(stage, 1);
  assert.equal(await stage.pool.drain(), 1);
});

test('a spare whose folders cannot be made is one that did not come up', async (t) => {
  const stage = setPool(t, { spares: 1 });
  await turn(stage, 1);
  const mend = withoutFolders(stage);
  await pass(stage, 1);
  assert.deepEqual([stage.of('spare.started').length, stage.of('spare.ended').length], [1, 1]);
  assert.equal(stage.pool.spares(), 0);
  mend();
});

test('a temp folder that cannot be emptied is reported, and the session is closed all the same', async (t) => {
  const stage = setPool(t);
  await turn(stage, 1);
  stage.slots.emptyTemp = failing;
  assert.equal(await stage.pool.close('1:helper', 'operator'), true);
  assert.deepEqual([stage.of('part.failed').length, stage.pool.snapshot()], [1, []]);
});

test('nothing that the upkeep cannot read or write ends it, a turn or a drain', async (t) => {
  let fails = false;
  const stage = setPool(t, { measureTrees: () => (fails ? failing() : new Map()) });
  await turn(stage, 1);
  fails = true;
  stage.peaks.save = failing;
  stage.peaks.isNew = failing;
  await pass(stage, 61);
  await turn(stage, 2);
  assert.equal(await stage.pool.close('2:helper', 'operator'), true);
  const parts = new Set(stage.of('part.failed').map((event) => 'part' in event && event.part));
  assert.deepEqual([...parts], ['measuring memory', 'saving peaks', 'peaks']);
  assert.equal(await stage.pool.drain(), 0);
});

test('closed while it starts over, a session opens nothing any more', async (t) => {
  const stage = setPool(t);
  const lease = await stage.pool.lease(room(1), bot(), 0);
  const result = lease.run(prompt, hooks);
  await settle();
  const givenUp = Promise.withResolvers<void>();
  stage.conversations.giveUp = () => givenUp.promise;
  (stage.agents[0] as FakeAgent).finish({ kind: 'no-memory', cause: 'No conversation found' });
  await settle();
  assert.equal(await stage.pool.close('1:helper', 'stopped'), true);
  givenUp.resolve();
  assert.equal((await result).kind, 'interrupted');
  assert.equal(stage.agents.length, 1);
});
