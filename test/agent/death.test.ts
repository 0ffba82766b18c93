import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deathOf, type ExitFacts } from '../../src/agent/death.ts';

const exit = (facts: Partial<ExitFacts>): ExitFacts => ({
  code: null,
  signal: null,
  startError: null,
  ...facts,
});

const table: Array<
  [title: string, exit: ExitFacts | null, given: { oom?: boolean; down?: boolean }, death: string]
> = [
  ['the kernel’s OOM killer', exit({ signal: 'SIGKILL' }), { oom: true }, 'oom'],
  ['the same behind a wrapper', exit({ code: 137 }), { oom: true }, 'oom'],
  ['somebody’s kill -9', exit({ signal: 'SIGKILL' }), {}, 'killed'],
  ['the same behind a wrapper', exit({ code: 137 }), {}, 'killed'],
  ['a polite signal', exit({ signal: 'SIGTERM' }), {}, 'killed'],
  ['the CLI after a polite signal', exit({ code: 143 }), { oom: true }, 'killed'],
  ['a segmentation fault', exit({ signal: 'SIGSEGV' }), { oom: true }, 'crash'],
  ['the same behind a wrapper', exit({ code: 139 }), {}, 'crash'],
  ['an abort', exit({ signal: 'SIGABRT' }), {}, 'crash'],
  ['an exit that nobody asked for', exit({ code: 1 }), {}, 'exit'],
  ['a clean exit that nobody asked for', exit({ code: 0 }), {}, 'exit'],
  ['an exit before it came up', exit({ code: 1 }), { down: true }, 'start'],
  ['killed for memory while it came up', exit({ code: 137 }), { oom: true, down: true }, 'oom'],
  ['no such program', exit({ startError: new Error('ENOENT') }), {}, 'start'],
  ['an end that was not seen', null, {}, 'exit'],
];

for (const [title, facts, { oom = false, down = false }, death] of table) {
  test(`${title} is ${death}`, () =>
    assert.equal(
      deathOf(facts, !down, () => oom),
      death,
    ));
}
