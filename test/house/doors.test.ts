import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';
import { checkout, copyCheckout, runIn, toolEnvironment } from './tools.ts';

/** The commands of bin/, run in a copy of the checkout whose path has spaces and whose product is a stand-in. */

const server = `
import { greeting } from './lib/greeting.ts';
process.on('SIGTERM', () => {
  console.log('stopped by a signal');
  process.exit(0);
});
setInterval(() => {}, 1e9);
console.log(greeting, import.meta.url);
`;
const cli = `console.log(JSON.stringify({ file: import.meta.url, words: process.argv.slice(2), cwd: process.cwd() }));\n`;

function standIn(t: TestContext, files: Record<string, string> = {}): string {
  const root = join(tempFolder(t), 'a check out');
  const parts = [
    'bin',
    'scripts',
    'tsconfig.json',
    'tsconfig.build.json',
    'package.json',
    'package-lock.json',
  ];
  copyCheckout(root, parts, {
    'src/server.ts': server,
    'src/lib/greeting.ts': "export const greeting: string = 'ready';\n",
    'src/cli/main.ts': cli,
    'src/console/page.css': 'body {}\n',
    ...files,
  });
  return root;
}

/** Leaves only Node itself of the packages, as where nothing but the product is installed. */
function withoutCompiler(root: string): void {
  rmSync(join(root, 'node_modules'));
  mkdirSync(join(root, 'node_modules'));
  for (const name of ['.bin', 'node'])
    symlinkSync(join(checkout, 'node_modules', name), join(root, 'node_modules', name));
}

const build = (root: string) => runIn(root, 'bin/build', []);
const built = (root: string, file: string) => readFileSync(join(root, 'dist', file), 'utf8');
const leftovers = (root: string) => readdirSync(root).filter((name) => name.startsWith('dist.'));

describe('bin/build', () => {
  test('makes JavaScript, its source maps, and copies what is no source', async (t) => {
    const root = standIn(t);
    assert.deepEqual(await build(root), { code: 0, said: '' });
    assert.match(built(root, 'server.js'), /from "\.\/lib\/greeting\.js"/);
    assert.deepEqual(JSON.parse(built(root, 'lib/greeting.js.map')).sources, ['../../src/lib/greeting.ts']);
    assert.equal(built(root, 'console/page.css'), 'body {}\n');
    assert.deepEqual(leftovers(root), []);
  });

  test('does nothing while the sources are the same, and builds anew when one changed or is gone', async (t) => {
    const root = standIn(t, { 'src/lib/obsolete.ts': 'export const obsolete = 1;\n' });
    await build(root);
    const first = statSync(join(root, 'dist')).ino;
    writeFileSync(join(root, 'src/lib/greeting.ts'), "export const greeting: string = 'ready';\n");
    await build(root);
    assert.equal(
      statSync(join(root, 'dist')).ino,
      first,
      'it was built again though only file times changed',
    );
    writeFileSync(join(root, 'src/lib/greeting.ts'), "export const greeting: string = 'hello';\n");
    rmSync(join(root, 'src/lib/obsolete.ts'));
    await build(root);
    assert.match(built(root, 'lib/greeting.js'), /hello/);
    assert.ok(!existsSync(join(root, 'dist/lib/obsolete.js')));
  });

  test('keeps what was built before when the sources do not compile', async (t) => {
    const root = standIn(t);
    await build(root);
    writeFileSync(join(root, 'src/lib/greeting.ts'), 'export const greeting: string = 1;\n');
    const { code, said } = await build(root);
    assert.notEqual(code, 0);
    assert.match(said, /greeting\.ts\(1,14\): error TS2322/);
    assert.match(built(root, 'lib/greeting.js'), /ready/);
    assert.deepEqual(leftovers(root), []);
  });

  test('says what to do where there is neither a compiler nor anything built', async (t) => {
    const root = standIn(t);
    withoutCompiler(root);
    const { code, said } = await build(root);
    assert.equal(code, 1);
    assert.match(said, /dist\/ is missing, and so is the compiler: run `npm ci` in .+a check out/);
  });
});

describe('npm start', () => {
  test('builds, becomes the server, and a signal to npm arrives there', async (t) => {
    const root = standIn(t);
    const env = { ...toolEnvironment(root), npm_config_update_notifier: 'false' };
    const npm = spawn('npm', ['start'], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => npm.kill('SIGKILL'));
    let said = '';
    npm.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await eventually('the server runs', () => /^ready file:.+dist\/server\.js$/m.test(said), 60_000);
    npm.kill('SIGTERM');
    await eventually('the server was told to stop', () => said.includes('stopped by a signal'));
    assert.equal(await eventually('npm ends', () => npm.exitCode ?? npm.signalCode), 0);
  });
});

