import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPeaks, type PeaksBot, p95, peakMigrations, startBytes } from '../../src/sessions/peaks.ts';
import { decideAdmission, type SessionReading } from '../../src/sessions/policy.ts';
import { openStore } from '../../src/store/sqlite.ts';

const megabyte = 1024 ** 2;
const mostBytes = 700 * megabyte;
const server = { type: 'stdio' as const, command: 'x', args: [], env: {} };
const web = { type: 'http' as const, url: 'http://x', headers: {} };
const bot = (id: string, profile: Partial<PeaksBot['profile']> = {}): PeaksBot => ({
  ...{ id, profile: { tools: ['Read'], mcpServers: {}, ...profile } },
});
const plain = bot('a');
const withServer = bot('b', { mcpServers: { server } });
const storeOf = () => openStore(':memory:', peakMigrations);

test('the p95 of few is their largest, of many what one in twenty exceeds', () => {
  assert.deepEqual([p95([]), p95([7]), p95([1, 3, 2])], [0, 7, 3]);
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  assert.deepEqual([p95(upTo(20)), p95(upTo(64)), p95(upTo(100))], [19, 61, 95]);
});

test('before a bot was seen often, its tools say what to expect; seen larger, it is believed at once', () => {
  assert.equal(startBytes({ tools: ['Read'], mcpServers: {} }), 250 * megabyte);
  assert.equal(startBytes({ tools: ['Bash'], mcpServers: { a: server, b: server } }), 420 * megabyte);
  assert.equal(startBytes({ tools: [], mcpServers: { web } }), 250 * megabyte, 'it runs elsewhere');
  const peaks = createPeaks(storeOf(), mostBytes);
  peaks.observe(plain, 120 * megabyte);
  assert.equal(peaks.expectedBytes(plain), 250 * megabyte);
  peaks.glimpse(plain, 500 * megabyte);
  assert.equal(peaks.expectedBytes(plain), 500 * megabyte, 'what runs tells before its turn has ended');
  peaks.observe(plain, 600 * megabyte);
  assert.equal(peaks.expectedBytes(plain), 600 * megabyte);
  peaks.observe(plain, 2_000 * megabyte);
  assert.equal(peaks.expectedBytes(plain), mostBytes, 'nobody is left to grow beyond the most');
});

test('a bot that starts programs of its own may grow to the most until three of its turns were seen', () => {
  const peaks = createPeaks(storeOf(), mostBytes);
  const withShell = bot('c', { tools: ['Bash'] });
  const elsewhere = bot('d', { mcpServers: { web } });
  const expected = () =>
    [plain, withServer, withShell, elsewhere].map((each) => peaks.expectedBytes(each) / megabyte);
  assert.deepEqual(expected(), [250, 700, 700, 250], 'what claude itself takes is known');
  for (let seen = 0; seen < 2; seen++) peaks.observe(withServer, 160 * megabyte);
  peaks.glimpse(withShell, 160 * megabyte);
  assert.deepEqual(expected(), [250, 700, 700, 250]);
  peaks.observe(withServer, 160 * megabyte);
  assert.deepEqual(expected(), [250, 310, 700, 250]);
  assert.deepEqual([withServer, withShell, plain].map(peaks.isNew), [false, true, false]);
});

test('a bot that is given another program is new again, one whose prompt or key changes is not', () => {
  const peaks = createPeaks(storeOf(), mostBytes);
  for (let seen = 0; seen < 64; seen++) peaks.observe(withServer, 160 * megabyte);
  const another = { ...server, env: { KEY: 'secret' } };
  assert.equal(peaks.expectedBytes(bot('b', { mcpServers: { server: another } })), 160 * megabyte);
  for (const mcpServers of [{ server, second: server }, { server: { ...server, args: ['--all'] } }])
    assert.equal(peaks.expectedBytes(bot('b', { mcpServers })), mostBytes);
  assert.equal(peaks.expectedBytes(bot('b', { tools: ['Bash'], mcpServers: { server } })), mostBytes);
  const changed = bot('b', { mcpServers: { second: server } });
  for (let seen = 0; seen < 3; seen++) {
    peaks.observe(changed, 200 * megabyte);
    peaks.glimpse(withServer, 150 * megabyte);
  }
  assert.equal(peaks.expectedBytes(changed), 310 * megabyte, 'a session of before may live on beside it');
  assert.deepEqual(peaks.known(), { b: 200 * megabyte });
});

test('what was seen survives a restart', () => {
  const store = storeOf();
  const first = createPeaks(store, mostBytes);
  for (let seen = 0; seen < 30; seen++) {
    first.observe(plain, 90 * megabyte);
    first.observe(withServer, 130 * megabyte);
  }
  first.save();
  const second = createPeaks(store, mostBytes);
  assert.deepEqual([plain, withServer].map(second.expectedBytes), [90 * megabyte, 130 * megabyte]);
  assert.deepEqual(second.known(), { a: 90 * megabyte, b: 130 * megabyte });
  for (let seen = 0; seen < 64; seen++) second.observe(plain, 150 * megabyte);
  second.save();
  assert.equal(createPeaks(store, mostBytes).expectedBytes(plain), 150 * megabyte);
});

test('whoever asks for a bot that nobody has seen at work: all that were admitted may take the most at once', () => {
  const given = fc.record({
    limitMb: fc.integer({ min: 400, max: 32_000 }),
    heldMb: fc.integer({ min: 100, max: 16_000 }),
    asks: fc.array(fc.constantFrom(plain, withServer), { minLength: 1, maxLength: 40 }),
  });
  fc.assert(
    fc.property(given, ({ limitMb, heldMb, asks }) => {
      const peaks = createPeaks(storeOf(), mostBytes);
      const [limitBytes, usedBytes] = [limitMb * megabyte, Math.min(limitMb, heldMb) * megabyte];
      const memory = { limitBytes, usedBytes, availableBytes: limitBytes - usedBytes };
      const sessions: SessionReading[] = [];
      for (const [index, asked] of asks.entries()) {
        const peakBytes = peaks.expectedBytes(asked);
        const name = `${index}:${asked.id}`;
        const { kind } = decideAdmission(
          { name, botId: asked.id, peakBytes, spare: null },
          {
            ...{ sessions, spares: [], maxSessions: null, cores: 100, nowMs: 0 },
            memory: { ...memory, source: 'host', oomKills: 0, stallPercent: null },
          },
        );
        if (kind !== 'open') continue;
        sessions.push({
          ...{ name, botId: asked.id, state: 'starting', memoryBytes: 0, peakBytes, turns: 0 },
          ...{ startedMs: 0, idleSinceMs: 0 },
        });
      }
      const worstBytes = sessions.reduce(
        (sum, { botId }) => sum + (botId === withServer.id ? mostBytes : startBytes(plain.profile)),
        0,
      );
      assert.ok(sessions.length <= 1 || usedBytes + worstBytes <= limitBytes, `${sessions.length} at once`);
    }),
    { numRuns: 200 },
  );
});
