import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { setMachines } from '../support/machines.ts';
import { tempFolder } from '../support/temp.ts';

test('a message to a new bot waits until its file has come to the machine that answers', async (t) => {
  const stage = await setMachines(t);
  const botsThere = tempFolder(t);
  const web = await stage.machine('web', { ROLE: 'web' });
  const worker = await stage.machine('worker', { ROLE: 'worker', BOTS_DIR: botsThere });
  stage.route(web);
  stage.say(1, 'hello');
  await eventually('the worker has looked and has no file', () =>
    worker.events('part.failed').some((event) => JSON.stringify(event).includes('on this machine')),
  );
  assert.equal((await web.health()).messages_without_outcome, 1);
  cpSync(stage.home.botsDir, botsThere, { recursive: true });
  await stage.answers(1, 1);
  await eventually('it has its outcome', async () => (await web.health()).messages_without_outcome === 0);
});