describe('bin/campfire-ai-bot', () => {
  const ask = async (command: string, cwd: string) => {
    const { code, said } = await runIn(cwd, command, ['doctor', '--name', 'two words']);
    assert.equal(code, 0, said);
    return JSON.parse(said) as { file: string; words: string[]; cwd: string };
  };

  test('runs the sources until something is built, then that, and the sources again when they changed', async (t) => {
    const root = standIn(t);
    const command = join(root, 'bin/campfire-ai-bot');
    assert.match((await ask(command, root)).file, /src\/cli\/main\.ts$/);
    await build(root);
    assert.match((await ask(command, root)).file, /dist\/cli\/main\.js$/);
    writeFileSync(join(root, 'src/lib/greeting.ts'), "export const greeting: string = 'changed';\n");
    assert.match((await ask(command, root)).file, /src\/cli\/main\.ts$/);
    withoutCompiler(root);
    assert.match(
      (await ask(command, root)).file,
      /dist\/cli\/main\.js$/,
      'without a compiler, what is built counts',
    );
  });

  test('works through a symlink from any folder, stays in that folder, and passes its words on', async (t) => {
    const root = standIn(t);
    const elsewhere = tempFolder(t);
    const link = join(elsewhere, 'bot');
    symlinkSync(join(root, 'bin/campfire-ai-bot'), link);
    const { words, cwd } = await ask(link, elsewhere);
    assert.deepEqual({ words, cwd }, { words: ['doctor', '--name', 'two words'], cwd: elsewhere });
  });
});

describe('bin/dev', () => {
  /** An npm that only notes what it was asked to do. */
  const fakeNpm = (t: TestContext) => {
    const folder = tempFolder(t);
    writeFileSync(join(folder, 'npm'), `#!/bin/sh\necho "$PWD: npm $*" >>'${folder}/asked'\n`);
    chmodSync(join(folder, 'npm'), 0o755);
    const asked = () =>
      existsSync(join(folder, 'asked')) ? readFileSync(join(folder, 'asked'), 'utf8') : '';
    return { PATH: `${folder}:${process.env.PATH}`, asked };
  };

  test('runs the sources in the checkout from anywhere, and installs nothing that is there', async (t) => {
    const root = standIn(t);
    const { PATH, asked } = fakeNpm(t);
    const { code, said } = await runIn(tempFolder(t), join(root, 'bin/dev'), ['--host', '0.0.0.0'], { PATH });
    assert.equal(code, 0, said);
    const { words, cwd } = JSON.parse(said.trimEnd().split('\n').at(-1) ?? '');
    assert.deepEqual({ words, cwd }, { words: ['dev', '--host', '0.0.0.0'], cwd: root });
    assert.equal(asked(), '');
  });

  test('installs the packages when the lockfile names others than are installed', async (t) => {
    const root = standIn(t);
    const lockfile = join(root, 'package-lock.json');
    writeFileSync(
      lockfile,
      readFileSync(lockfile, 'utf8').replace(/"version": "[^"]+"(,\s+"integrity")/, '"version": "0.0.0"$1'),
    );
    const { PATH, asked } = fakeNpm(t);
    assert.equal((await runIn(root, 'bin/dev', [], { PATH })).code, 0);
    assert.equal(asked(), `${root}: npm ci\n`);
  });
});

describe('bin/test', () => {
  const greenTest = "import test from 'node:test';\ntest('green', () => {});\n";
  const redTest =
    "import test from 'node:test';\ntest('red', () => {\n  throw new Error('as planted');\n});\n";
  const leakyTest = `import { spawn } from 'node:child_process';
import test from 'node:test';
test('leaky', () => {
  // As an agent is started: without the environment of the tests, in a session of its own.
  spawn('sleep', ['987654'], { env: {}, cwd: process.env['TMPDIR'], detached: true, stdio: 'ignore' }).unref();
});
`;
  const runTests = async (t: TestContext, words: string[]) => {
    const root = standIn(t, {
      'test/a/green.test.ts': greenTest,
      'test/a/red.test.ts': redTest,
      'test/a/leaky.test.ts': leakyTest,
      ...Object.fromEntries(
        ['reporter.ts', 'check-processes.ts', 'left-processes.ts'].map((name) => [
          `test/support/${name}`,
          readFileSync(join(checkout, 'test/support', name), 'utf8'),
        ]),
      ),
    });
    const { code, said } = await runIn(root, 'bin/test', words);
    return { code, said, lastLine: said.trimEnd().split('\n').at(-1) };
  };

  test('counts the chosen tests and the process check, and ends in the line', async (t) => {
    const { code, lastLine, said } = await runTests(t, ['green']);
    assert.deepEqual({ code, lastLine }, { code: 0, lastLine: '2 passed, 0 failed' }, said);
  });

  test('fails with a failing test', async (t) => {
    const { code, lastLine, said } = await runTests(t, ['green', 'red']);
    assert.deepEqual({ code, lastLine }, { code: 1, lastLine: '2 passed, 1 failed' }, said);
    assert.match(said, /FAILED test\/a\/red\.test\.ts:2 red\n {4}Error: as planted/);
  });

  test('fails when no test file was chosen', async (t) => {
    const { code, lastLine } = await runTests(t, ['no-such-file']);
    assert.deepEqual({ code, lastLine }, { code: 1, lastLine: '1 passed, 1 failed' });
  });

  test('fails when a process is left, names it and ends it', async (t) => {
    const { code, lastLine, said } = await runTests(t, ['leaky']);
    assert.deepEqual({ code, lastLine }, { code: 1, lastLine: '1 passed, 1 failed' }, said);
    const pid = /pid (\d+), \d+\.\d s old: sleep 987654/.exec(said)?.[1];
    assert.ok(pid, said);
    await eventually('it is gone', () => !existsSync(`/proc/${pid}`));
  });
});
