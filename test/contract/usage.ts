import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Usage, UsageEntry } from '../../src/mail/usage.ts';

/** A driver under test. `reopen` begins another life on the same data. */
export interface UsageUnderTest {
  usage: Usage;
  reopen(): Promise<Usage>;
  close(): Promise<void>;
}

const entry = (given: Partial<UsageEntry> = {}): UsageEntry => ({
  ...{ day: '2026-11-24', botId: 'helper', roomId: 7, authorId: 1, roomName: 'HQ', authorName: 'Ann' },
  ...{ turns: 1, microUsd: 1500, tokens: { input: 10, output: 20, cacheRead: 30, cacheWrite: 40 } },
  ...given,
});

/** The promises of the usage contract; every driver passes this suite. */
export function usageContract(name: string, open: () => Promise<UsageUnderTest>): void {
  const withUsage = (title: string, run: (under: UsageUnderTest) => Promise<void>) =>
    test(`${name}: ${title}`, async () => {
      const under = await open();
      try {
        await run(under);
      } finally {
        await under.close();
      }
    });

  withUsage('attempts of one day, bot, room and person add up, across lives', async (under) => {
    await under.usage.record(entry());
    await under.usage.record(entry({ turns: 0, microUsd: 0 }));
    const usage = await under.reopen();
    await usage.record(entry({ authorName: 'Ann B.', roomName: null }));
    assert.deepEqual(await usage.since('2026-11-24'), [
      entry({
        ...{ turns: 2, microUsd: 3000, authorName: 'Ann B.', roomName: null },
        tokens: { input: 30, output: 60, cacheRead: 90, cacheWrite: 120 },
      }),
    ]);
  });

  withUsage('what differs in day, bot, room or person is apart', async ({ usage }) => {
    const apart = [{}, { day: '2026-11-25' }, { botId: 'other' }, { roomId: 8 }, { authorId: 2 }];
    for (const given of apart) await usage.record(entry(given));
    assert.equal((await usage.since('2026-11-24')).length, 5);
    assert.deepEqual(await usage.since('2026-11-25'), [entry({ day: '2026-11-25' })]);
    assert.equal(await usage.spentOn('2026-11-24', 'helper'), 4500);
    assert.equal(await usage.spentOn('2026-11-24', null), 6000);
    assert.equal(await usage.spentOn('2026-11-26', null), 0);
  });

  withUsage('additions at the same time are all counted', async ({ usage }) => {
    await Promise.all(Array.from({ length: 50 }, () => usage.record(entry({ microUsd: 1 }))));
    assert.equal(await usage.spentOn('2026-11-24', 'helper'), 50);
  });

  withUsage('something is told once a day, whoever asks', async (under) => {
    const asked = await Promise.all([1, 2, 3].map(() => under.usage.tellOnce('2026-11-24', 'helper 5 near')));
    assert.deepEqual(asked.filter(Boolean), [true]);
    const usage = await under.reopen();
    assert.equal(await usage.tellOnce('2026-11-24', 'helper 5 near'), false);
    assert.equal(await usage.tellOnce('2026-11-24', 'helper 9 near'), true);
    assert.equal(await usage.tellOnce('2026-11-25', 'helper 5 near'), true);
  });

  withUsage('days before one are forgotten, with what was told then', async (under) => {
    for (const day of ['2026-11-22', '2026-11-23', '2026-11-24']) {
      await under.usage.record(entry({ day }));
      await under.usage.tellOnce(day, 'helper 5 near');
    }
    await under.usage.forgetBefore('2026-11-24');
    const usage = await under.reopen();
    assert.deepEqual(await usage.since('2026-01-01'), [entry()]);
    assert.deepEqual(
      [
        await usage.tellOnce('2026-11-23', 'helper 5 near'),
        await usage.tellOnce('2026-11-24', 'helper 5 near'),
      ],
      [true, false],
    );
  });
}
