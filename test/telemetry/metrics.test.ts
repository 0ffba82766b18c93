import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../src/telemetry/metrics.ts';

const session = '7:helper' as const;

test('events are counted by their labels, and what nobody counts changes nothing', async () => {
  const metrics = createMetrics();
  const decided = {
    type: 'turn.decided',
    session,
    turn: '1',
    costUsd: null,
    tokens: null,
    cause: null,
  } as const;
  metrics.emit({ ...decided, outcome: 'answered', path: 'hot', durationMs: 40 });
  metrics.emit({ ...decided, outcome: 'answered', path: 'hot', durationMs: 60 });
  metrics.emit({ ...decided, outcome: 'failed', path: null, durationMs: 1 });
  metrics.emit({ type: 'processes.reaped', cause: 'clock', count: 3, pids: [1, 2, 3] });
  metrics.emit({ type: 'service.draining', signal: 'SIGTERM', graceMs: 1 });
  const { body, contentType } = await metrics.render();
  assert.match(contentType, /^text\/plain/);
  assert.match(body, /^campfire_ai_bot_turns_total\{outcome="answered",path="hot"\} 2$/m);
  assert.match(body, /^campfire_ai_bot_turns_total\{outcome="failed",path="none"\} 1$/m);
  assert.match(body, /^campfire_ai_bot_turn_seconds_sum\{path="hot"\} 0\.1$/m);
  assert.match(body, /^campfire_ai_bot_orphans_reaped_total\{cause="clock"\} 3$/m);
});

test('gauges are read at each scrape, by label too, and forget values that are gone', async () => {
  const metrics = createMetrics();
  let waiting = 4;
  let states: Record<string, number> = { busy: 1, idle: 2 };
  metrics.gauge('waiting', 'Waiting.', () => waiting);
  metrics.gauge('sessions', 'Sessions.', async () => states, 'state');
  const first = (await metrics.render()).body;
  assert.match(first, /^campfire_ai_bot_waiting 4$/m);
  assert.match(first, /^campfire_ai_bot_sessions\{state="idle"\} 2$/m);
  waiting = 0;
  states = { busy: 3 };
  const second = (await metrics.render()).body;
  assert.match(second, /^campfire_ai_bot_waiting 0$/m);
  assert.match(second, /^campfire_ai_bot_sessions\{state="busy"\} 3$/m);
  assert.doesNotMatch(second, /state="idle"/);
});

test('two services in one process do not share their numbers', async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.emit({ type: 'message.accepted', session, messageId: 1, ackMs: 0.4 });
  assert.match((await one.render()).body, /^campfire_ai_bot_messages_accepted_total 1$/m);
  assert.match((await other.render()).body, /^campfire_ai_bot_messages_accepted_total 0$/m);
});
