import { messageOf } from '../lib/errors.ts';

/**
 * An agent's transcript, copied line by line while it is written, so that another machine can go on with it. The SDK
 * hands over what its process has written to its own file, waits for it before it gives a turn's result, tries what
 * failed twice more, and then goes on without it.
 */

/** One file of a transcript: the conversation itself has an empty `subpath`, a helper of the agent one of its own. */
export interface TranscriptPart {
  memoryId: string;
  subpath: string;
}

export interface TranscriptLine {
  /** Names the line: one that is there already is not added again. Null for lines that have no name. */
  uuid: string | null;
  /** Without a line break. */
  json: string;
}

/** Where the copies go. */
export interface TranscriptSink {
  /** Adds lines in their order. @throws Error when they are not kept; trying again does no harm. */
  append(part: TranscriptPart, lines: readonly TranscriptLine[]): Promise<void>;
  /** Told when lines were given up: the copy is not complete any more. Never throws. */
  failed(memoryId: string, problem: string): void;
}

interface Entry {
  type: string;
  uuid?: string;
}

/** A sink in the shape of the SDK's `SessionStore`. */
export function mirrorInto(sink: TranscriptSink) {
  return {
    append: ({ sessionId, subpath = '' }: { sessionId: string; subpath?: string }, entries: Entry[]) =>
      sink.append({ memoryId: sessionId, subpath }, entries.map(lineOf)),
    /**
     * Nothing: the agent then resumes from the file in its own slot, which is put there before it starts. What is
     * given here the SDK writes to a folder of its own, outside of the slot, that stays behind when we are killed.
     */
    load: async () => null,
  };
}

export function lineOf(entry: Entry): TranscriptLine {
  return { uuid: entry.uuid ?? null, json: JSON.stringify(entry) };
}

/** The line as it stands in a file; null for what is no entry, or one that no machine needs. */
export function parseLine(line: string): TranscriptLine | null {
  // Copies of whole requests, most of the file; the SDK does not hand them over either.
  if (line === '' || line.startsWith('{"type":"api-request')) return null;
  try {
    const entry = JSON.parse(line) as Partial<Entry> | null;
    return typeof entry?.type === 'string' ? { uuid: entry.uuid ?? null, json: line } : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw new Error(messageOf(error));
  }
}
