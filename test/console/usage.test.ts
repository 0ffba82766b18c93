import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBot } from '../../src/config/bot.ts';
import { usageReport } from '../../src/console/usage.ts';
import type { UsageEntry } from '../../src/mail/usage.ts';

const tokens = { input: 1, output: 2, cacheRead: 3, cacheWrite: 4 };
const entry = (given: Partial<UsageEntry>): UsageEntry => ({
  ...{ day: '2026-11-24', botId: 'ann', roomId: 1, authorId: 1, roomName: 'HQ', authorName: 'Dai' },
  ...{ turns: 1, microUsd: 1_000_000, tokens },
  ...given,
});

test('sums per day, bot, room and person, the dearest first and under their newest names', async () => {
  const entries = [
    entry({ day: '2026-11-25', roomName: 'Headquarters', authorName: 'Dai W.' }),
    entry({}),
    entry({ botId: 'ben', roomId: 2, roomName: null, microUsd: 5_000_000, authorId: 2, authorName: 'Eve' }),
  ];
  const bot = { name: 'Ann', key: '2-abcDEF123456', systemPrompt: '', file: 'ann.json' };
  const asked: number[] = [];
  const report = await usageReport(2, {
    spending: {
      async history(days) {
        asked.push(days);
        return { from: '2026-11-24', to: '2026-11-25', entries };
      },
    },
    bots: () => [createBot({ ...bot, id: 'ann', budgetUsdPerDay: 7 })],
    ...{ timeZone: 'UTC', budgetUsdPerDay: null },
  });
  assert.deepEqual(asked, [2]);
  assert.deepEqual(report.total, {
    ...{ turns: 3, cost_usd: 7, input_tokens: 3, output_tokens: 6 },
    ...{ cache_read_tokens: 9, cache_write_tokens: 12 },
  });
  assert.deepEqual(
    report.days.map(({ day, cost_usd }) => [day, cost_usd]),
    [
      ['2026-11-24', 6],
      ['2026-11-25', 1],
    ],
  );
  assert.deepEqual(
    report.bots.map(({ bot, cost_usd, today_usd, budget_usd_per_day: budget }) => [
      bot,
      cost_usd,
      today_usd,
      budget,
    ]),
    [
      ['ben', 5, 0, null],
      ['ann', 2, 1, 7],
    ],
  );
  assert.deepEqual(
    report.rooms.map(({ room, name }) => [room, name]),
    [
      [2, null],
      [1, 'Headquarters'],
    ],
  );
  assert.deepEqual(
    report.people.map(({ person, name, turns }) => [person, name, turns]),
    [
      [2, 'Eve', 1],
      [1, 'Dai W.', 2],
    ],
  );
});
