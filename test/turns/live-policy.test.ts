import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideLive, type LiveReading } from '../../src/turns/live-policy.ts';

const reading = (given: Partial<LiveReading>): LiveReading => ({
  ...{ face: 'full', ranMs: 5_000, notice: { kind: 'shown', id: 7 }, isNew: true, sinceEditMs: null },
  ...given,
});

const wait = (lookAgainMs: number | null) => ({ kind: 'wait', lookAgainMs });

for (const [what, given, expected] of [
  ['nothing before the quiet time is over', { notice: { kind: 'none' }, ranMs: 3_900 }, wait(100)],
  ['one message after it', { notice: { kind: 'none' }, ranMs: 4_000 }, { kind: 'post' }],
  [
    'a longer quiet time where it cannot be edited',
    { face: 'post-only', notice: { kind: 'none' }, ranMs: 4_000 },
    wait(4_000),
  ],
  ['one line there', { face: 'post-only', notice: { kind: 'none' }, ranMs: 8_000 }, { kind: 'post' }],
  ['and nothing after that line', { face: 'post-only' }, wait(null)],
  [
    'a line about waiting counts as that line',
    { face: 'post-only', notice: { kind: 'on-its-way' } },
    wait(null),
  ],
  ['an edit as soon as there is something new', {}, { kind: 'edit', id: 7 }],
  ['a line about waiting is edited at once', { ranMs: 10 }, { kind: 'edit', id: 7 }],
  ['no edit for nothing', { isNew: false }, wait(250)],
  ['at most one a second', { sinceEditMs: 400 }, wait(600)],
  ['and then the next', { sinceEditMs: 1_000 }, { kind: 'edit', id: 7 }],
  ['a message on its way is waited for', { notice: { kind: 'on-its-way' } }, wait(250)],
  ['one that cannot be edited is left alone', { notice: { kind: 'fixed' } }, wait(null)],
  ['nothing on a Campfire that nobody knows', { face: null, notice: { kind: 'none' } }, wait(null)],
] as Array<[string, Partial<LiveReading>, unknown]>) {
  test(`live message: ${what}`, () => assert.deepEqual(decideLive(reading(given)), expected));
}
