import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPeaks, p95, peakMigrations, startBytes } from '../../src/sessions/peaks.ts';
import { openStore } from '../../src/store/sqlite.ts';

const megabyte = 1024 ** 2;
const profile = { systemPrompt: '', model: null, tools: [], mcpServers: {}, maxTurns: null };
const server = { type: 'stdio' as const, command: 'x', args: [], env: {} };

test('the p95 of few is their largest, of many what one in twenty exceeds', () => {
  assert.deepEqual([p95([]), p95([7]), p95([1, 3, 2])], [0, 7, 3]);
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  assert.deepEqual([p95(upTo(20)), p95(upTo(64)), p95(upTo(100))], [19, 61, 95]);
});

test('before a bot was seen often, its tools say what to expect; seen larger, it is believed at once', () => {
  assert.equal(startBytes({ tools: ['Read'], mcpServers: {} }), 250 * megabyte);
  assert.equal(startBytes({ tools: ['Bash'], mcpServers: { a: server, b: server } }), 420 * megabyte);
  const web = { type: 'http' as const, url: 'http://x', headers: {} };
  assert.equal(startBytes({ tools: [], mcpServers: { web } }), 250 * megabyte, 'it runs elsewhere');
  const peaks = createPeaks(openStore(':memory:', peakMigrations), 700 * megabyte);
  peaks.observe('a', 120 * megabyte);
  assert.equal(peaks.expectedBytes('a', profile), 250 * megabyte);
  peaks.observe('a', 600 * megabyte);
  assert.equal(peaks.expectedBytes('a', profile), 600 * megabyte);
  peaks.glimpse('b', 500 * megabyte);
  assert.equal(
    peaks.expectedBytes('b', profile),
    500 * megabyte,
    'what runs tells before its turn has ended',
  );
  peaks.observe('a', 2_000 * megabyte);
  assert.equal(peaks.expectedBytes('a', profile), 700 * megabyte, 'nobody is left to grow beyond the most');
});

test('what was seen survives a restart', () => {
  const store = openStore(':memory:', peakMigrations);
  const first = createPeaks(store, 700 * megabyte);
  for (let seen = 0; seen < 30; seen++) first.observe('a', 90 * megabyte);
  first.save();
  const second = createPeaks(store, 700 * megabyte);
  assert.equal(second.expectedBytes('a', profile), 90 * megabyte);
  assert.deepEqual(second.known(), { a: 90 * megabyte });
  for (let seen = 0; seen < 64; seen++) second.observe('a', 150 * megabyte);
  second.save();
  assert.equal(createPeaks(store, 700 * megabyte).expectedBytes('a', profile), 150 * megabyte);
});
