import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newCost, type ResultMessage, resultOf } from '../../src/agent/result.ts';

const run = { interrupted: false, lastText: 'so far', apiError: null };
const usage = {
  ...{ input_tokens: 1000, output_tokens: 200, cache_read_input_tokens: 30 },
  cache_creation_input_tokens: 7,
};
const spent = { costUsd: 0.5, tokens: { input: 1000, output: 200, cacheRead: 30, cacheWrite: 7 } };

test('whatever way a prompt ended, its result says what it took', () => {
  const said = { subtype: 'success', usage, is_error: false, result: 'done' };
  const stopped = { subtype: 'error_during_execution', usage, errors: [] };
  const cases: [ResultMessage, boolean, string][] = [
    [said, false, 'answered'],
    [{ ...said, is_error: true, api_error_status: 529 }, false, 'api-error'],
    [stopped, true, 'interrupted'],
    [stopped, false, 'api-error'],
    [{ ...stopped, subtype: 'error_max_turns' }, false, 'max-turns'],
  ];
  for (const [message, interrupted, kind] of cases) {
    const result = resultOf(message, { ...run, interrupted }, 0.5);
    assert.equal(result.kind, kind);
    assert.deepEqual('spent' in result && result.spent, spent, kind);
  }
});

test('what a prompt cost is what the process counts more than before, or all when it counts anew', () => {
  assert.equal(newCost(0.5, 0.2), 0.3);
  assert.equal(newCost(0.1, 0.2), 0.1);
});
