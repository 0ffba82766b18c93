import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempFolder } from '../support/temp.ts';
import { checkHouse, sentenceOf } from './check-rules.ts';
import { checkImports } from './imports.ts';
import { checkout, copyCheckout, runIn } from './tools.ts';

/**
 * Negative controls: a copy of the checkout is broken in every way that matters, and each check must name what was
 * planted for it. The commands are those of bin/test.
 */

type Check = 'types' | 'style' | 'imports' | 'unused' | 'rules';

interface Plant {
  what: string;
  check: Check;
  says: RegExp;
  files: Record<string, string>;
}

const target = { 'src/mail/planted-target.ts': 'export const target = 1;\n' };

const plants: Plant[] = [
  {
    what: 'a type error',
    check: 'types',
    says: /src\/lib\/planted-type\.ts\(1,14\): error TS2322/,
    files: { 'src/lib/planted-type.ts': "export const count: number = 'two';\n" },
  },
  {
    what: 'an any',
    check: 'style',
    says: /src\/lib\/planted-any\.ts:1:\d+ lint\/suspicious\/noExplicitAny/,
    files: { 'src/lib/planted-any.ts': 'export const loose: any = 1;\n' },
  },
  {
    what: 'a promise that nobody waits for',
    check: 'style',
    says: /src\/lib\/planted-promise\.ts:3:\d+ lint\/nursery\/noFloatingPromises/,
    files: {
      'src/lib/planted-promise.ts':
        "import { load } from './planted-load.ts';\n\nexport const start = () => { load(); };\n",
      'src/lib/planted-load.ts': 'export async function load(): Promise<number> {\n  return 1;\n}\n',
    },
  },
  {
    what: 'an import upward',
    check: 'imports',
    says: /lib-imports-downward: src\/lib\/planted-upward\.ts → src\/mail\/planted-target\.ts/,
    files: {
      ...target,
      'src/lib/planted-upward.ts': "export { target } from '../mail/planted-target.ts';\n",
    },
  },
  {
    what: 'an import of a type upward',
    check: 'imports',
    says: /lib-imports-downward: src\/lib\/planted-type-upward\.ts → src\/mail\/planted-target\.ts/,
    files: {
      ...target,
      'src/lib/planted-type-upward.ts':
        "import type { target } from '../mail/planted-target.ts';\n\nexport type Target = typeof target;\n",
    },
  },
  {
    what: 'an import of a sibling',
    check: 'imports',
    says: /campfire-imports-downward: src\/campfire\/planted-sibling\.ts → src\/mail\/planted-target\.ts/,
    files: {
      ...target,
      'src/campfire/planted-sibling.ts': "export { target } from '../mail/planted-target.ts';\n",
    },
  },
  {
    what: 'the playground knowing a part of the product',
    check: 'imports',
    says: /playground-imports-lib: src\/playground\/planted-part\.ts → src\/mail\/planted-target\.ts/,
    files: {
      ...target,
      'src/playground/planted-part.ts': "export { target } from '../mail/planted-target.ts';\n",
    },
  },
  {
    what: 'a part without a step',
    check: 'imports',
    says: /no-part-without-a-step: src\/planted\/stranger\.ts →/,
    files: { ...target, 'src/planted/stranger.ts': "export { target } from '../mail/planted-target.ts';\n" },
  },
  {
    what: 'a cycle',
    check: 'imports',
    says: /no-cycle: src\/turns\/planted-cycle-(a\.ts → .*-b|b\.ts → .*-a)\.ts/,
    files: {
      'src/turns/planted-cycle-a.ts':
        "import { b } from './planted-cycle-b.ts';\n\nexport const a = () => b();\n",
      'src/turns/planted-cycle-b.ts':
        "import { a } from './planted-cycle-a.ts';\n\nexport const b = (): void => a();\n",
    },
  },
  {
    what: 'a cycle of types only',
    check: 'imports',
    says: /no-cycle: src\/turns\/planted-types-(a\.ts → .*-b|b\.ts → .*-a)\.ts/,
    files: {
      'src/turns/planted-types-a.ts':
        "import type { B } from './planted-types-b.ts';\n\nexport type A = { b: B };\n",
      'src/turns/planted-types-b.ts':
        "import type { A } from './planted-types-a.ts';\n\nexport type B = { a: A };\n",
    },
  },
  {
    what: 'a second import of the SDK',
    check: 'imports',
    says: /one-agent-sdk: src\/turns\/planted-sdk\.ts → .*claude-agent-sdk/,
    files: { 'src/turns/planted-sdk.ts': "export { query } from '@anthropic-ai/claude-agent-sdk/core';\n" },
  },
  {
    what: 'the SDK used by a part of the benchmark that is not the baseline',
    check: 'imports',
    says: /one-baseline: bench\/planted-sdk\.ts → .*claude-agent-sdk/,
    files: { 'bench/planted-sdk.ts': "export { query } from '@anthropic-ai/claude-agent-sdk/core';\n" },
  },
  {
    what: 'a process started elsewhere',
    check: 'imports',
    says: /one-child-process: src\/turns\/planted-child\.ts → (node:)?child_process/,
    files: { 'src/turns/planted-child.ts': "export { spawn } from 'node:child_process';\n" },
  },
  {
    what: 'a database opened elsewhere',
    check: 'imports',
    says: /one-store: src\/turns\/planted-sqlite\.ts → (node:)?sqlite/,
    files: { 'src/turns/planted-sqlite.ts': "export { DatabaseSync } from 'node:sqlite';\n" },
  },
  {
    what: 'a development dependency in the product',
    check: 'imports',
    says: /no-dev-dependency: src\/turns\/planted-dev\.ts → .*fast-check/,
    files: { 'src/turns/planted-dev.ts': "export { assert } from 'fast-check';\n" },
  },
  {
    what: 'a package that is only there by accident',
    check: 'imports',
    says: /in-package-json: src\/turns\/planted-accident\.ts → .*bail/,
    files: { 'src/turns/planted-accident.ts': "export { bail } from 'bail';\n" },
  },
  {
    what: 'a file that nothing reaches',
    check: 'imports',
    says: /no-orphan: src\/lib\/planted-orphan\.ts/,
    files: { 'src/lib/planted-orphan.ts': 'export const orphan = 1;\n' },
  },
  {
    what: 'an unused export',
    check: 'unused',
    says: /plantedUnused .*src\/lib\/planted-used\.ts:2/,
    files: {
      'src/lib/planted-used.ts': 'export const used = 1;\nexport const plantedUnused = 2;\n',
      'test/planted-user.test.ts':
        "import { used } from '../src/lib/planted-used.ts';\n\nconsole.log(used);\n",
    },
  },
  {
    what: 'a dependency that nobody uses',
    check: 'unused',
    says: /Unused dependencies[\s\S]*json5 +package\.json/,
    files: {
      'package.json': readFileSync(join(checkout, 'package.json'), 'utf8').replace(
        '"dependencies": {',
        '"dependencies": { "json5": "2.2.3",',
      ),
    },
  },
  {
    what: 'a setting read elsewhere',
    check: 'rules',
    says: /src\/turns\/planted-env\.ts:1 environment:/,
    files: { 'src/turns/planted-env.ts': 'export const home = () => process.env.HOME;\n' },
  },
  {
    what: 'a timer elsewhere',
    check: 'rules',
    says: /src\/turns\/planted-timer\.ts:1 clock:/,
    files: {
      'src/turns/planted-timer.ts': 'export const later = (run: () => void) => setTimeout(run, 5);\n',
    },
  },
  {
    what: 'a file of 301 lines',
    check: 'rules',
    says: /src\/turns\/planted-long\.ts:1 file-length: the file has 301 lines/,
    files: { 'src/turns/planted-long.ts': `${'// a line\n'.repeat(300)}export const long = 1;\n` },
  },
  {
    what: 'a test that sleeps',
    check: 'rules',
    says: /test\/planted-sleep\.test\.ts:1 patient-test:/,
    files: { 'test/planted-sleep.test.ts': 'await new Promise((done) => setTimeout(done, 500));\n' },
  },
];

