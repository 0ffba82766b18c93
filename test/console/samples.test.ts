import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Sample, SampleRing, sampleFields, samplePeriodMs } from '../../src/console/history/samples.ts';

const sample = (usedMb: number): Sample => ({
  ...{ usedMb, limitMb: 2000, agentsMb: 0, busy: 1, starting: 0, idle: 2, closing: 0, spare: 0 },
  ...{ waitingMail: 0, waitingSessions: 0 },
});

test('samples are kept for two hours and asked for from a number on', () => {
  const ring = new SampleRing();
  assert.deepEqual(ring.from(0), []);
  const kept = (2 * 3600 * 1000) / samplePeriodMs;
  for (let index = 0; index < kept + 10; index++) ring.add(sample(index), index * samplePeriodMs);
  assert.equal(ring.count(), kept + 10);
  const all = ring.from(0);
  assert.equal(all.length, kept, 'the oldest are gone');
  assert.equal(all[0]?.[0], 10 * (samplePeriodMs / 1000));
  assert.deepEqual(
    ring.from(kept + 8).map((row) => row[1 + sampleFields.indexOf('usedMb')]),
    [kept + 8, kept + 9],
  );
  assert.deepEqual(ring.from(kept + 10), []);
});
