import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setStage } from '../support/stage.ts';

test('started as process 1 without an init, the service says so, with what to do', async (t) => {
  const stage = await setStage(t);
  const server = [process.execPath, '--no-warnings', join(import.meta.dirname, '../../src/server.ts')];
  const alone = ['bwrap', '--unshare-pid', '--as-pid-1', '--die-with-parent'];
  const command = [...alone, '--dev-bind', '/', '/', '--proc', '/proc', ...server];
  const service = await stage.start({ CONTAINMENT: 'group' }, command);
  const told = service.events('service.degraded').find(({ code }) => code === 'no_init');
  assert.match(String(told?.remedy), /--init/);
  service.child.kill('SIGKILL');
  const usual = await stage.start({ CONTAINMENT: 'group', DATA_DIR: join(stage.home.dataDir, 'other') });
  assert.deepEqual(
    usual.events('service.degraded').filter(({ code }) => code === 'no_init'),
    [],
  );
  await usual.stop();
});
