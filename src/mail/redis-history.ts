import type { Clock } from '../lib/clock.ts';
import type { RedisStore } from '../store/redis.ts';
import type { KnownRange, MailHistory } from './history.ts';
import { lanes, scriptOf, turns } from './redis-lua.ts';
import { nameOf, numberOrNull, rootOf } from './redis-records.ts';

/** Settled turns that one step of forgetting deletes. */
const forgetBatch = 200;

/** What is kept in Redis; `known` remembers only each conversation's newest ids. */
export function createRedisHistory(store: RedisStore, clock: Clock): MailHistory {
  const root = rootOf(store);
  const keys = [root];
  return {
    async see({ botId, roomId, name }) {
      // Each time: to find out whether there is something new to note would take as much.
      await Promise.all([
        store.call('HSET', `${root}:names:${botId}`, roomId, JSON.stringify(name)),
        store.call('ZADD', `${root}:rooms:${botId}`, clock.now(), roomId),
      ]);
    },
    async rooms(botId, max) {
      const flat = await store.run<string[]>(roomsScript, keys, [botId, max]);
      return flat.flatMap((room, i) =>
        i % 2 === 0 ? [{ botId, roomId: Number(room), name: JSON.parse(flat[i + 1] ?? 'null') }] : [],
      );
    },
    async known(conversation, before) {
      const values = [nameOf(conversation), before];
      const [newest, oldest] = await store.run<(string | null)[]>(knownScript, keys, values);
      const range: KnownRange = {
        newestBefore: numberOrNull(newest ?? null),
        oldest: numberOrNull(oldest ?? null),
      };
      return range;
    },
    prune: (settledBefore, max) => store.run<number>(pruneScript, keys, [settledBefore, max]),
    async isQuiet(conversation) {
      return (await store.run<number>(isQuietScript, keys, [nameOf(conversation)])) === 1;
    },
    async forget(conversation, { evenUnfinished } = { evenUnfinished: false }) {
      const { botId, roomId } = conversation;
      const values = [nameOf(conversation), botId, roomId, Number(evenUnfinished), clock.now(), forgetBatch];
      for (;;) {
        const how = await store.run<'busy' | 'more' | 'done'>(forgetScript, keys, values);
        if (how !== 'more') return how === 'done';
      }
    },
  };
}

/** ARGV: bot, how many. Rooms and names alternate. */
const roomsScript = scriptOf(
  'mailRooms',
  [],
  `
  local found = {}
  for _, room in ipairs(call('ZREVRANGE', at('rooms', ARGV[1]), 0, ARGV[2] - 1)) do
    found[#found + 1] = room
    found[#found + 1] = call('HGET', at('names', ARGV[1]), room)
  end
  return found
`,
);

/**
 * ARGV: conversation, time. Ids arrive nearly in their order, so the newest is among the last few that arrived; if it is
 * not, what is taken for it is older, and the catch-up reads a little more.
 */
const knownScript = scriptOf(
  'mailKnown',
  [],
  `
  local c, before = ARGV[1], ARGV[2]
  local newest = false
  for _, id in ipairs(call('ZREVRANGEBYSCORE', at('known', c), '(' .. before, '-inf', 'LIMIT', 0, 50)) do
    if not newest or tonumber(id) > tonumber(newest) then newest = id end
  end
  return { newest, call('HGET', at('c', c), 'oldest') }
`,
);

const records = `
  -- A settled turn's record goes, and that its messages are known.
  local function drop(turn, record)
    for i = 2, #record[7], 2 do
      local messageId = header(record[7][i])
      if messageId ~= '-' then
        local place, field = placeOf(botOf(record[1]), messageId)
        call('HDEL', place, field)
      end
    end
    call('DEL', at('s', turn))
  end
`;

/** ARGV: settled before when, how many. */
const pruneScript = scriptOf(
  'mailPrune',
  [records],
  `
  local settled, pruned = root .. ':settled', 0
  while pruned < tonumber(ARGV[2]) do
    local turn = call('LINDEX', settled, 0)
    if not turn then break end
    local packed = call('GET', at('s', turn))
    -- Without a record its conversation was forgotten.
    if packed then
      local record = cmsgpack.unpack(packed)
      if tonumber(record[2]) >= tonumber(ARGV[1]) then break end
      drop(turn, record)
      call('LREM', at('turns', record[1]), 1, turn)
      pruned = pruned + 1
    end
    call('LPOP', settled)
  end
  return pruned
`,
);

const quiet = `
  local function isQuiet(c) return call('HEXISTS', todo, c) == 0 and call('EXISTS', at('o', c)) == 0 end
`;

/** ARGV: conversation. */
const isQuietScript = scriptOf('mailIsQuiet', [quiet], 'return isQuiet(ARGV[1]) and 1 or 0');

/** ARGV: conversation, bot, room, whether even unfinished, now, how many records at once. */
const forgetScript = scriptOf(
  'mailForget',
  [lanes, turns, quiet, records],
  `
  local c, bot, room, evenUnfinished, now, max = unpack(ARGV)
  if evenUnfinished == '0' and not isQuiet(c) then return 'busy' end

  -- What is unfinished becomes settled, so that all goes in one way.
  local turn = call('HGET', at('c', c), 'turn')
  if turn then
    endRun(c, turn)
    decide(c, turn, now, 'stopped', '', '', {})
  end
  local waiting = call('ZRANGE', at('w', c), 0, -1)
  for _, id in ipairs(waiting) do leave(c, id) end
  if #waiting > 0 then
    local over = newId()
    call('HSET', at('t', over), 'c', c, 'messages', table.concat(waiting, ','))
    decide(c, over, now, 'stopped', '', '', {})
  end
  for _, row in ipairs(call('LRANGE', at('o', c), 0, -1)) do
    local of = call('HGET', at('r', row), 'turn')
    call('DEL', at('r', row))
    call('HINCRBY', counts, 'undelivered', -1)
    if call('HINCRBY', at('t', of), 'rows', -1) == 0 then finish(of, now) end
  end
  call('DEL', at('o', c))
  setDue(c, nil)
  call('HDEL', todo, c)

  for _, settled in ipairs(call('LPOP', at('turns', c), max) or {}) do
    local packed = call('GET', at('s', settled))
    if packed then drop(settled, cmsgpack.unpack(packed)) end
  end
  if call('EXISTS', at('turns', c)) == 1 then return 'more' end
  call('DEL', at('c', c), at('known', c), at('n', c))
  call('ZREM', at('rooms', bot), room)
  call('HDEL', at('names', bot), room)
  return 'done'
`,
);
