import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Bell, bellsFor, passedOn, takesUp } from '../../src/turns/placement.ts';

const came = { botId: 'helper', roomId: 7, atOnce: false, found: null };
const open = ['a', 'b', 'c'].map((name) => ({ name, isBusy: false }));
const busy = open.map(({ name }) => ({ name, isBusy: true }));
const nowhere = { owner: null, home: null };

function foundAfter(waitedMs: number, forOwner = false) {
  return { ...came, found: { forOwner, waitedMs } };
}

function rung(bells: Bell[]): string[] {
  return bells.map(({ kind, machine, afterMs }) => `${kind} ${machine ?? ''} ${afterMs}`.replace('  ', ' '));
}

describe('which bells are rung', () => {
  test('for what has come: at its owner, else at its home; a moment later wherever one is free', () => {
    assert.deepEqual(rung(bellsFor(came, { owner: 'b', home: 'a' }, open)), ['own b 0', 'shared 300']);
    assert.deepEqual(rung(bellsFor(came, { owner: null, home: 'a' }, busy)), ['own a 0', 'shared 300']);
    assert.deepEqual(rung(bellsFor(came, nowhere, open)), ['shared 0']);
  });

  test('for what cannot wait: at some machine, even if all are busy', () => {
    const word = { ...came, atOnce: true };
    assert.deepEqual(rung(bellsFor(word, nowhere, busy)), ['own a 0', 'shared 300']);
    assert.deepEqual(rung(bellsFor(word, nowhere, [])), ['shared 0']);
  });

  test('for what a look has found: none where somebody has it, unless that one must be told', () => {
    const owned = { owner: 'b', home: 'b' };
    assert.deepEqual(bellsFor(foundAfter(60_000), owned, open), []);
    assert.deepEqual(rung(bellsFor(foundAfter(60_000, true), owned, open)), ['own b 0', 'shared 300']);
  });

  test('late: at its home; else at a free machine; else at any', () => {
    const late = foundAfter(2_000);
    assert.deepEqual(rung(bellsFor(foundAfter(1_999), { owner: null, home: 'a' }, busy)), [
      'own a 0',
      'shared 300',
    ]);
    assert.deepEqual(rung(bellsFor(late, { owner: null, home: 'b' }, busy)), ['late b 0', 'shared 300']);
    const oneFree = busy.map(({ name }) => ({ name, isBusy: name !== 'c' }));
    assert.deepEqual(rung(bellsFor(late, { owner: null, home: 'gone' }, oneFree)), [
      'late c 0',
      'shared 300',
    ]);
    const places = [3, 4, 5, 6].map((roomId) => bellsFor({ ...late, roomId }, nowhere, busy)[0]?.machine);
    assert.deepEqual(places, ['a', 'b', 'c', 'a'], 'spread');
    assert.deepEqual(rung(bellsFor(late, nowhere, [])), ['shared 0']);
  });
});

test('a busy machine leaves what others can begin as well, but not its own session, and nothing that is late', () => {
  const taken = (kind: Bell['kind']) =>
    [false, true].flatMap((isBusy) =>
      [false, true].map((hasSession) => takesUp(kind, { isBusy, hasSession })),
    );
  assert.deepEqual(taken('own'), [true, true, false, true]);
  assert.deepEqual(taken('shared'), [true, true, false, false]);
  assert.deepEqual(taken('late'), [true, true, true, true]);
});

test('mail that is looked for again and again is begun somewhere, as long as one machine is open', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'gone');
  fc.assert(
    fc.property(
      fc.nat(1_000),
      fc.option(name),
      fc.uniqueArray(fc.record({ name, isBusy: fc.boolean() }), {
        selector: ({ name }) => name,
        minLength: 1,
      }),
      (roomId, home, machines) => {
        const bells = bellsFor({ ...foundAfter(4_000), roomId }, { owner: null, home }, machines);
        const hearers = machines.filter(({ name, isBusy }) =>
          bells.some((bell) => bell.machine === name && takesUp(bell.kind, { isBusy, hasSession: false })),
        );
        assert.equal(hearers.length, 1);
        const isHome = hearers[0]?.name === home;
        if (hearers[0]?.isBusy && !isHome) assert.ok(machines.every(({ isBusy }) => isBusy));
      },
    ),
  );
});

test('who waits here goes where one is free: the longest first, a few to each', () => {
  const waiting = [9_000, 8_000, 7_000, 6_000, 5_000, 4_000, 3_000].map((waitedMs) => ({ waitedMs }));
  const gone = (free: string[]) =>
    passedOn(waiting, free).map(({ waiter, machine }) => [waiter.waitedMs, machine]);
  assert.deepEqual(gone([]), []);
  assert.deepEqual(gone(['a']), [
    [9_000, 'a'],
    [8_000, 'a'],
    [7_000, 'a'],
    [6_000, 'a'],
  ]);
  assert.deepEqual(
    gone(['a', 'b']).map(([, machine]) => machine),
    ['a', 'b', 'a', 'b', 'a', 'b'],
  );
});
