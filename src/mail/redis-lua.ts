import type { RedisScript } from '../store/redis.ts';

/**
 * What the scripts of this folder share. Each script is one verb and one atomic step; these are the pieces that it is
 * put together from.
 *
 * Keys, below the root (`C` is `bot:room`; ids are given out by one counter, so the younger one is the larger):
 *   ids, counts            the counter, and how much there is: waiting, atOnce, running, held (in running turns), undelivered
 *   todo                   C → what conversationsWithMail says of it; written by whoever changes it, so that it is one read
 *   due:BOT, dueBots       rooms by when the first row of their outbox may be tried, and the bots that have such rooms
 *   c:C                    top (highest position), oldest (lowest Campfire id), turn (the unfinished one)
 *   q:C, a:C               what waits, by position; what waits for `settle`, by id
 *   w:C, u:C               both lanes by arrival; those of q without a notice by arrival
 *   n:C                    message → the turn that carries its notice, until the message's turn is settled
 *   m:ID                   a message that is not settled: a line of numbers (`header`), then its content
 *   t:ID                   a turn that is not settled, or the carrier of a notice about unsettled messages
 *   o:C, r:ID              rows not yet carried out, in order; one of them
 *   s:ID                   a settled turn with its messages, packed: one small key is all that stays of it
 *   settled, turns:C       settled turns in that order, of all and of one conversation
 *   d:BOT:N                Campfire ids that are known, 256 to a hash: id → message, or minus its settled turn
 *   known:C                the newest known Campfire ids by arrival
 *   ra:, rh:, rb:, told:   what a person said in all, and here, what bots said in a room, in the last minute; who was told
 *   rooms:BOT, names:BOT   rooms seen, by when, and their names
 *   marks, over            message → the mark on it; those to be taken away, by when they may be handed out
 */

/** What `settle` and `decide` do frees memory in the end: only what is new is refused by a Redis that is full. */
type WhenFull = 'goes on' | 'is refused';

/** A script that begins with the pieces it needs. */
export function scriptOf(
  name: string,
  pieces: readonly string[],
  lua: string,
  whenFull: WhenFull = 'goes on',
): RedisScript {
  return { name, lua: [base, ...pieces, lua].join('\n'), goesOnWhenFull: whenFull === 'goes on' };
}

/** KEYS[1]: the root. */
const base = `
  local call, root = redis.call, KEYS[1]
  local counts, todo = root .. ':counts', root .. ':todo'
  local function at(kind, name) return root .. ':' .. kind .. ':' .. name end

  -- As text: Lua writes large numbers with an exponent.
  local function newId() return string.format('%d', call('INCR', root .. ':ids')) end

  -- Members with one position are in the order of their letters.
  local function pad(id) return string.format('%016d', id) end
  local function unpad(member) return member:match('^0*(%d+)$') end

  -- Campfire id (or -), author, arrival, replays, whether by a bot, whether at once.
  local function header(text) return text:match('^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)\\n') end

  -- Small hashes are one compact list inside Redis.
  local function placeOf(bot, messageId)
    local n = tonumber(messageId)
    return at('d', bot .. ':' .. string.format('%d', math.floor(n / 256))), string.format('%d', n % 256)
  end
  local function botOf(c) return c:match('^[^:]+') end
`;

/**
 * Nothing happens but for the machine that has the conversation. KEYS[2], KEYS[3]: who has it, and the last fence.
 * ARGV[1], ARGV[2]: the machine that asks, and its fence; without a name nothing is checked.
 */
export const fence = `
  if ARGV[1] ~= '' then
    local owner = call('HMGET', KEYS[2], 'machine', 'fence')
    if owner[1] ~= ARGV[1] or owner[2] ~= ARGV[2] then
      -- Its lease is over and nobody took the conversation: it may yet hold the same fence again.
      local isFree = not owner[1] and call('GET', KEYS[3]) == ARGV[2]
      return { isFree and 'unsure' or 'fenced' }
    end
  end
`;

/** What waits. */
export const lanes = `
  local function waits(c, id)
    return call('ZSCORE', at('q', c), pad(id)) or call('ZSCORE', at('a', c), id)
  end

  local function leave(c, id)
    if call('ZREM', at('q', c), pad(id)) == 1 then call('HINCRBY', counts, 'waiting', -1)
    elseif call('ZREM', at('a', c), id) == 1 then call('HINCRBY', counts, 'atOnce', -1) end
    call('ZREM', at('w', c), id)
    call('ZREM', at('u', c), id)
  end

  -- Says anew what is to be done: queued, not before, at once, unnoticed since, waiting since.
  local function refresh(c)
    local turn = call('HGET', at('c', c), 'turn')
    local since = call('ZRANGE', at('w', c), 0, 0, 'WITHSCORES')[2]
    if not turn and not since then return call('HDEL', todo, c) end
    local notBefore = false
    if turn then
      local of = call('HMGET', at('t', turn), 'due', 'started')
      notBefore = of[1]
      if not since or tonumber(of[2]) < tonumber(since) then since = of[2] end
    end
    local isQueued = turn or call('EXISTS', at('q', c)) == 1
    local unnoticed = call('ZRANGE', at('u', c), 0, 0, 'WITHSCORES')[2]
    call('HSET', todo, c, table.concat({
      isQueued and 1 or 0, notBefore or 0, call('EXISTS', at('a', c)), unnoticed or '-', since,
    }, ' '))
  end

  -- Ids and texts, one behind the other.
  local function textsOf(ids)
    local texts = {}
    for _, id in ipairs(ids) do
      texts[#texts + 1] = id
      texts[#texts + 1] = call('GET', at('m', id))
    end
    return texts
  end

  local function list(csv)
    local ids = {}
    for id in csv:gmatch('%d+') do ids[#ids + 1] = id end
    return ids
  end

  local function uncount(c, id, text)
    local _, author = header(text)
    call('ZREM', at('ra', author), id)
    call('ZREM', at('rh', author .. ':' .. c), id)
    call('ZREM', at('rb', c:match('%d+$')), id)
  end
`;