const parts = [
  ...['src', 'test', 'scripts', 'bench', 'bin', 'package.json', 'tsconfig.json', '.gitignore'],
  ...['biome.json', '.dependency-cruiser.mjs', 'knip.json'],
];

test('what is planted is found', async (t) => {
  const root = tempFolder(t);
  copyCheckout(root, parts, Object.assign({}, ...plants.map(({ files }) => files)));
  const [types, style, imports, unused] = await Promise.all([
    runIn(root, 'tsc', []),
    runIn(root, 'biome', ['ci', '--colors=off', '--max-diagnostics=none']),
    runIn(root, process.execPath, ['test/house/check-imports.ts']),
    runIn(root, 'knip', ['--no-progress']),
  ]);
  const { problems } = checkHouse(root);
  const rules = { code: problems.length, said: problems.map(sentenceOf).join('\n') };
  const reports: Record<Check, { code: number | null; said: string }> = {
    types,
    style,
    imports,
    unused,
    rules,
  };

  for (const { what, check, says } of plants) {
    await t.test(`${what} (${check})`, () => {
      const { code, said } = reports[check];
      assert.notEqual(code, 0, `the check passed: ${said}`);
      assert.match(said, says);
    });
  }
});

test('an import check that sees no module is an error, not a success', async (t) => {
  const root = tempFolder(t);
  copyCheckout(root, ['.dependency-cruiser.mjs', 'tsconfig.json', 'package.json'], { 'bin/a.ts': '' });
  for (const folder of ['src', 'test', 'scripts', 'bench']) mkdirSync(join(root, folder));
  await assert.rejects(checkImports(root), /saw no module/);
});
