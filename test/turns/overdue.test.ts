import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideOverdue } from '../../src/turns/overdue.ts';
import { createProgress, doneWords } from '../../src/turns/steps.ts';

const reading = { nowMs: 0, startedMs: 0, lastSignMs: 0, toolsRunning: 0, timeoutMs: 3_600_000 };

test('silence counts only while no tool runs, and the limit always', () => {
  const at = (nowMs: number, more = {}) => decideOverdue({ ...reading, nowMs, ...more });
  assert.deepEqual(at(0), { kind: 'go-on', lookAgainMs: 300_000 });
  assert.deepEqual(at(300_000), { kind: 'stuck', silentMs: 300_000 });
  assert.deepEqual(at(300_000, { lastSignMs: 100_000 }), { kind: 'go-on', lookAgainMs: 100_000 });
  assert.deepEqual(at(3_000_000, { toolsRunning: 1 }), { kind: 'go-on', lookAgainMs: 300_000 });
  assert.deepEqual(at(3_500_000, { toolsRunning: 1 }), { kind: 'go-on', lookAgainMs: 100_000 });
  assert.deepEqual(at(3_600_000, { toolsRunning: 1 }), { kind: 'timed-out', ranMs: 3_600_000 });
});

test('progress knows what runs and puts the last steps into words', () => {
  const progress = createProgress();
  const use = (name: string, target: string | null = null) =>
    progress.hear({ kind: 'tool', name, target }, 1);
  use('Read', 'a.txt');
  use('mcp__files__find_all');
  progress.hear({ kind: 'tool-ended' }, 7);
  assert.deepEqual([progress.toolsRunning(), progress.lastSignMs()], [1, 7]);
  assert.equal(doneWords(progress.done(), 'en'), 'read a.txt and used find all');
  assert.equal(doneWords(progress.done(), 'zh-CN'), '读取 a.txt和使用 find all');
  assert.equal(doneWords([], 'en'), null);
});