/** Says anew when the first row of a conversation may be tried; nothing: it has none. */
const due = `
  local function setDue(c, time)
    local bot, room = botOf(c), c:match('%d+$')
    if time then
      call('ZADD', at('due', bot), time, room)
      call('SADD', root .. ':dueBots', bot)
    else
      call('ZREM', at('due', bot), room)
      if call('EXISTS', at('due', bot)) == 0 then call('SREM', root .. ':dueBots', bot) end
    end
  end
`;

/** What is written, and how turns end. Needs `lanes`. */
export const turns = `${due}
  local function addRow(c, turn, ordinal, kind, body, now)
    local row = newId()
    call('HSET', at('r', row), 'turn', turn, 'ordinal', ordinal, 'kind', kind, 'body', body,
      'state', 'pending', 'tries', 0, 'due', now)
    if call('RPUSH', at('o', c), row) == 1 then setDue(c, now) end
    call('HINCRBY', at('t', turn), 'rows', 1)
    call('HINCRBY', counts, 'undelivered', 1)
  end

  -- The carrier of a notice is needed until it is sent and all that it is about is settled.
  local function release(carrier)
    local turn = at('t', carrier)
    if call('HINCRBY', turn, 'refs', -1) <= 0 and call('HGET', turn, 'rows') == '0' then call('DEL', turn) end
  end

  local function carry(c, ids, ordinal, body, now)
    local carrier = newId()
    -- A text of its own: the message may be settled before its notice is sent.
    call('HSET', at('t', carrier), 'c', c, 'state', 'decided', 'decided', now, 'refs', #ids,
      'about', table.concat(ids, ','), 'texts', cmsgpack.pack(textsOf(ids)))
    for _, id in ipairs(ids) do
      local before = call('HGET', at('n', c), id)
      if before then release(before) end
      call('HSET', at('n', c), id, carrier)
      call('ZREM', at('u', c), id)
    end
    addRow(c, carrier, ordinal, 'waiting', body, now)
  end

  -- Its mark may be taken away.
  local function unmark(id, now)
    if call('HEXISTS', root .. ':marks', id) == 1 then call('ZADD', root .. ':over', now, id) end
  end

  local function unnotice(c, id)
    local carrier = call('HGET', at('n', c), id)
    if not carrier then return end
    call('HDEL', at('n', c), id)
    release(carrier)
  end

  -- Nothing is left to send: what stays is one record.
  local function close(turn, now)
    local of = call('HMGET', at('t', turn), 'c', 'messages', 'outcome', 'cause', 'lost', 'op')
    local c, texts = of[1], textsOf(list(of[2]))
    for i = 1, #texts, 2 do
      local id, messageId = texts[i], header(texts[i + 1])
      if messageId ~= '-' then
        local place, field = placeOf(botOf(c), messageId)
        call('HSET', place, field, '-' .. turn)
      end
      call('DEL', at('m', id))
      unnotice(c, id)
      unmark(id, now)
    end
    call('SET', at('s', turn), cmsgpack.pack({ c, now, of[3], of[4], of[5], of[6], texts }))
    call('RPUSH', root .. ':settled', turn)
    call('RPUSH', at('turns', c), turn)
    call('DEL', at('t', turn))
  end

  -- All its rows are carried out.
  local function finish(turn, now)
    local refs = call('HGET', at('t', turn), 'refs')
    if not refs then close(turn, now) elseif tonumber(refs) <= 0 then call('DEL', at('t', turn)) end
  end

  -- From here on it is decided; closed if there is nothing to send.
  local function decide(c, turn, now, outcome, cause, op, drafts)
    call('HSET', at('t', turn), 'state', 'decided', 'decided', now, 'outcome', outcome, 'cause', cause,
      'op', op, 'rows', 0)
    for i = 1, #drafts, 2 do addRow(c, turn, (i - 1) / 2, drafts[i], drafts[i + 1], now) end
    if #drafts == 0 then close(turn, now) end
  end

  -- The unfinished turn of a conversation runs no more.
  local function endRun(c, turn)
    call('HDEL', at('c', c), 'turn')
    call('HINCRBY', counts, 'running', -1)
    call('HINCRBY', counts, 'held', -#list(call('HGET', at('t', turn), 'messages')))
  end
`;
