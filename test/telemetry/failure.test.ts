import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RedisAwayError } from '../../src/store/redis.ts';
import type { LifecycleEvent } from '../../src/telemetry/events.ts';
import { emitFailure } from '../../src/telemetry/failure.ts';

test('what a part could not do is reported, but not that Redis is away: that is told once, elsewhere', () => {
  const events: LifecycleEvent[] = [];
  const emit = (event: LifecycleEvent) => events.push(event);
  emitFailure(emit, 'marks', new RedisAwayError('Redis does not answer'));
  emitFailure(emit, 'marks', new Error('no such table: marks'));
  assert.deepEqual(events, [{ type: 'part.failed', part: 'marks', problem: 'no such table: marks' }]);
});
