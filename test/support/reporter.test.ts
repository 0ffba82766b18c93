import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { tempFolder } from './temp.ts';

/** Runs test files with these texts under the reporter; gives what it counted and what it showed. */
function runUnderReporter(t: TestContext, texts: string[]) {
  const folder = tempFolder(t);
  const files = texts.map((text, index) => {
    const file = join(folder, `${index}.test.mjs`);
    writeFileSync(file, `import test, { after, describe } from 'node:test';\n${text}\n`);
    return file;
  });
  const counts = join(folder, 'counts');
  const run = spawnSync(
    process.execPath,
    [
      '--test',
      '--test-timeout=2000',
      `--test-reporter=${join(import.meta.dirname, 'reporter.ts')}`,
      '--test-reporter-destination=stdout',
      ...files,
    ],
    {
      encoding: 'utf8',
      // Not our own: with NODE_TEST_CONTEXT in it, the inner runner would believe to be part of the outer one.
      env: { PATH: process.env.PATH, CAMPFIRE_AI_BOT_TEST_COUNTS: counts },
    },
  );
  const [passed, failed] = readFileSync(counts, 'utf8').trim().split(' ').map(Number);
  return { passed, failed, status: run.status, shown: run.stdout };
}

describe('the reporter counts', () => {
  test('tests, not the suites around them', (t) => {
    const { passed, failed, status } = runUnderReporter(t, [
      `describe('outer', () => { describe('inner', () => { test('a', () => {}); test('b', () => {}); }); });`,
      `test('c', () => {});`,
    ]);
    assert.deepEqual({ passed, failed, status }, { passed: 3, failed: 0, status: 0 });
  });

  test('a failure once, and shows it in full with its path and what the file printed', (t) => {
    const { passed, failed, shown } = runUnderReporter(t, [
      `console.log('a clue'); describe('outer', () => { test('a', () => {}); test('b', () => { throw new Error('the cause'); }); });`,
    ]);
    assert.deepEqual({ passed, failed }, { passed: 1, failed: 1 });
    assert.match(shown, /FAILED .+0\.test\.mjs:2 outer › b\n {4}Error: the cause\n {4} {4}at /);
    assert.match(shown, /printed by .+:\n {4}a clue/);
  });

  const failures: Record<string, string> = {
    'a file that cannot be loaded': `import './nowhere.mjs';`,
    'a file without a test': '',
    'a file that exits before its tests are over': `test('a', () => process.exit(0));`,
    'a hook that fails after its tests passed': `describe('a', () => { after(() => { throw new Error('late'); }); test.todo('b'); });`,
    'a test that never ends': `test('a', () => new Promise(() => {}));`,
  };
  for (const [name, text] of Object.entries(failures)) {
    test(`${name} as failed`, (t) => {
      const { passed, failed, shown } = runUnderReporter(t, [text]);
      assert.deepEqual({ passed, failed }, { passed: 0, failed: 1 }, shown);
    });
  }

  test('a skipped test neither way, but names it', (t) => {
    const { passed, failed, shown } = runUnderReporter(t, [
      `test('a', (t) => t.skip('no browser')); test('b', () => {});`,
    ]);
    assert.deepEqual({ passed, failed }, { passed: 1, failed: 0 });
    assert.match(shown, /skipped: .+ a \(no browser\)/);
  });
});
