import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure } from '../../src/campfire/answers.ts';
import { planSends, quickMax, slowAfterMs, slowMax } from '../../src/turns/delivery-plan.ts';
import { evidenceOf, type Finding, type Health, healthy, nextHealth } from '../../src/turns/health.ts';

const unavailable = (status: number | null, cause: string): Failure => ({
  ...{ kind: 'unavailable', uncertain: true, status, cause },
});

const table: [what: string, result: Parameters<typeof evidenceOf>[0], key: string, campfire: string][] = [
  ['success', { kind: 'success' }, 'good', 'good'],
  ['a 404 of Campfire', { kind: 'notMember', remedy: '' }, 'good', 'good'],
  ['a 403 of Campfire', { kind: 'forbidden' }, 'good', 'good'],
  ['the sign-in page', { kind: 'badKey', remedy: 'Copy it.' }, 'bad', 'good'],
  ['another 404', { kind: 'wrongAddress', status: 404, remedy: '' }, 'none', 'bad'],
  ['a redirect', { kind: 'redirected', to: 'https://x', remedy: '' }, 'none', 'bad'],
  ['a missing route', { kind: 'unsupported', remedy: '' }, 'none', 'none'],
  ['a refusal', { kind: 'rejected', status: 422 }, 'none', 'none'],
  ['haste', { kind: 'tooMany', retryAfterMs: null }, 'none', 'none'],
  ['a refused connection', unavailable(null, 'ECONNREFUSED'), 'none', 'bad'],
  ['a proxy with nobody behind it', unavailable(502, 'HTTP 502'), 'none', 'bad'],
  ['a hang', unavailable(null, 'timeout'), 'none', 'none'],
  ['a broken answer', unavailable(null, 'ECONNRESET'), 'none', 'none'],
  ['an error of Campfire', unavailable(500, 'HTTP 500'), 'none', 'none'],
];

for (const [what, result, key, campfire] of table) {
  test(`${what} tells: key ${key}, Campfire ${campfire}`, () => {
    const word = (found: Finding | null) => (found === null ? 'none' : found === 'good' ? found : 'bad');
    const evidence = evidenceOf(result, 'ann.json');
    assert.deepEqual([word(evidence.key), word(evidence.campfire)], [key, campfire]);
    if (key === 'bad') assert.match(JSON.stringify(evidence.key), /ann\.json/);
  });
}

const bad: Finding = { problem: 'p', remedy: 'r' };
const pace = { firstMs: 1000, longestMs: 8000 };

test('pauses double up to the longest, answers to calls under way together count once, one good one ends it', () => {
  let health: Health = healthy;
  let now = 0;
  const pauses: number[] = [];
  for (let probe = 0; probe < 6; probe++) {
    health = nextHealth(health, bad, pace, now, 1);
    assert.ok(health.state === 'unhealthy');
    pauses.push(health.probeAt - now);
    assert.equal(nextHealth(health, bad, pace, now + 1, 1), health);
    now = health.probeAt;
  }
  assert.deepEqual(pauses, [1000, 2000, 4000, 8000, 8000, 8000]);
  assert.ok(health.state === 'unhealthy' && health.since === 0);
  assert.equal(nextHealth(health, 'good', pace, now, 1), healthy);
});

const waiting = (botId: string, ...rooms: number[]) => rooms.map((roomId) => ({ botId, roomId, at: 0 }));
const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);
const plan = (given: Partial<Parameters<typeof planSends>[0]>) =>
  planSends({
    ...{ waiting: [], sending: [], campfire: healthy, bot: () => healthy, now: 1_000_000 },
    ...given,
  });
const unhealthy = (probeAt: number): Health => ({
  ...{ state: 'unhealthy', problem: '', remedy: '', since: 0, probes: 1, probeAt },
});

test('places go to the bot that has the fewest', () => {
  const { start } = plan({ waiting: [...waiting('loud', ...range(1, 100)), ...waiting('quiet', 1, 2)] });
  assert.equal(start.length, quickMax);
  assert.equal(start.filter(({ botId }) => botId === 'quiet').length, 2);
});

test('slow posts give their places back, until there are too many of them', () => {
  const slow = (count: number) =>
    range(1, count).map((roomId) => ({ botId: 'a', roomId, forMs: slowAfterMs }));
  const many = waiting('a', ...range(1, 200));
  assert.equal(plan({ waiting: many, sending: slow(slowMax) }).start.length, quickMax);
  assert.equal(plan({ waiting: many, sending: slow(slowMax + quickMax) }).start.length, 0);
  const young = slow(quickMax).map((sending) => ({ ...sending, forMs: slowAfterMs - 40 }));
  assert.deepEqual(plan({ waiting: many, sending: young }), { start: [], lookAgainAt: 1_000_040 });
});

test('an unhealthy key or Campfire gets one try when it is due, and none before', () => {
  const many = [...waiting('a', ...range(1, 20)), ...waiting('b', 1)];
  const onlyB = plan({ waiting: many, bot: (id) => (id === 'a' ? unhealthy(1_000_500) : healthy) });
  assert.deepEqual(onlyB, { start: [{ botId: 'b', roomId: 1 }], lookAgainAt: 1_000_500 });
  const probe = plan({ waiting: many, bot: (id) => (id === 'a' ? unhealthy(900_000) : healthy) });
  assert.equal(probe.start.filter(({ botId }) => botId === 'a').length, 1);
  assert.equal(plan({ waiting: many, campfire: unhealthy(900_000) }).start.length, 1);
  assert.equal(plan({ waiting: many, campfire: unhealthy(1_000_001) }).start.length, 0);
  const underWay = [{ botId: 'a', roomId: 99, forMs: 10 }];
  assert.equal(plan({ waiting: many, campfire: unhealthy(900_000), sending: underWay }).start.length, 0);
});
