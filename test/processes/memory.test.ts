import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeMemoryCgroup } from '../../bench/memory/cgroup.ts';
import { createOomWatch, type MemoryReading, readMemory, takenPercent } from '../../src/processes/memory.ts';
import { tempFolder } from '../support/temp.ts';

const megabyte = 1024 * 1024;

/** Files as real machines have them. */
const host = {
  '/proc/meminfo': 'MemTotal:        2014208 kB\nMemFree:          201420 kB\nMemAvailable:    1228800 kB\n',
  '/proc/vmstat': 'nr_free_pages 50355\noom_kill 3\n',
};
const v2 = (folder: string, max: string, currentMb: number, inactiveMb: number, more: string[] = []) => ({
  [`${folder}/memory.max`]: `${max}\n`,
  [`${folder}/memory.current`]: `${currentMb * megabyte}\n`,
  [`${folder}/memory.stat`]: [
    ...['anon 1', 'file 2', 'inactive_anon 5', `inactive_file ${inactiveMb * megabyte}`, ...more, ''],
  ].join('\n'),
});
const v1 = (
  folder: string,
  limit: number | string,
  usageMb: number,
  inactiveMb: number,
  more: string[] = [],
) => ({
  [`${folder}/memory.limit_in_bytes`]: `${limit}\n`,
  [`${folder}/memory.usage_in_bytes`]: `${usageMb * megabyte}\n`,
  [`${folder}/memory.stat`]: [
    ...['inactive_file 1', `total_inactive_file ${inactiveMb * megabyte}`, ...more, ''],
  ].join('\n'),
  [`${folder}/memory.oom_control`]: 'oom_kill_disable 0\nunder_oom 0\noom_kill 7\n',
});
const unlimitedV1 = '9223372036854771712';

function take(files: Record<string, string>, limitMb: number | null = null, ownMb = 0): MemoryReading {
  return readMemory(
    limitMb === null ? null : limitMb * megabyte,
    () => ownMb * megabyte,
    (path) => files[path] ?? null,
  );
}

const inMb = ({ source, limitBytes, usedBytes, availableBytes }: MemoryReading) => ({
  source,
  ...{
    limit: Math.round(limitBytes / megabyte),
    used: Math.round(usedBytes / megabyte),
    available: Math.round(availableBytes / megabyte),
  },
});

test('a plain host: what is available is what the kernel says', () => {
  const reading = take(host);
  assert.deepEqual(inMb(reading), { source: 'host', limit: 1967, used: 767, available: 1200 });
  assert.deepEqual([reading.oomKills, reading.stallPercent], [3, null]);
  assert.throws(() => take({}), /meminfo/);
});

test('cgroup v2 in a container: its own limit, page cache that can be given back does not count', () => {
  const folder = '/sys/fs/cgroup';
  const reading = take({
    ...host,
    ...v2(folder, `${900 * megabyte}`, 500, 120),
    '/proc/self/cgroup': '0::/\n',
    [`${folder}/memory.events`]: 'low 0\nhigh 0\nmax 12\noom 2\noom_kill 2\noom_group_kill 0\n',
    [`${folder}/memory.pressure`]:
      'some avg10=1.25 avg60=0.50 avg300=0.10 total=1\nfull avg10=0.00 total=0\n',
  });
  assert.deepEqual(inMb(reading), { source: 'cgroup-v2', limit: 900, used: 380, available: 520 });
  assert.deepEqual([reading.oomKills, reading.stallPercent], [2, 1.25]);
});

test('cgroup v2 under systemd: a group further up may have the limit, or less left than our own', () => {
  const files = { ...host, '/proc/self/cgroup': '0::/system.slice/campfire-ai-bot.service\n' };
  const own = '/sys/fs/cgroup/system.slice/campfire-ai-bot.service';
  const slice = '/sys/fs/cgroup/system.slice';
  assert.deepEqual(
    inMb(take({ ...files, ...v2(own, 'max', 300, 0), ...v2(slice, `${800 * megabyte}`, 700, 100) })),
    { source: 'cgroup-v2', limit: 800, used: 600, available: 200 },
  );
  assert.deepEqual(
    inMb(
      take({
        ...files,
        ...v2(own, `${700 * megabyte}`, 300, 0),
        ...v2(slice, `${1000 * megabyte}`, 950, 0),
      }),
    ),
    { source: 'cgroup-v2', limit: 700, used: 300, available: 50 },
  );
});

test('cgroup v1: the group of the memory controller, whatever else is listed; no limit is no limit', () => {
  const files = { ...host, '/proc/self/cgroup': '9:name=systemd:/x\n4:cpu,memory:/box/one\n0::/\n' };
  const folder = '/sys/fs/cgroup/memory/box/one';
  const reading = take({ ...files, ...v1(folder, 900 * megabyte, 400, 50) });
  assert.deepEqual(inMb(reading), { source: 'cgroup-v1', limit: 900, used: 350, available: 550 });
  assert.equal(reading.oomKills, 7);
  assert.equal(inMb(take({ ...files, ...v1(folder, unlimitedV1, 400, 50) })).source, 'host');
});

