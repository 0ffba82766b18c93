import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layers, representativeCells } from '../../bench/soak/cells.ts';
import { runMatrix } from '../../bench/soak/matrix.ts';
import { failures, keyOf, wordFor } from '../../bench/soak/matrix-table.ts';

/** All of it runs in `bin/soak --matrix`; here each victim, moment, layer and user at least once. */
for (const layer of layers) {
  test(`${layer}: whatever is killed, whenever, nothing of the session is left within its bound`, async (t) => {
    const isRoot = process.getuid?.() === 0;
    const cells = representativeCells().filter(
      (cell) => cell.layer === layer && (isRoot || cell.user === 'nobody'),
    );
    const results = await runMatrix(cells, 2, (result) =>
      t.diagnostic(`${keyOf(result.cell)}: ${wordFor(result)} ms`),
    );
    assert.deepEqual(failures(results), []);
    assert.equal(results.length, cells.length);
    const missed = results.filter(({ expected, before }) => expected.kind === 'gone' && before === 0);
    assert.deepEqual(missed, [], 'there was something to be left');
  });
}
