import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/**
 * Ends of transcripts, which can be tens of megabytes: whoever wants to know one thing of one does not read it whole.
 * Both take half a millisecond at most.
 */

/** The first time stamp stands within a few hundred bytes. */
const beginningBytes = 64 * 1024;
/** `claude` notes what a session has cost after each turn: it stands within its last turn. */
const endBytes = 1024 * 1024;

/** The beginning of a file; empty when it cannot be read. */
export function beginningOf(path: string): string {
  return partOf(path, (size) => ({ from: 0, bytes: Math.min(size, beginningBytes) }));
}

/** The end of a file; empty when it cannot be read. */
export function endOf(path: string): string {
  return partOf(path, (size) => ({ from: Math.max(0, size - endBytes), bytes: Math.min(size, endBytes) }));
}

function partOf(path: string, choose: (size: number) => { from: number; bytes: number }): string {
  let file: number | null = null;
  try {
    file = openSync(path, 'r');
    const { from, bytes } = choose(fstatSync(file).size);
    const buffer = Buffer.alloc(bytes);
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, bytes, from));
  } catch {
    return '';
  } finally {
    if (file !== null) closeSync(file);
  }
}
