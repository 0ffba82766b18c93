import { endProcesses, leftProcesses, sentenceOf } from './left-processes.ts';

/** The process check as a command, `check-processes.ts <tag> <folder>`: lists what a run left behind and ends it. */

/** What was just told to end may still be on its way out. */
const PATIENCE_MS = 5_000;

const [tag, folder] = process.argv.slice(2);
if (!tag || !folder) throw new Error('usage: check-processes.ts <tag> <folder>');

const left = await leftProcesses({ tag, folder }, PATIENCE_MS);
for (const one of left) console.log(sentenceOf(one));
console.log(
  left.length === 0 ? 'no process is left' : `${left.length} processes were left, and are ended now`,
);
endProcesses(left);
process.exitCode = left.length === 0 ? 0 : 1;
