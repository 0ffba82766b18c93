import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import { endProcesses, leftProcesses, type Run, runVariable, sentenceOf } from './left-processes.ts';
import { tempFolder } from './temp.ts';

/** Says that it is there, then does nothing until it is ended. */
const idleProgram = 'console.log(1); setInterval(() => {}, 1e9)';

const newRun = (t: TestContext): Run => ({ tag: randomUUID(), folder: tempFolder(t) });

/** Starts a process that outlives whoever started it, and is ended with the test all the same. */
async function plant(t: TestContext, options: { env?: NodeJS.ProcessEnv; cwd?: string; name?: string }) {
  const child = spawn(process.execPath, ['-e', idleProgram, '--', options.name ?? ''], {
    env: options.env ?? {},
    cwd: options.cwd ?? '/',
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

const gone = (child: ChildProcess) => child.signalCode ?? once(child, 'exit').then(([, signal]) => signal);

describe('a process that a run left behind', () => {
  const traces: Record<string, (run: Run) => Parameters<typeof plant>[1]> = {
    'the tag in its environment': (run) => ({ env: { [runVariable]: run.tag } }),
    'a folder of the run in its environment': (run) => ({ env: { DATA_DIR: `${run.folder}/data` } }),
    'a folder of the run as its working folder': (run) => ({ cwd: run.folder }),
    'a folder of the run on its command line': (run) => ({ name: `--data=${run.folder}/data` }),
  };
  for (const [trace, optionsFor] of Object.entries(traces)) {
    test(`is found by ${trace}, and ended`, async (t) => {
      const run = newRun(t);
      const child = await plant(t, optionsFor(run));
      const left = await leftProcesses(run, 0);
      assert.deepEqual(
        left.map(({ pid }) => pid),
        [child.pid],
      );
      assert.match(
        sentenceOf(left[0] as (typeof left)[0]),
        new RegExp(`^pid ${child.pid}, \\d+\\.\\d s old: .*node`),
      );
      endProcesses(left);
      assert.equal(await gone(child), 'SIGKILL');
      assert.deepEqual(await leftProcesses(run, 0), []);
    });
  }

  test('is waited for, when it is on its way out', async (t) => {
    const run = newRun(t);
    const child = await plant(t, { env: { [runVariable]: run.tag } });
    const left = leftProcesses(run, 5_000);
    child.kill('SIGTERM');
    assert.deepEqual(await left, []);
  });
});

test('a process of another run, and one that got the pid of a dead one, are left alone', async (t) => {
  const run = newRun(t);
  const child = await plant(t, { env: { [runVariable]: randomUUID() } });
  assert.deepEqual(await leftProcesses(run, 0), []);
  endProcesses([{ pid: child.pid as number, startTicks: 1, ageSeconds: 0, commandLine: 'a dead one' }]);
  child.kill('SIGUSR2');
  assert.equal(await gone(child), 'SIGUSR2');
});
