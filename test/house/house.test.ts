import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { checkHouse, checkSource, sentenceOf } from './check-rules.ts';
import { FILE_LINES_MAX, FUNCTION_LINES_MAX, RULES } from './rules.ts';

const lines = (count: number, line = '// a line') => Array.from({ length: count }, () => line).join('\n');
const functionOf = (count: number) => `export function long() {\n${lines(count - 2)}\n}\n`;

/** Per rule: what must be found, and what must not, each at the path where it stands. */
const examples: Record<
  string,
  { red: [path: string, text: string][]; green: [path: string, text: string][] }
> = {
  clock: {
    red: [
      ['src/mail/a.ts', 'export const f = () => setTimeout(run, 5);'],
      ['src/mail/a.ts', 'export const f = () => globalThis.setInterval(run, 5);'],
      ['src/mail/a.ts', 'export const f = { setImmediate };'],
      ['src/mail/a.ts', 'export const f = () => Date.now();'],
      ['src/mail/a.ts', "export const f = () => Date['now']();"],
      ['src/mail/a.ts', 'export const f = () => new Date();'],
      ['src/mail/a.ts', 'export const f = () => Date();'],
      ['src/mail/a.ts', 'export const f = () => globalThis.performance.now();'],
      ['src/mail/a.ts', 'export const f = () => { const { now } = performance; return now(); };'],
      ['src/mail/a.ts', 'export const f = () => fetch(url, { signal: AbortSignal.timeout(5) });'],
      ['src/mail/a.ts', "import { setTimeout as sleep } from 'node:timers/promises';"],
      ['src/lib/other.ts', "import { performance } from 'perf_hooks';"],
    ],
    green: [
      ['src/lib/clock.ts', 'export const now = () => Date.now() + performance.now();'],
      ['src/mail/a.ts', 'export const f = (at: number) => new Date(at).toISOString();'],
      ['src/mail/a.ts', 'export const f = (clock: Clock) => clock.performance.now() + clock.Date.now();'],
      [
        'src/mail/a.ts',
        'export type Timer = ReturnType<typeof setTimeout>; export const g = { setTimeout: 1 };',
      ],
      ['test/mail/a.test.ts', 'const now = Date.now();'],
    ],
  },
  'process-owner': {
    red: [
      ['src/app.ts', 'export const f = () => process.exit(1);'],
      ['src/app.ts', "export const f = () => process.on('SIGTERM', stop);"],
      ['src/app.ts', "export const f = () => process.once('exit', stop);"],
      ['src/app.ts', 'export const f = () => { process.exitCode = 1; };'],
      ['src/app.ts', 'export const f = () => hear(process);'],
      ['src/app.ts', "import { exit } from 'node:process';"],
    ],
    green: [
      ['src/server.ts', "process.on('SIGTERM', () => process.exit(0));"],
      ['src/cli/doctor.ts', 'export const f = () => process.exit(1);'],
      ['src/app.ts', 'export const f = (child: { process: Child }) => child.process.on(1) + process.pid;'],
    ],
  },
  environment: {
    red: [
      ['src/agent/a.ts', 'export const f = () => process.env.HOME;'],
      ['src/agent/a.ts', "export const f = () => process['env'];"],
      ['src/cli/a.ts', 'export const f = () => { const { env } = process; return env; };'],
    ],
    green: [
      ['src/config/settings.ts', 'export const f = () => process.env;'],
      ['src/agent/a.ts', 'export const f = (options: Options) => options.env;'],
    ],
  },
  'file-length': {
    red: [
      ['src/mail/a.ts', lines(FILE_LINES_MAX + 1)],
      ['bench/a.ts', lines(FILE_LINES_MAX + 1)],
    ],
    green: [['src/mail/a.ts', `${lines(FILE_LINES_MAX)}\n`]],
  },
  'function-length': {
    red: [
      ['src/mail/a.ts', functionOf(FUNCTION_LINES_MAX + 1)],
      ['src/mail/a.ts', `export const f = () => {\n${lines(FUNCTION_LINES_MAX)}\n};`],
      ['src/mail/a.ts', `export class A {\n  constructor() {\n${lines(FUNCTION_LINES_MAX)}\n  }\n}`],
    ],
    green: [['src/mail/a.ts', `/**\n${lines(30, ' * why')}\n */\n${functionOf(FUNCTION_LINES_MAX)}`]],
  },
  'default-export': {
    red: [
      ['src/mail/a.ts', 'export default function f() {}'],
      ['src/mail/a.ts', 'const a = 1; export default a;'],
      ['test/support/a.ts', 'const a = 1; export { a as default };'],
    ],
    green: [['src/mail/a.ts', "export { default as named } from './other.ts'; export const a = 1;"]],
  },
  barrel: {
    red: [
      ['src/mail/a.ts', "export * from './b.ts'; export const a = 1;"],
      ['src/mail/index.ts', "export { a } from './a.ts';\nexport type { B } from './b.ts';"],
    ],
    green: [['src/mail/a.ts', "export type { B } from './b.ts';\nexport const a = 1;"]],
  },
  'module-state': {
    red: [
      ['src/mail/a.ts', 'let count = 0;'],
      ['src/mail/a.ts', 'const seen = new Map<string, number>();'],
      ['src/mail/a.ts', 'export const waiting: string[] = [];'],
    ],
    green: [
      [
        'src/mail/a.ts',
        "const KINDS = new Set(['post', 'edit']); export function f() { let n = 0; return n; }",
      ],
      ['src/server.ts', 'let stopping = false;'],
    ],
  },
  'import-effect': {
    red: [
      ['src/mail/a.ts', 'register();'],
      ['src/mail/a.ts', "import './register.ts';"],
      ['src/mail/a.ts', 'export const a = await load();'],
      ['src/mail/a.ts', 'if (ready) start();'],
    ],
    green: [
      ['src/cli/main.ts', 'await run();'],
      ['src/mail/a.ts', 'export const f = async () => { await load(); register(); };'],
    ],
  },
  'patient-test': {
    red: [
      ['test/mail/a.test.ts', 'await new Promise((done) => setTimeout(done, 100));'],
      ['test/mail/a.test.ts', 'await sleep(5_000);'],
      ['test/mail/a.test.ts', 'await clock.sleep(2 * 60 * 1000);'],
      ['test/support/a.ts', 'export const pause = () => delay(250);'],
      ['test/mail/a.test.ts', 'await timers.setTimeout(500);'],
    ],
    green: [
      ['test/mail/a.test.ts', 'await sleep(10); setTimeout(run, 99);'],
      ['test/mail/a.test.ts', 'const asleep = clock.sleep(5_000); clock.advance(5_000); await asleep;'],
      ['test/mail/a.test.ts', 'await clock.sleep(60_000, AbortSignal.abort());'],
      ['test/fixtures/children/idle.ts', 'setTimeout(() => {}, 60_000);'],
    ],
  },
};

