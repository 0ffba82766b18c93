import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { replaceMarked } from '../../bench/marked.ts';
import { sizingTable } from '../../bench/sizing.ts';

test('docs/operating.md sizes machines as the policy admits sessions; written anew by `npm run docs`', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/operating.md'), 'utf8');
  assert.equal(page, replaceMarked(page, 'sizing', sizingTable()));
});
