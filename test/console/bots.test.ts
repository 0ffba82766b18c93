import assert from 'node:assert/strict';
import { test } from 'node:test';
import { botEntries } from '../../src/console/bots.ts';
import { healthy } from '../../src/turns/health.ts';
import { ANN, BEN, folder, open } from '../support/bots-folder.ts';

test('every bot and every file that gives none is listed, with what is wrong and how to mend it', (t) => {
  const { dir, write } = folder(t, { 'ann.json': ANN, 'ben.json': BEN, 'broken.json': '{' });
  const bots = open(dir);
  write('ann.json', { ...ANN, modle: 'x' });
  bots.refresh();
  const since = Date.UTC(2026, 0, 5, 9);
  const unhealthy = {
    ...{ state: 'unhealthy' as const, problem: 'Campfire does not know the key', remedy: 'Copy it' },
    ...{ since, probes: 0, probeAt: since },
  };
  const entries = botEntries(bots, { bot: (id) => (id === 'ben' ? unhealthy : healthy) });
  assert.deepEqual(
    entries.map(({ id, file, state }) => [id, file, state]),
    [
      ['ann', 'ann.json', 'outdated'],
      ['ben', 'ben.json', 'unhealthy'],
      [null, 'broken.json', 'unusable'],
    ],
  );
  assert.match(entries[0]?.remedy ?? '', /model/);
  assert.deepEqual([entries[1]?.problem, entries[1]?.since], [unhealthy.problem, '2026-01-05T09:00:00.000Z']);
  assert.doesNotMatch(JSON.stringify(entries), /abcDEF123456/);
});
