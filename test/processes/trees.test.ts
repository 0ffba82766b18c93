import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { createCensus, tagVariable } from '../../src/processes/census.ts';
import { createTreeMeasure } from '../../src/processes/trees.ts';
import { testClock } from '../support/clock.ts';

const megabyte = 1024 * 1024;
const ballast = join(import.meta.dirname, '../../bench/memory/ballast.ts');

function measureOf(instance: string) {
  const ledger = { enter() {}, strike() {}, entries: () => [] };
  return createTreeMeasure(createCensus({ ledger, instance, clock: systemClock }));
}

/** A tree of a shell and a program that holds so much. */
async function holder(t: TestContext, tag: string, megabytes: number): Promise<ChildProcess> {
  const child = spawn('sh', ['-c', `"$0" --no-warnings ${ballast} ${megabytes}; true`, process.execPath], {
    env: { ...process.env, [tagVariable]: tag },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.stdin.end());
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child;
}

test('one look tells the trees apart, counts all of their processes, and remembers their peaks', async (t) => {
  const measure = measureOf('trees');
  await holder(t, 'trees.small', 25);
  await holder(t, 'trees.large', 200);
  const found = measure(['trees.small', 'trees.large', 'trees.none']);
  const [small, large] = [found.get('trees.small'), found.get('trees.large')];
  assert.ok(small && large);
  assert.equal(found.has('trees.none'), false);
  assert.ok(large.bytes - small.bytes > 150 * megabyte, `${large.bytes} ${small.bytes}`);
  assert.ok(small.bytes > 30 * megabyte && small.peakBytes >= small.bytes);
  assert.deepEqual([...measure(['trees.small']).keys()], ['trees.small'], 'only those that were asked for');
});

test('a look at a tree costs little', async (t) => {
  const tags = Array.from({ length: 4 }, (_, index) => `cost.${index}`);
  await Promise.all(tags.map((tag) => holder(t, tag, 100)));
  const measure = measureOf('cost');
  measure(tags);
  const before = process.cpuUsage();
  for (let look = 0; look < 5; look++) assert.equal(measure(tags).size, tags.length);
  const { user, system } = process.cpuUsage(before);
  const perTreeMs = (user + system) / 1000 / 5 / tags.length;
  // At 40 ms, twenty trees would be looked at every 100 s (see upkeep.ts); some 2 ms are usual.
  assert.ok(perTreeMs < 40, `${perTreeMs} ms of CPU for each tree`);
  t.diagnostic(`${perTreeMs.toFixed(1)} ms of CPU for each tree`);
});

test('a recent look is good enough where nothing has to be proven, and only there', async (t) => {
  const clock = testClock();
  const ledger = { enter() {}, strike() {}, entries: () => [] };
  const census = createCensus({ ledger, instance: 'recent', clock });
  assert.deepEqual(census.recent(1000), [], 'the first look');
  await holder(t, 'recent.one', 1);
  assert.deepEqual(census.recent(1000), []);
  clock.advance(1001);
  assert.ok(census.recent(1000).some(({ tag }) => tag === 'recent.one'));
});
