import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Right, withRight } from '../../src/turns/right.ts';
import { playedOwnership } from '../support/ownership.ts';

const here = { botId: 'helper', roomId: 5 };

test('the right is held until the work has ended', async () => {
  const ownership = playedOwnership();
  const work = Promise.withResolvers<boolean>();
  const working = withRight(ownership, here, () => work.promise);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(ownership.holders, 1);
  work.resolve(true);
  assert.equal(await working, true);
  assert.equal(ownership.holders, 0);
});

test('nothing is done where another machine has the right', async () => {
  const ownership = playedOwnership();
  ownership.elsewhere.add(5);
  assert.equal(await withRight(ownership, here, () => assert.fail('worked')), false);
});

/** What `mayWrite` says after `change`, and how often it asked. */
async function asked(change: (ownership: ReturnType<typeof playedOwnership>) => void) {
  const ownership = playedOwnership();
  let may: boolean | null = null;
  await withRight(ownership, here, async (right: Right) => {
    ownership.asked = 0;
    change(ownership);
    may = await right.mayWrite();
    return true;
  });
  return { may, asked: ownership.asked };
}

test('writing asks nobody while the right is certain for long enough', async () => {
  assert.deepEqual(await asked(() => {}), { may: true, asked: 0 });
});

test('a right that is about to end is renewed before something is written', async () => {
  assert.deepEqual(await asked((ownership) => Object.assign(ownership, { certainMs: 4_000 })), {
    may: true,
    asked: 1,
  });
});

test('what cannot be renewed is not written', async () => {
  const shrink = { certainMs: 4_000, renewedMs: 4_000 };
  assert.deepEqual(await asked((ownership) => Object.assign(ownership, shrink)), { may: false, asked: 1 });
  const away = { certainMs: 0, renewedMs: new Error('Redis is away') };
  assert.equal((await asked((ownership) => Object.assign(ownership, away))).may, false);
});

test('a right that was lost does not come back, even if this machine gets another one', async () => {
  const lost = await asked((ownership) => {
    ownership.take(5);
    ownership.elsewhere.delete(5);
  });
  assert.deepEqual(lost, { may: false, asked: 0 });
});
