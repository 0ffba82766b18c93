import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFinder } from '../../src/app/find-bot.ts';
import { type Bot, createBot } from '../../src/config/bot.ts';
import { testClock } from '../support/clock.ts';

const minuteMs = 60_000;
const helper = createBot({
  ...{ id: 'helper', key: '7-AbCdEf123456', name: 'Helper', systemPrompt: '', file: 'h.json' },
});

/** A machine without any file; `elsewhere` are the bots that others may have, null when there are no others. */
function folder(elsewhere: Set<string> | null) {
  const clock = testClock();
  const here = new Map<string, Bot>();
  const find = createFinder({
    bots: { refresh: () => null, byId: (id) => here.get(id), problems: () => [] },
    mayBeElsewhere: () => elsewhere && ((id) => elsewhere.has(id)),
    clock,
  });
  return { clock, here, find: () => find('helper') };
}

test('alone, a bot is gone when its file has been missing for ten minutes: its messages wait as long', () => {
  const { clock, here, find } = folder(null);
  assert.equal(find(), 'unclear', 'the folder may not be mounted yet');
  clock.advance(9 * minuteMs);
  assert.equal(find(), 'unclear');
  here.set('helper', helper);
  assert.equal(find(), helper);
  here.clear();
  assert.equal(find(), 'unclear', 'the ten minutes begin anew');
  clock.advance(10 * minuteMs);
  assert.equal(find(), 'gone');
});

test('among machines a bot is gone when none has had its file for ten minutes', () => {
  const elsewhere = new Set(['helper']);
  const { clock, here, find } = folder(elsewhere);
  clock.advance(60 * minuteMs);
  assert.equal(find(), 'elsewhere');
  elsewhere.clear();
  assert.equal(find(), 'elsewhere', 'a machine that has it may be starting again');
  clock.advance(9 * minuteMs);
  assert.equal(find(), 'elsewhere');
  here.set('helper', helper);
  assert.equal(find(), helper);
  here.clear();
  assert.equal(find(), 'elsewhere', 'the ten minutes begin anew');
  clock.advance(11 * minuteMs);
  assert.equal(find(), 'gone');
});

test('a bot that was gone long ago may be on its way again', () => {
  const { clock, find } = folder(new Set());
  find();
  clock.advance(61 * minuteMs);
  assert.equal(find(), 'gone', 'who asks once an hour gets to know it');
  clock.advance(24 * 60 * minuteMs);
  assert.equal(find(), 'elsewhere');
});
