import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';

/** Parts of transcripts, which can be tens of megabytes: whoever wants to know one thing of one does not read it whole. */

/** Its first line is a few hundred bytes; those before the first time stamp, too. */
const beginningBytes = 64 * 1024;
/** `claude` notes what a session has cost after each turn: it stands within its last turn. */
const endBytes = 1024 * 1024;

/** The beginning of a file; empty when it cannot be read. */
export async function beginningOf(path: string): Promise<string> {
  try {
    await using file = await open(path);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(beginningBytes), 0, beginningBytes, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return '';
  }
}

/** The end of a file; empty when it cannot be read. Takes half a millisecond. */
export function endOf(path: string): string {
  let file: number | null = null;
  try {
    file = openSync(path, 'r');
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, endBytes));
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, size - buffer.length));
  } catch {
    return '';
  } finally {
    if (file !== null) closeSync(file);
  }
}
