import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { beginningOf, endOf } from '../../src/sessions/file-ends.ts';
import { tempFolder } from '../support/temp.ts';

test('of a long file only its ends are read', (t) => {
  const path = join(tempFolder(t), 'long');
  writeFileSync(path, `first${'x'.repeat(3_000_000)}last`);
  const [beginning, end] = [beginningOf(path), endOf(path)];
  assert.match(beginning, /^firstx+$/);
  assert.match(end, /^x+last$/);
  assert.ok(beginning.length + end.length < 1_200_000);
});

test('a short file is read whole, and one that is not there is empty', (t) => {
  const path = join(tempFolder(t), 'short');
  writeFileSync(path, 'ümlaut');
  assert.equal(beginningOf(path), 'ümlaut');
  assert.equal(endOf(path), 'ümlaut');
  assert.equal(beginningOf(`${path}.gone`), '');
  assert.equal(endOf(`${path}.gone`), '');
});
