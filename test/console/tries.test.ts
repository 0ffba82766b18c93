import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTries } from '../../src/console/tries.ts';
import { testClock } from '../support/clock.ts';

test('after five failures an address waits until the first of them is a minute old; others do not', () => {
  const clock = testClock();
  const tries = createTries(clock);
  for (let count = 0; count < 5; count++) {
    assert.equal(tries.waitMs('a'), 0);
    tries.failed('a');
    clock.advance(1_000);
  }
  assert.equal(tries.waitMs('a'), 55_000);
  assert.equal(tries.waitMs('b'), 0);
  clock.advance(55_000);
  assert.equal(tries.waitMs('a'), 0);
  tries.failed('a');
  assert.equal(tries.waitMs('a'), 1_000);
});

test('sixty failures from as many addresses stop everybody', () => {
  const clock = testClock();
  const tries = createTries(clock);
  for (let count = 0; count < 60; count++) tries.failed(`address ${count}`);
  assert.equal(tries.waitMs('another'), 60_000);
  clock.advance(60_000);
  assert.equal(tries.waitMs('another'), 0);
});