const brokenAt = (path: string, text: string) => checkSource(path, text).map(({ rule }) => rule);

describe('each rule of the house', () => {
  for (const { name } of RULES) {
    test(`${name} finds what breaks it and leaves the rest alone`, () => {
      const example = examples[name];
      assert.ok(example, `no example for the rule ${name}`);
      for (const [path, text] of example.red) {
        assert.ok(brokenAt(path, text).includes(name), `not found in ${path}: ${text.slice(0, 200)}`);
      }
      for (const [path, text] of example.green) {
        assert.ok(!brokenAt(path, text).includes(name), `wrongly found in ${path}: ${text.slice(0, 200)}`);
      }
    });
  }

  test('names the file, the line, the rule and the remedy', () => {
    const [problem] = checkSource('src/agent/a.ts', '\nexport const home = () => process.env.HOME;\n');
    assert.ok(problem);
    assert.match(
      sentenceOf(problem),
      /^src\/agent\/a\.ts:2 environment: process\.env is read\. Add a row .+\.$/,
    );
  });
});

test('the house keeps its rules', () => {
  const { filesSeen, problems } = checkHouse(join(import.meta.dirname, '../..'));
  assert.ok(filesSeen > 1, 'no source was found to check');
  assert.equal(problems.length, 0, `\n${problems.map(sentenceOf).join('\n')}`);
});
