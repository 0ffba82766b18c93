import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgetLevel, calendarOf, daysBefore, usedUp } from '../../src/turns/budget.ts';

test('a budget is used up when it is spent to the last cent; the common one is named first', () => {
  assert.equal(usedUp({ bot: 4.99, all: 9 }, { bot: 5, all: 10 }), null);
  assert.equal(usedUp({ bot: 5, all: 9 }, { bot: 5, all: 10 }), 'bot');
  assert.equal(usedUp({ bot: 5, all: 10 }, { bot: 5, all: 10 }), 'all');
  assert.equal(usedUp({ bot: 1000, all: 1000 }, { bot: null, all: null }), null);
});

test('operators hear from 80 % on', () => {
  assert.deepEqual(
    [7.99, 8, 9.99, 10, 11].map((spent) => budgetLevel(spent, 10)),
    [...[null, 'near', 'near', 'used-up', 'used-up']],
  );
});

const hourMs = 3_600_000;

/** A time, and how many hours the day has left there. */
const nights: Array<[zone: string, at: string, day: string, hoursLeft: number]> = [
  ['UTC', '2026-11-24T12:00:00Z', '2026-11-24', 12],
  ['Asia/Shanghai', '2026-11-24T17:00:00Z', '2026-11-25', 23],
  ['America/New_York', '2026-11-25T04:00:00Z', '2026-11-24', 1],
  // Clocks are put forward and back: days of 23 and 25 hours.
  ['Europe/Berlin', '2026-03-28T23:00:00Z', '2026-03-29', 23],
  ['Europe/Berlin', '2026-10-24T22:00:00Z', '2026-10-25', 25],
  // A day that begins at one o'clock.
  ['America/Asuncion', '2024-10-06T03:00:00Z', '2024-10-05', 1],
];

for (const [zone, at, day, hoursLeft] of nights) {
  test(`in ${zone} at ${at} it is ${day}, for ${hoursLeft} more hours`, () => {
    const calendar = calendarOf(zone);
    const now = Date.parse(at);
    assert.equal(calendar.dayOf(now), day);
    const left = calendar.untilNextDay(now);
    assert.equal(left, hoursLeft * hourMs);
    assert.notEqual(calendar.dayOf(now + left), day);
  });
}

test('days are counted back over months', () => {
  assert.equal(daysBefore('2026-03-01', 1), '2026-02-28');
  assert.equal(daysBefore('2026-01-01', 0), '2026-01-01');
});
