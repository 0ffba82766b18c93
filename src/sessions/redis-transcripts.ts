import type { TranscriptLine, TranscriptPart } from '../agent/mirror.ts';
import type { RedisScript } from '../store/redis.ts';
import { type FencedParts, fencedScript, rootOf, runFenced } from './redis-fenced.ts';
import type { Conversation } from './resume.ts';

/**
 * Transcripts in Redis, known by their id alone: whatever machine, folder or working folder wrote them, any other can
 * go on with them.
 *
 * Keys, below the root: lines:ID:PART (a list), uuids:ID:PART (a set; what is in it is in the list), parts:ID (a set).
 */
export interface Transcripts {
  /** Adds lines in one step and in order, each name once. @throws FencedOutError without the conversation. */
  append(conversation: Conversation, part: TranscriptPart, lines: readonly TranscriptLine[]): Promise<void>;
  /**
   * Puts the lines in the place of all that there are: whoever reads meanwhile gets the ones or the others.
   * @throws FencedOutError without the conversation.
   */
  replace(conversation: Conversation, part: TranscriptPart, lines: readonly TranscriptLine[]): Promise<void>;
  /** The lines in order, some at a time; none when there is no such part. */
  load(part: TranscriptPart): AsyncIterable<string[]>;
  /** Whether a conversation's own part has any lines. */
  has(memoryId: string): Promise<boolean>;
  /** Whether there are lines of all these names. */
  hasLines(part: TranscriptPart, uuids: readonly string[]): Promise<boolean>;
  /** The subpaths of all its parts. */
  subpaths(memoryId: string): Promise<string[]>;
  /** Deletes all parts. @throws FencedOutError without the conversation. */
  delete(conversation: Conversation, memoryId: string): Promise<void>;
}

/** Behind the keys of what is to take the place of all lines. */
const incoming = ':incoming';

/** Redis serves nobody else while it reads a page or takes a batch. */
const pageBytes = 1024 * 1024;
const batchLines = 500;

/**
 * ARGV: id, part, conversation, a suffix of the keys, 1 to begin there anew, then name and text of each line. Nothing is
 * added to a transcript that the conversation has not (any more): nobody would delete it.
 */
const appendLines = fencedScript(
  'transcriptAppend',
  `
  local id, part = ARGV[3], ARGV[4]
  local known = call('HMGET', root .. ':of:' .. ARGV[5], 'memory', 'givenUp')
  if known[1] ~= id and known[2] ~= id then return 0 end
  local lines, uuids = root .. ':lines:' .. id .. ':' .. part, root .. ':uuids:' .. id .. ':' .. part
  if ARGV[6] ~= '' then
    lines, uuids = lines .. ARGV[6], uuids .. ARGV[6]
    if ARGV[7] == '1' then call('UNLINK', lines, uuids) end
  end
  call('SADD', root .. ':parts:' .. id, part)
  for i = 8, #ARGV, 2 do
    if ARGV[i] == '' or call('SADD', uuids, ARGV[i]) == 1 then call('RPUSH', lines, ARGV[i + 1]) end
  end
  return call('LLEN', lines)
`,
);

/** ARGV: id, part, the suffix. */
const swapLines = fencedScript(
  'transcriptSwap',
  `
  for _, kind in ipairs({ ':lines:', ':uuids:' }) do
    local key = root .. kind .. ARGV[3] .. ':' .. ARGV[4]
    if call('EXISTS', key .. ARGV[5]) == 1 then call('RENAME', key .. ARGV[5], key) end
  end
  return 1
`,
);
/** KEYS: the list. ARGV: where to begin, and after how many bytes to stop. */
const readPage: RedisScript = {
  name: 'transcriptPage',
  lua: `
    local page, at, bytes = {}, tonumber(ARGV[1]), 0
    repeat
      local some = redis.call('LRANGE', KEYS[1], at, at + 15)
      for _, line in ipairs(some) do
        page[#page + 1] = line
        bytes = bytes + #line
      end
      at = at + #some
    until #some == 0 or bytes >= tonumber(ARGV[2])
    return page
  `,
};

/** Defines what deletes all parts of a transcript. */
export const dropTranscript = `
  local function drop(id)
    for _, part in ipairs(call('SMEMBERS', root .. ':parts:' .. id)) do
      local lines, uuids = root .. ':lines:' .. id .. ':' .. part, root .. ':uuids:' .. id .. ':' .. part
      call('UNLINK', lines, uuids, lines .. '${incoming}', uuids .. '${incoming}')
    end
    call('DEL', root .. ':parts:' .. id)
  end
`;

const deleteAll = fencedScript('transcriptDelete', `${dropTranscript} drop(ARGV[3]) return 1`);

export function createRedisTranscripts(parts: FencedParts): Transcripts {
  const { store } = parts;
  const root = rootOf(store);
  const keyOf = (kind: string, { memoryId, subpath }: TranscriptPart) =>
    `${root}:${kind}:${memoryId}:${subpath}`;
  const add = async (
    conversation: Conversation,
    { memoryId, subpath }: TranscriptPart,
    lines: readonly TranscriptLine[],
    suffix: string,
  ) => {
    const name = `${conversation.roomId}:${conversation.botId}`;
    for (let from = 0; from < lines.length; ) {
      const batch = batchFrom(lines, from);
      const head = [memoryId, subpath, name, suffix, Number(from === 0)];
      const values = batch.flatMap(({ uuid, json }) => [uuid ?? '', json]);
      await runFenced(appendLines, conversation, [...head, ...values], parts);
      from += batch.length;
    }
  };
  return {
    append: (conversation, part, lines) => add(conversation, part, lines, ''),
    async replace(conversation, part, lines) {
      if (lines.length === 0) return;
      await add(conversation, part, lines, incoming);
      await runFenced(swapLines, conversation, [part.memoryId, part.subpath, incoming], parts);
    },
    async *load(part) {
      for (let at = 0; ; ) {
        const page = await store.run<string[]>(readPage, [keyOf('lines', part)], [at, pageBytes]);
        if (page.length === 0) return;
        at += page.length;
        yield page;
      }
    },
    has: async (memoryId) =>
      (await store.call<number>('EXISTS', keyOf('lines', { memoryId, subpath: '' }))) === 1,
    async hasLines(part, uuids) {
      for (let from = 0; from < uuids.length; from += batchLines) {
        const some = uuids.slice(from, from + batchLines);
        const known = await store.call<number[]>('SMISMEMBER', keyOf('uuids', part), ...some);
        if (known.includes(0)) return false;
      }
      return true;
    },
    subpaths: (memoryId) => store.call<string[]>('SMEMBERS', `${root}:parts:${memoryId}`),
    async delete(conversation, memoryId) {
      await runFenced(deleteAll, conversation, [memoryId], parts);
    },
  };
}

/** As many lines as one step may take, one at least. */
function batchFrom(lines: readonly TranscriptLine[], from: number): readonly TranscriptLine[] {
  let bytes = 0;
  let to = from;
  while (to < lines.length && to - from < batchLines && bytes < pageBytes)
    bytes += (lines[to++] as TranscriptLine).json.length;
  return lines.slice(from, to);
}
