import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { chooseContainment } from '../../src/processes/containment.ts';
import { isRunning, readStat } from '../../src/processes/proc.ts';
import { eventually } from '../support/eventually.ts';
import { signal } from '../support/signal.ts';
import { alive, supervision } from '../support/supervision.ts';
import { tempFolder } from '../support/temp.ts';

const bounds = { eofMs: 500, termMs: 300 };

for (const layer of ['namespace', 'group'] as const) {
  test(`${layer}: a polite tree ends with its input, and nothing of it is left`, async (t) => {
    const { ledger, supervisor, start } = supervision(t, layer);
    const child = await start('polite');
    assert.equal(ledger.entries().length, 1, 'it stood in the ledger while it ran');
    assert.ok(alive(child.tag).length >= 3, 'with a child in its own session and an orphaned one');
    assert.deepEqual(await child.end(bounds), { forced: null });
    assert.deepEqual(alive(child.tag), []);
    assert.deepEqual([ledger.entries(), supervisor.owns(child.tag)], [[], false]);
  });

  test(`${layer}: one that ignores end of input and TERM is killed with all it started`, async (t) => {
    const { start } = supervision(t, layer);
    const child = await start('stubborn');
    assert.deepEqual(await child.end(bounds), { forced: 'KILL' });
    assert.deepEqual(alive(child.tag), []);
  });

  test(`${layer}: a stopped process is ended like any other`, async (t) => {
    const { start } = supervision(t, layer);
    const child = await start('polite');
    signal(child.programPid(), 'SIGSTOP');
    await child.end(bounds);
    assert.deepEqual(alive(child.tag), []);
  });

  test(`${layer}: the pid that people see is the program's, and it gives way to others`, async (t) => {
    const { start } = supervision(t, layer);
    const child = await start('polite');
    const pid = child.programPid() ?? 0;
    assert.ok(isRunning(readStat(pid)));
    if (layer === 'namespace') assert.notEqual(pid, child.process.pid);
    await child.end(bounds);
    assert.equal(child.programPid(), null);
  });

  test(`${layer}: a program killed from outside leaves orphans, which end with the close`, async (t) => {
    const { start } = supervision(t, layer);
    const child = await start('polite');
    signal(child.programPid(), 'SIGKILL');
    await child.exited;
    await child.end(bounds);
    assert.deepEqual(alive(child.tag), []);
  });
}

test('the next life ends what an earlier one left behind, and only that', async (t) => {
  const mine = supervision(t, 'group');
  const other = supervision(t, 'group', 'another-instance');
  const left = await mine.start('stubborn');
  const stranger = await other.start('polite');
  const { killed } = await mine.reaper.reapUnowned(() => false);
  assert.ok(killed.length >= 3);
  assert.deepEqual([alive(left.tag), mine.ledger.entries()], [[], []]);
  assert.ok(alive(stranger.tag).length >= 3, 'the processes of another data folder are not touched');
});

test('a process that is owned is not reaped', async (t) => {
  const { reaper, supervisor, start } = supervision(t, 'group');
  const child = await start('polite');
  assert.deepEqual((await reaper.reapUnowned((tag) => supervisor.owns(tag))).killed, []);
  assert.ok(alive(child.tag).length >= 3);
});

test('a reused pid is nobody’s: an entry whose start time or boot differs kills nobody', async (t) => {
  const { ledger, reaper, instance } = supervision(t, 'group');
  const self = readStat(process.ppid);
  assert.ok(self);
  ledger.enter({
    tag: `${instance}.old`,
    pid: self.pid,
    startTicks: self.startTicks + 1,
    bootId: 'other',
    slot: '',
  });
  assert.deepEqual((await reaper.reapUnowned(() => false)).killed, []);
  assert.deepEqual(ledger.entries(), [], 'and it is struck');
});

test('a program that does not exist, or a folder that is gone, is a failed start and not a crash', async (t) => {
  const { folder, supervisor, ledger } = supervision(t, 'group');
  const spec = { command: '/nowhere/claude', args: [], cwd: folder, env: {}, slot: folder };
  const child = supervisor.spawn(spec);
  assert.equal((await child.exited).code, 127);
  assert.deepEqual(await child.end(bounds), { forced: null });
  assert.match(child.stderrTail(), /nowhere/);
  const homeless = supervisor.spawn({ ...spec, cwd: '/nowhere' });
  assert.match((await homeless.exited).startError?.message ?? '', /ENOENT/);
  assert.deepEqual(await homeless.end(bounds), { forced: null });
  assert.deepEqual(ledger.entries(), []);
});

test('without a file left for its pipes a start fails like others, and works again when there is one', () => {
  const support = JSON.stringify(join(import.meta.dirname, '../support/supervision.ts'));
  const script = `
    import { closeSync, openSync } from 'node:fs';
    import { supervision } from ${support};
    const undo = [];
    const { supervisor, folder } = supervision({ after: (one) => undo.unshift(one) }, 'group');
    const start = () => supervisor.spawn({ command: 'true', args: [], cwd: folder, slot: folder, env: process.env });
    const files = [];
    try { for (;;) files.push(openSync('/dev/null')); } catch {}
    try { start(); } catch (error) { console.log(error.message); }
    await new Promise(setImmediate);
    for (const file of files) closeSync(file);
    const child = start();
    console.log(JSON.stringify(await child.exited));
    await child.end({ eofMs: 1000, termMs: 1000 });
    for (const one of undo) await one();`;
  const args = [process.execPath, '--no-warnings', '--input-type=module', '-e', script];
  const few = ['-c', 'ulimit -n 100; exec "$@"', 'sh'];
  const { stdout, stderr } = spawnSync('sh', [...few, ...args], { encoding: 'utf8', timeout: 60_000 });
  assert.deepEqual(
    stdout.split('\n').slice(0, 2),
    ['It could not be started: too many files are open.', '{"code":0,"signal":null,"startError":null}'],
    stderr,
  );
  assert.equal(stderr, '');
});

test('the layer is chosen by trying it, and says why', (t) => {
  const folder = tempFolder(t);
  const hidden = { paths: [folder] };
  assert.equal(chooseContainment('group', folder, hidden)?.layer, 'group');
  const automatic = chooseContainment('auto', folder, hidden);
  assert.equal(automatic?.layer, existsSync('/usr/bin/bwrap') ? 'namespace' : 'group');
  assert.match(automatic?.reason ?? '', /\w/);
});

test('a tree that is gone is seen as gone at once', async (t) => {
  const { start } = supervision(t, 'namespace');
  const child = await start('polite');
  signal(child.process.pid, 'SIGKILL');
  await eventually('the kernel to end the namespace', () => alive(child.tag).length === 0, 1000);
});

test('an agent gives way: its process, and its session where the kernel shares out by sessions', async (t) => {
  const child = await supervision(t, 'group').start('polite');
  const pid = child.process.pid ?? 0;
  const nice = Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[16]);
  assert.equal(nice, 10);
  const sharesBySessions = existsSync('/proc/self/autogroup') && process.getuid?.() === 0;
  if (sharesBySessions) assert.match(readFileSync(`/proc/${pid}/autogroup`, 'utf8'), /nice 10\b/);
  else t.diagnostic('the kernel does not share out by sessions, or not for this user');
});
