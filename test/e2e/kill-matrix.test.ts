import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  type Cell,
  layers,
  type MailStore,
  redisCells,
  representativeCells,
} from '../../bench/soak/cells.ts';
import { runMatrix } from '../../bench/soak/matrix.ts';
import { failures, keyOf, wordFor } from '../../bench/soak/matrix-table.ts';

const isRoot = process.getuid?.() === 0;

async function holds(t: TestContext, store: MailStore, chosen: readonly Cell[]): Promise<void> {
  const cells = chosen.filter((cell) => isRoot || cell.user === 'nobody');
  const results = await runMatrix(cells, {
    ...{ store, atOnce: 3 },
    onResult: (result) => t.diagnostic(`${keyOf(result.cell)}: ${wordFor(result)} ms`),
  });
  assert.deepEqual(failures(results), []);
  assert.equal(results.length, cells.length);
  const missed = results.filter(({ expected, before }) => expected.kind === 'gone' && before === 0);
  assert.deepEqual(missed, [], 'there was something to be left');
}

/** All of it runs in `bin/soak --matrix`; here each victim, moment, layer and user at least once. */
for (const layer of layers) {
  test(`${layer}: whatever is killed, whenever, nothing of the session is left within its bound`, (t) =>
    holds(
      t,
      'SQLite',
      representativeCells().filter((cell) => cell.layer === layer),
    ));
}

test('over Redis: whatever is killed, Redis included, nothing of the session is left within its bound', (t) =>
  holds(t, 'Redis', redisCells()));
