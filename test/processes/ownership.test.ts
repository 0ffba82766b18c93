import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { tagVariable } from '../../src/processes/census.ts';
import {
  commandOf,
  innermostPid,
  isRunning,
  readBootId,
  readStat,
  wholeEnvironmentOf,
} from '../../src/processes/proc.ts';
import { holdDataFolder } from '../../src/store/lock.ts';
import { eventually } from '../support/eventually.ts';
import { signal } from '../support/signal.ts';
import { alive, supervision } from '../support/supervision.ts';
import { tempFolder } from '../support/temp.ts';

const bounds = { eofMs: 500, termMs: 300 };
/** Waits for the end of its input, as `claude` does. */
const untilEof = 'read line; exit 0';

/** A process that is none of ours; ends with the test. */
async function stranger(t: TestContext): Promise<number> {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore', detached: true });
  t.after(() => child.kill('SIGKILL'));
  return child.pid ?? 0;
}

/** Null when the process ended meanwhile, as the shells' short sleeps do. */
function looked<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}

const isAlive = (pid: number) => isRunning(readStat(pid));

async function pidFrom(path: string): Promise<number> {
  return eventually('the pid', () => {
    const pid = statSync(path, { throwIfNoEntry: false }) ? Number(readFileSync(path, 'utf8')) : 0;
    return pid > 0 && pid;
  });
}

test('a child that threw its environment away is ended all the same, also after it lost its parent', async (t) => {
  const { run, reaper } = supervision(t, 'group');
  const slot = tempFolder(t);
  const child = await run(
    'bash',
    ['-c', `env -i setsid bash -c 'echo $$ >own.pid; exec sleep 1000' & echo ready; ${untilEof}`],
    slot,
  );
  const scrubbed = await pidFrom(join(slot, 'own.pid'));
  assert.deepEqual(alive(child.tag).includes(scrubbed), false, 'its environment says nothing');
  assert.ok(reaper.membersOf(child.tag).some(({ pid }) => pid === scrubbed));
  signal(child.programPid(), 'SIGKILL');
  await child.exited;
  await child.end(bounds);
  assert.equal(isAlive(scrubbed), false, 'once seen as a member it stays one');
});

test('one that shares a session with a member is ended, though parent and environment are gone', async (t) => {
  const { run } = supervision(t, 'group');
  const slot = tempFolder(t);
  const orphan = `(env -i bash -c 'echo $$ >own.pid; exec sleep 1000' &)`;
  const child = await run('bash', ['-c', `${orphan}; echo ready; ${untilEof}`], slot);
  const pid = await pidFrom(join(slot, 'own.pid'));
  assert.notEqual(readStat(pid)?.parentPid, child.process.pid);
  await child.end(bounds);
  assert.equal(isAlive(pid), false);
});

test('whoever joins from outside with a copied tag is ended, but not the session that it came from', async (t) => {
  const { start, reaper } = supervision(t, 'group');
  const child = await start('polite');
  // A shell that leads a session, and in it a program with the agent's environment, as when somebody debugs.
  const script = `CAMPFIRE_AI_BOT_TAG=${child.tag} sleep 1000 & echo $!; wait; sleep 1000`;
  const shell = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  t.after(() => shell.kill('SIGKILL'));
  const copy = Number(await new Promise((resolve) => shell.stdout.once('data', resolve)));
  // Until its exec it still has the shell's environment.
  await eventually('it to be seen', () => reaper.membersOf(child.tag).some(({ pid }) => pid === copy));
  await child.end(bounds);
  assert.deepEqual([isAlive(copy), isAlive(shell.pid ?? 0)], [false, true]);
});

