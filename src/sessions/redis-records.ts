import type { RedisScript, RedisStore } from '../store/redis.ts';
import { fencedScript, rootOf } from './redis-fenced.ts';
import { dropTranscript } from './redis-transcripts.ts';
import type { Conversation } from './resume.ts';

/**
 * What is on record of conversations, in Redis.
 *
 * Keys, below the root: of:ROOM:BOT (a hash, the fields of `Known`), used (conversations by their last turn), slots
 * (slot → conversation), gone (slots of conversations that were forgotten, by when).
 */

/** Null: never set, or taken back. */
export interface Known {
  /** Names the folders on every machine. */
  slot: string;
  memory: string;
  turns: number;
  /** Epoch ms. */
  usedAt: number;
  /** Memory that was given up for this one, as long as the room has not been told. */
  givenUp: string | null;
  /** Machine and boot whose slot has the newest transcript: where its last session began. */
  machine: string | null;
  /** The machine whose working folder has files of it. */
  files: string | null;
  /** Name of the transcript's last line when the last turn ended. */
  last: string | null;
}

const fields = ['slot', 'memory', 'turns', 'used', 'givenUp', 'machine', 'files', 'last'] as const;

export const nameOf = ({ botId, roomId }: Conversation): string => `${roomId}:${botId}`;

export function conversationOf(name: string): Conversation {
  const colon = name.indexOf(':');
  return { botId: name.slice(colon + 1), roomId: Number(name.slice(0, colon)) };
}

export async function readKnown(store: RedisStore, conversation: Conversation): Promise<Known | null> {
  const key = `${rootOf(store)}:of:${nameOf(conversation)}`;
  const [slot, memory, turns, used, givenUp = null, machine = null, files = null, last = null] =
    await store.call<(string | null)[]>('HMGET', key, ...fields);
  if (!slot || !memory) return null;
  return {
    ...{ slot, memory, turns: Number(turns), usedAt: Number(used) },
    ...{ givenUp, machine, files, last },
  };
}

/** Scripts about one conversation: ARGV[3] is its name. */
const about = (name: string, lua: string): RedisScript =>
  fencedScript(name, `local name = ARGV[3] local of = root .. ':of:' .. name ${lua}`);

/** ARGV: slot, memory, machine, now, and 1 for a memory that is new. */
export const beginMemory = about(
  'conversationBegin',
  `
  local before = call('HGET', of, 'slot')
  if before and before ~= ARGV[4] then call('HDEL', root .. ':slots', before) end
  call('HSET', of, 'slot', ARGV[4], 'memory', ARGV[5], 'machine', ARGV[6])
  call('HSET', root .. ':slots', ARGV[4], name)
  if ARGV[8] == '1' then
    call('HSET', of, 'turns', 0)
    call('HDEL', of, 'last')
  end
  call('HSETNX', of, 'used', ARGV[7])
  call('ZADD', root .. ':used', 'NX', ARGV[7], name)
  return 1
`,
);

/** ARGV: the memory to begin with. Gives the one that was given up; nothing when there is none. */
export const giveUpMemory = about(
  'conversationGiveUp',
  `
  ${dropTranscript}
  local memory, before = unpack(call('HMGET', of, 'memory', 'givenUp'))
  if not memory then return false end
  -- Nobody asks for it any more: the record names one at a time.
  if before then drop(before) end
  call('HSET', of, 'memory', ARGV[4], 'turns', 0, 'givenUp', memory)
  call('HDEL', of, 'last')
  return memory
`,
);

/** Takes back the memory that was given up, and gives it; nothing when there is none. */
export const restoreMemory = about(
  'conversationRestore',
  `
  ${dropTranscript}
  local begun, memory = unpack(call('HMGET', of, 'memory', 'givenUp'))
  if not memory then return false end
  drop(begun)
  call('HSET', of, 'memory', memory)
  call('HDEL', of, 'givenUp', 'last')
  return memory
`,
);

/**
 * ARGV: now, 1 when the room was told, the transcript's last line or nothing, the memory that this is a line of, the
 * machine with files or nothing, this step's name.
 */
export const countTurn = about(
  'conversationTurn',
  `
  ${dropTranscript}
  -- The same name: this very step was done, and its answer was lost.
  if call('EXISTS', of) == 0 or call('HGET', of, 'counted') == ARGV[9] then return 0 end
  call('HINCRBY', of, 'turns', 1)
  call('HSET', of, 'used', ARGV[4], 'counted', ARGV[9])
  call('ZADD', root .. ':used', ARGV[4], name)
  local givenUp = ARGV[5] == '1' and call('HGET', of, 'givenUp')
  if givenUp then
    drop(givenUp)
    call('HDEL', of, 'givenUp')
  end
  if ARGV[6] ~= '' and call('HGET', of, 'memory') == ARGV[7] then call('HSET', of, 'last', ARGV[6]) end
  if ARGV[8] ~= '' then call('HSET', of, 'files', ARGV[8]) end
  return 1
`,
);

/** How long it is known that a slot is nobody's any more: every machine that has a folder of it looks far more often. */
const goneMs = 365 * 86_400_000;

/** ARGV: now. Takes it off the record with its transcripts; gives the slot, or nothing. */
export const eraseAll = about(
  'conversationErase',
  `
  ${dropTranscript}
  local known = call('HMGET', of, 'slot', 'memory', 'givenUp')
  if known[2] then drop(known[2]) end
  if known[3] then drop(known[3]) end
  if known[1] then
    call('HDEL', root .. ':slots', known[1])
    call('ZADD', root .. ':gone', ARGV[4], known[1])
    call('ZREMRANGEBYSCORE', root .. ':gone', '-inf', ARGV[4] - ${goneMs})
  end
  call('ZREM', root .. ':used', name)
  call('DEL', of)
  return known[1]
`,
);

/**
 * ARGV: slot, memory, turns, last use, machine, the memory that was given up or nothing, the machine with files or nothing.
 * Gives the memory that is on record then; nothing is changed when there was one.
 */
export const adoptMemory = about(
  'conversationAdopt',
  `
  local memory = call('HGET', of, 'memory')
  if memory then return memory end
  call('HSET', of, 'slot', ARGV[4], 'memory', ARGV[5], 'turns', ARGV[6], 'used', ARGV[7], 'machine', ARGV[8])
  if ARGV[9] ~= '' then call('HSET', of, 'givenUp', ARGV[9]) end
  if ARGV[10] ~= '' then call('HSET', of, 'files', ARGV[10]) end
  call('HSET', root .. ':slots', ARGV[4], name)
  call('ZADD', root .. ':used', ARGV[7], name)
  return ARGV[5]
`,
);
