import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectGarbage, createHeapTrim } from '../../src/processes/own-heap.ts';
import { testClock } from '../support/clock.ts';

test('the heap is trimmed after the start, and once after whatever happened, when it is quiet', () => {
  const clock = testClock();
  let trims = 0;
  const heap = createHeapTrim(clock, () => {
    trims++;
  });
  clock.advance(60_000);
  assert.equal(trims, 1, 'the start');
  for (let message = 0; message < 20; message++) {
    heap.touch();
    clock.advance(4_000);
  }
  assert.equal(trims, 1, 'never while something happens');
  clock.advance(60_000);
  assert.equal(trims, 2, 'once when it is quiet');
  heap.touch();
  heap.stop();
  clock.advance(60_000);
  assert.equal(trims, 2, 'not after its end');
});

test('a collection takes away what nobody holds', () => {
  let held: object[] | null = Array.from({ length: 400_000 }, (_, index) => ({ index }));
  const before = process.memoryUsage().heapUsed;
  assert.equal(held.length, 400_000);
  held = null;
  collectGarbage();
  assert.ok(before - process.memoryUsage().heapUsed > 8_000_000);
});
