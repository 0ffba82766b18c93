import { writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';

/**
 * What bin/test shows of a suite: one line per file, every failure in full as it happens, the slowest tests. At
 * the end it writes `<passed> <failed>` to the file that CAMPFIRE_AI_BOT_TEST_COUNTS names. Stricter than the
 * built-in reporters: a file in which no test ran is a failure, and so is a run that was stopped.
 */

const SLOWEST_SHOWN = 5;
/** Of what a failing file printed; the end of it says most. */
const OUTPUT_LINES_MAX = 200;

interface Finished {
  name: string;
  nesting: number;
  file?: string;
  line?: number;
  skip?: string | boolean;
  todo?: string | boolean;
  details: { duration_ms: number; type?: string; error?: Error & { failureType?: string } };
}

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const tally = { passed: 0, failed: 0 };
  const timed: { title: string; ms: number }[] = [];
  const titles = new Titles();
  const printed = new Map<string, string>();
  const fail = (title: string, what: string) => {
    tally.failed += 1;
    return `\nFAILED ${title}\n${indented(what)}\n`;
  };

  for await (const { type, data } of events) {
    if (type === 'test:stdout' || type === 'test:stderr') {
      const path = shown(data.file);
      printed.set(path, (printed.get(path) ?? '') + data.message);
    } else if (type === 'test:start') {
      titles.enter(data);
    } else if (type === 'test:summary' && data.file) {
      const path = shown(data.file);
      if (!data.success) yield lastWords(path, printed.get(path));
      yield fileLine(path, data);
    } else if (type === 'test:pass' || type === 'test:fail') {
      const done: Finished = data;
      const title = titles.of(done);
      if (isFile(done)) {
        const path = shown(done.file);
        yield fail(path, type === 'test:pass' ? 'No test ran in it.' : reasonOf(done));
        if (type === 'test:fail') yield lastWords(path, printed.get(path));
      } else if (done.skip !== undefined || done.todo !== undefined) {
        yield `  ${done.skip === undefined ? 'todo' : 'skipped'}: ${title}${remark(done.skip ?? done.todo)}\n`;
      } else if (type === 'test:fail') {
        // A parent fails with its subtests: those have been counted.
        if (done.details.error?.failureType !== 'subtestsFailed') yield fail(title, reasonOf(done));
      } else if (done.details.type !== 'suite') {
        tally.passed += 1;
        timed.push({ title, ms: done.details.duration_ms });
      }
    } else if ((type as string) === 'test:interrupted') {
      // The runner ends as soon as this event is dealt with: what counts must be written here.
      const { tests } = data as unknown as { tests: { name: string; file?: string }[] };
      yield fail(
        'the run was stopped',
        tests.map(({ name, file }) => `while running ${shown(file)}: ${name}`).join('\n'),
      );
      writeCounts(tally);
    }
  }
  yield slowest(timed);
  writeCounts(tally);
}

/** The names from the file down to a test, kept while its events pass by. */
class Titles {
  readonly #open = new Map<string, string[]>();

  enter({ name, nesting, file }: { name: string; nesting: number; file?: string }): void {
    const path = shown(file);
    this.#open.set(path, [...(this.#open.get(path) ?? []).slice(0, nesting), name]);
  }

  of({ name, nesting, file, line }: Finished): string {
    const path = shown(file);
    const above = (this.#open.get(path) ?? []).slice(0, nesting);
    return `${path}:${line ?? 1} ${[...above, name].join(' › ')}`;
  }
}

/** The runner reports a file as a test of its own only where no test inside it was reported. */
function isFile({ name, nesting, file }: Finished): boolean {
  return nesting === 0 && file !== undefined && resolve(name) === file;
}

function reasonOf({ details }: Finished): string {
  const cause = details.error?.cause ?? details.error;
  return typeof cause === 'string' ? cause : inspect(cause, { depth: 6 });
}

function fileLine(
  path: string,
  summary: { success: boolean; duration_ms: number; counts: { passed: number } },
): string {
  const { success, duration_ms, counts } = summary;
  return `${success ? 'ok ' : 'RED'} ${path} (${counts.passed} passed, ${Math.round(duration_ms)} ms)\n`;
}

function lastWords(path: string, output = ''): string {
  const lines = output.trimEnd().split('\n').slice(-OUTPUT_LINES_MAX);
  return output.trim() === '' ? '' : `  printed by ${path}:\n${indented(lines.join('\n'))}\n`;
}

function slowest(timed: { title: string; ms: number }[]): string {
  const shownTests = timed.toSorted((a, b) => b.ms - a.ms).slice(0, SLOWEST_SHOWN);
  const lines = shownTests.map(({ title, ms }) => `  ${String(Math.round(ms)).padStart(6)} ms  ${title}\n`);
  return lines.length === 0 ? '' : `slowest:\n${lines.join('')}`;
}

function writeCounts({ passed, failed }: { passed: number; failed: number }): void {
  const path = process.env.CAMPFIRE_AI_BOT_TEST_COUNTS;
  if (path) writeFileSync(path, `${passed} ${failed}\n`);
}

function shown(file: string | undefined): string {
  return file ? relative('.', file) : 'no file';
}

function remark(reason: string | boolean | undefined): string {
  return typeof reason === 'string' ? ` (${reason})` : '';
}

function indented(text: string): string {
  return text.replace(/^/gm, '    ');
}