test('nor anybody of that session when whoever began it has gone, as after a logout', async (t) => {
  const { start } = supervision(t, 'group');
  const cwd = tempFolder(t);
  const late = `read tag <fifo; ${tagVariable}=$tag exec sleep 1000`;
  const script = `mkfifo fifo; sleep 1000 & echo $!; (${late}) & echo $!`;
  const shell = spawn('bash', ['-c', script], { cwd, stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  let said = '';
  shell.stdout.on('data', (text) => {
    said += text;
  });
  await once(shell, 'exit');
  const [neighbour = 0, copy = 0] = said.split('\n').map(Number);
  for (const pid of [neighbour, copy]) t.after(() => isAlive(pid) && signal(pid, 'SIGKILL'));
  const child = await start('polite');
  writeFileSync(join(cwd, 'fifo'), `${child.tag}\n`);
  await eventually('the copy to carry the tag', () => alive(child.tag).includes(copy));
  await child.end(bounds);
  assert.deepEqual([isAlive(copy), isAlive(neighbour)], [false, true]);
});

test('pid, start time, boot and tag must all agree before a ledger entry names a process', async (t) => {
  const { ledger, reaper, instance } = supervision(t, 'group');
  const pid = await stranger(t);
  const stat = readStat(pid);
  assert.ok(stat);
  const exact = { pid, startTicks: stat.startTicks, bootId: readBootId(), slot: '/nowhere' };
  ledger.enter({ ...exact, tag: `${instance}.exact` });
  ledger.enter({ ...exact, tag: 'copied-instance.exact' });
  ledger.enter({ ...exact, tag: `${instance}.reused`, startTicks: stat.startTicks - 1 });
  const { killed, slots, stuck } = await reaper.reapUnowned(() => false);
  assert.deepEqual([killed, slots.length, stuck], [[], 3, []]);
  assert.deepEqual([isAlive(pid), ledger.entries()], [true, []]);
});

test('no second tree starts in a slot before the first one is proven gone', async (t) => {
  const { run, supervisor, ledger, reaper } = supervision(t, 'group');
  const slot = tempFolder(t);
  const first = await run('bash', ['-c', `(setsid sleep 1000 &); echo ready; ${untilEof}`], slot);
  const spec = { command: 'true', args: [], cwd: slot, env: {}, slot };
  const isItsChild = ({ pid }: { pid: number }) => commandOf(pid) === 'sleep';
  await eventually('its child to be known', () => reaper.membersOf(first.tag).some(isItsChild));
  signal(first.programPid(), 'SIGKILL');
  await first.exited;
  assert.throws(() => supervisor.spawn(spec), /predecessor has not ended: \d+/);
  assert.equal(ledger.entries().length, 1);
  await first.end(bounds);
  const second = supervisor.spawn(spec);
  await second.end(bounds);
  assert.deepEqual([(await second.exited).code, ledger.entries()], [0, []]);
});

test('who is in the middle of an exec when a tree ends is looked at again', async (t) => {
  const { run, reaper } = supervision(t, 'group');
  const child = await run('bash', ['-c', `echo ready; ${untilEof}`], tempFolder(t));
  // Without an environment, as for a moment in an exec, and with the tag of the tree after it.
  const late = `read line; exec env ${tagVariable}=${child.tag} sleep 1000`;
  const { pid = 0, stdin } = spawn('env', ['-i', '/bin/sh', '-c', late], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  t.after(() => isAlive(pid) && signal(pid, 'SIGKILL'));
  await eventually('it to show nothing', () => wholeEnvironmentOf(pid) === '');
  await child.end(bounds);
  const ended = reaper.endTree(child.tag, 0);
  stdin.write('\n');
  assert.deepEqual(await ended, { killed: [pid] });
});

test('a tree that cannot be kept in the ledger does not run', async (t) => {
  const { supervisor, ledger, reaper } = supervision(t, 'group');
  const slot = tempFolder(t);
  const enter = ledger.enter;
  ledger.enter = () => {
    throw new Error('database or disk is full');
  };
  const command = { command: 'sleep', args: ['1000'], cwd: slot, env: {}, slot };
  assert.throws(() => supervisor.spawn(command), /disk is full/);
  ledger.enter = enter;
  await reaper.reapUnowned((tag) => supervisor.owns(tag));
  await eventually('the process to be gone', async () => {
    const { killed } = await reaper.reapUnowned(() => false);
    return killed.length === 0;
  });
});

for (const layer of ['namespace', 'group'] as const) {
  test(`${layer}: from its first process on, a tree gives way for memory and processor`, async (t) => {
    const { start, reaper } = supervision(t, layer);
    const child = await start('polite');
    const isWrapper = ({ pid }: { pid: number }) => pid === child.process.pid || innermostPid(pid) === 1;
    const members = reaper.membersOf(child.tag).filter((each) => layer === 'group' || !isWrapper(each));
    assert.ok(members.length >= 3);
    for (const { pid } of members) {
      const seen = looked(() => [
        readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim(),
        getPriority(pid),
      ]);
      if (seen !== null) assert.deepEqual(seen, ['500', 10]);
    }
    await child.end(bounds);
  });

  test(`${layer}: kills after a close are told of, and only those`, async (t) => {
    const { start, reaped } = supervision(t, layer);
    await (await start('polite')).end(bounds);
    const afterPolite = reaped.length;
    await (await start('stubborn')).end(bounds);
    // In a namespace the kernel has ended them all with the program.
    if (layer === 'namespace') assert.deepEqual([afterPolite, reaped], [0, []]);
    else assert.deepEqual([afterPolite >= 2, reaped.length >= afterPolite + 2], [true, true]);
  });
}

test('a wrapper that reports its program’s SIGKILL as 137 is heard as such', async (t) => {
  const { start } = supervision(t, 'namespace');
  const child = await start('polite');
  signal(child.programPid(), 'SIGKILL');
  assert.deepEqual(await child.exited, { code: 137, signal: null, startError: null });
  await child.end(bounds);
});

test('a zombie has ended, unless it is only the first of several threads that has', () => {
  const stat = { pid: 1, parentPid: 0, sessionId: 1, startTicks: 1 };
  assert.equal(isRunning({ ...stat, state: 'Z', threads: 1 }), false);
  assert.equal(isRunning({ ...stat, state: 'Z', threads: 2 }), true);
});

test('a copy of a data folder gets a name of its own, the folder itself keeps its name', (t) => {
  const original = join(tempFolder(t), 'data');
  const first = holdDataFolder(original);
  first.release();
  const copy = join(tempFolder(t), 'data');
  cpSync(original, copy, { recursive: true });
  const [again, other] = [holdDataFolder(original), holdDataFolder(copy)];
  assert.equal(again.instance, first.instance);
  assert.notEqual(other.instance, first.instance);
  again.release();
  other.release();
});