test('what the kernel gives back is not used: files that nobody maps, and half of its own caches', () => {
  const fields = (names: Record<string, number>) =>
    Object.entries(names).map(([name, mb]) => `${name} ${mb * megabyte}`);
  const read = { active_file: 500, file_mapped: 120, slab_reclaimable: 60, slab_unreclaimable: 30 };
  const inV2 = (more: string[]) =>
    take({
      ...{ ...host, '/proc/self/cgroup': '0::/\n' },
      ...v2('/sys/fs/cgroup', `${900 * megabyte}`, 880, 100, more),
    });
  assert.deepEqual(inMb(inV2(fields(read))), {
    source: 'cgroup-v2',
    limit: 900,
    used: 880 - 100 - (500 - 120) - 30,
    available: 530,
  });
  const onlyPrograms = fields({ active_file: 90, file_mapped: 120 });
  assert.equal(inMb(inV2(onlyPrograms)).used, 780, 'programs that run are used');

  const total = { total_active_file: 500, total_mapped_file: 120, active_file: 900, mapped_file: 1 };
  const files = { ...host, '/proc/self/cgroup': '4:memory:/box\n' };
  const inV1 = v1('/sys/fs/cgroup/memory/box', 900 * megabyte, 880, 100, fields(total));
  assert.equal(inMb(take({ ...files, ...inV1 })).used, 880 - 100 - (500 - 120));
});

test('in a real group: a big file that was read twice leaves room for sessions', (t) => {
  const group = makeMemoryCgroup(`read-twice-${process.pid}`, 400 * megabyte);
  if (!group) return t.skip('Only root may make a memory control group.');
  t.after(() => group.remove());
  const script = `
    import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
    import { readMemory } from ${JSON.stringify(join(import.meta.dirname, '../../src/processes/memory.ts'))};
    const path = process.argv[1] + '/big';
    for (let part = 0; part < 250; part++) writeFileSync(path, Buffer.alloc(${megabyte}, 'x'), { flag: 'a', flush: true });
    for (const _ of [1, 2, 3]) for (const chunk of chunks()) void chunk;
    console.log(JSON.stringify(readMemory(null, () => 0)));
    function* chunks() {
      const file = openSync(path);
      const buffer = Buffer.alloc(${megabyte});
      while (readSync(file, buffer) > 0) yield buffer;
      closeSync(file);
    }`;
  const args = ['--no-warnings', '--input-type=module', '-e', script, tempFolder(t)];
  const [command = '', ...rest] = [...group.prefix, process.execPath, ...args];
  const { stdout, stderr } = spawnSync(command, rest, { encoding: 'utf8', timeout: 60_000 });
  assert.match(stdout, /^{/, stderr);
  const { source, limit, available } = inMb(JSON.parse(stdout) as MemoryReading);
  assert.match(source, /^cgroup/);
  assert.equal(limit, 400);
  assert.ok(available > 250, `${available} MB are available`);
});

test('a container with room on a machine without: the machine decides what is available', () => {
  const busyHost = { '/proc/meminfo': 'MemTotal: 2014208 kB\nMemAvailable: 102400 kB\n' };
  const reading = take({
    ...busyHost,
    ...v2('/sys/fs/cgroup', `${900 * megabyte}`, 300, 0),
    '/proc/self/cgroup': '0::/\n',
  });
  assert.deepEqual(inMb(reading), { source: 'cgroup-v2', limit: 900, used: 300, available: 100 });
  assert.equal(Math.round(takenPercent(reading)), 89, 'and high is high for the same reason');
});

test('MEMORY_LIMIT_MB counts what is ours, not what others on the host hold; the smaller limit wins', () => {
  assert.deepEqual(inMb(take(host, 500, 200)), { source: 'setting', limit: 500, used: 200, available: 300 });
  assert.deepEqual(inMb(take(host, 5000, 200)), { source: 'host', limit: 1967, used: 767, available: 1200 });
  const grouped = {
    ...host,
    ...v2('/sys/fs/cgroup', `${900 * megabyte}`, 850, 0),
    '/proc/self/cgroup': '0::/\n',
  };
  assert.deepEqual(inMb(take(grouped, 500, 200)), {
    source: 'setting',
    limit: 500,
    used: 200,
    available: 50,
  });
});

test('this machine can be read', () => {
  const reading = readMemory(null, () => 0);
  assert.ok(reading.limitBytes > 0 && reading.usedBytes > 0 && reading.availableBytes > 0);
  assert.ok(takenPercent(reading) > 0 && takenPercent(reading) <= 100);
});

test('a death right after the counter of OOM kills has grown is one, a later one is not', () => {
  const oom = createOomWatch();
  const at = (oomKills: number | null, nowMs: number) => oom.look({ ...take(host), oomKills }, nowMs);
  assert.equal(at(5, 0), 0);
  assert.equal(oom.killedWithin(3000, 10), false, 'kills before our time are not ours');
  assert.deepEqual([at(5, 1000), at(8, 2000)], [0, 3]);
  assert.equal(oom.killedWithin(3000, 2010), true);
  at(8, 3000);
  assert.equal(oom.killedWithin(3000, 5001), false);
  assert.deepEqual([at(null, 6000), at(8, 6001)], [0, 0]);
  assert.equal(oom.killedWithin(3000, 6000), false);
});
