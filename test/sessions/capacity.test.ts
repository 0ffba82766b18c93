import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sessionsThatFit } from '../../src/sessions/capacity.ts';

const megabyte = 1024 ** 2;
const memory = (limitMb: number, availableMb = limitMb) => ({
  ...{ source: 'host' as const, oomKills: 0, stallPercent: null, usedBytes: 0 },
  ...{ limitBytes: limitMb * megabyte, availableBytes: availableMb * megabyte },
});

test('as many fit as the reserve leaves room for, and one where its fresh cost fits', () => {
  assert.equal(sessionsThatFit(memory(1064), 250 * megabyte), 4);
  assert.equal(sessionsThatFit(memory(1063), 250 * megabyte), 3);
  assert.equal(sessionsThatFit(memory(4000, 1160), 250 * megabyte), 4, 'what others hold is not there');
  assert.equal(sessionsThatFit(memory(194), 250 * megabyte), 1);
  assert.equal(sessionsThatFit(memory(193), 250 * megabyte), 0);
});
