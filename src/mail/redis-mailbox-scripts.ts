import { fence, lanes, scriptOf, turns } from './redis-lua.ts';

/**
 * The mailbox's steps. But for `situation`: KEYS root, own, fence; ARGV machine, fence, conversation, now, then what
 * stands at each. They answer how it went, then what they give.
 */

/** As `TurnFields` names them. */
const turnFields = `
  local function fieldsOf(turn)
    local fields = call('HMGET', at('t', turn), 'attempt', 'postponements', 'uuid', 'previous', 'started', 'due')
    table.insert(fields, 1, turn)
    return fields
  end
`;

/** ARGV: conversation. The unfinished turn and its texts, what waits with who was noticed, what is for at once. */
export const situationScript = scriptOf(
  'mailSituation',
  [lanes, turnFields],
  `
  local c = ARGV[1]
  local turn = call('HGET', at('c', c), 'turn')
  local waiting, noticed = {}, {}
  for i, member in ipairs(call('ZRANGE', at('q', c), 0, -1)) do
    waiting[i] = unpad(member)
    noticed[i] = call('HEXISTS', at('n', c), waiting[i])
  end
  return {
    turn and fieldsOf(turn), turn and textsOf(list(call('HGET', at('t', turn), 'messages'))) or {},
    textsOf(waiting), noticed, textsOf(call('ZRANGE', at('a', c), 0, -1)),
  }
`,
);

/** Then: the new attempt's prompt, the messages that are to be the next turn. */
export const beginScript = scriptOf(
  'mailBegin',
  [fence, lanes, turnFields],
  `
  local c, now, uuid = ARGV[3], ARGV[4], ARGV[5]
  local turn = call('HGET', at('c', c), 'turn')
  if turn then
    local of = call('HMGET', at('t', turn), 'uuid', 'due')
    if of[2] and tonumber(of[2]) > tonumber(now) then return { 'none' } end
    -- The same prompt: this very step was done, and its answer was lost.
    if of[1] ~= uuid then
      call('HINCRBY', at('t', turn), 'attempt', 1)
      call('HSET', at('t', turn), 'uuid', uuid, 'previous', of[1])
      call('HDEL', at('t', turn), 'due')
    end
  else
    local ids = { unpack(ARGV, 6) }
    local first = call('ZRANGE', at('q', c), 0, math.max(0, #ids - 1))
    if #ids == 0 then return { first[1] and 'changed' or 'none' } end
    for i, id in ipairs(ids) do
      if not first[i] or unpad(first[i]) ~= id then return { 'changed' } end
    end
    turn = newId()
    for _, id in ipairs(ids) do leave(c, id) end
    call('HSET', at('c', c), 'turn', turn)
    call('HSET', at('t', turn), 'c', c, 'state', 'running', 'attempt', 1, 'postponements', 0, 'uuid', uuid,
      'started', now, 'messages', table.concat(ids, ','))
    call('HINCRBY', counts, 'running', 1)
    call('HINCRBY', counts, 'held', #ids)
  end
  refresh(c)
  return { 'ok', fieldsOf(turn), textsOf(list(call('HGET', at('t', turn), 'messages'))) }
`,
);

/** Then: this step's name. The unfinished turn once more, with the prompt that it has. */
export const beginSameScript = scriptOf(
  'mailBeginSame',
  [fence, lanes, turnFields],
  `
  local c, now, op = unpack(ARGV, 3)
  local turn = call('HGET', at('c', c), 'turn')
  if not turn then return { 'none' } end
  local of = call('HMGET', at('t', turn), 'op', 'due')
  if of[1] ~= op then
    if of[2] and tonumber(of[2]) > tonumber(now) then return { 'none' } end
    call('HINCRBY', at('t', turn), 'attempt', 1)
    call('HSET', at('t', turn), 'op', op)
    call('HDEL', at('t', turn), 'due')
    refresh(c)
  end
  return { 'ok', fieldsOf(turn), textsOf(list(call('HGET', at('t', turn), 'messages'))) }
`,
);

/** Then: turn, prompt, this step's name, until when it is put off or nothing, and perhaps a notice's ordinal and body. */
export const giveBackScript = scriptOf(
  'mailGiveBack',
  [fence, lanes, turns],
  `
  local c, now, turn, uuid, op, notBefore, ordinal, body = unpack(ARGV, 3)
  local of = call('HMGET', at('t', turn), 'state', 'uuid', 'op', 'messages')
  if of[1] ~= 'running' or of[2] ~= uuid or of[3] == op then return { 'ok' } end
  call('HINCRBY', at('t', turn), 'attempt', -1)
  call('HSET', at('t', turn), 'op', op)
  if notBefore ~= '' then
    call('HINCRBY', at('t', turn), 'postponements', 1)
    call('HSET', at('t', turn), 'due', notBefore)
  end
  if ordinal then carry(c, list(of[4]), ordinal, body, now) end
  refresh(c)
  return { 'ok' }
`,
);

/** Then: turn, prompt, this step's name, outcome, cause, kinds and bodies. */
export const decideScript = scriptOf(
  'mailDecide',
  [fence, lanes, turns],
  `
  local c, now, turn, uuid, op, outcome, cause = unpack(ARGV, 3)
  local of = call('HMGET', at('t', turn), 'state', 'uuid', 'op')
  -- Another attempt's turn is no more this one's than a decided one.
  if of[1] ~= 'running' or of[2] ~= uuid then
    local settled = not of[1] and call('GET', at('s', turn))
    local by = settled and cmsgpack.unpack(settled)[6] or of[3]
    return { by == op and 'ok' or 'decided' }
  end
  endRun(c, turn)
  decide(c, turn, now, outcome, cause, op, { unpack(ARGV, 10) })
  refresh(c)
  return { 'ok' }
`,
);

/** Then: the turn to stop or nothing, outcome, cause, whether the author is told off, how many messages, they, drafts. */
export const settleScript = scriptOf(
  'mailSettle',
  [fence, lanes, turns],
  `
  local c, now, stopped, outcome, cause, isTold, count = unpack(ARGV, 3)
  local ids, drafts = { unpack(ARGV, 10, 9 + count) }, { unpack(ARGV, 10 + count) }
  if #ids == 0 then return { 'ok', 0 } end
  for _, id in ipairs(ids) do
    if not waits(c, id) then return { 'ok', 0 } end
  end
  if stopped ~= '' then
    if call('HGET', at('c', c), 'turn') ~= stopped then return { 'ok', 0 } end
    endRun(c, stopped)
    decide(c, stopped, now, 'stopped', '', '', {})
  end
  for _, id in ipairs(ids) do
    local text = call('GET', at('m', id))
    local _, author = header(text)
    leave(c, id)
    uncount(c, id, text)
    if isTold == '1' then call('SET', at('told', author .. ':' .. c), now, 'PX', 60000) end
  end
  local turn = newId()
  call('HSET', at('t', turn), 'c', c, 'messages', table.concat(ids, ','))
  decide(c, turn, now, outcome, cause, '', drafts)
  refresh(c)
  return { 'ok', 1 }
`,
);

/** Then: ordinal, body, messages. */
export const noticeScript = scriptOf(
  'mailNotice',
  [fence, lanes, turns],
  `
  local c, now, ordinal, body = unpack(ARGV, 3)
  local turn, running = call('HGET', at('c', c), 'turn'), {}
  if turn then
    for _, id in ipairs(list(call('HGET', at('t', turn), 'messages'))) do running[id] = true end
  end
  local unnoticed = {}
  for i = 7, #ARGV do
    local id = ARGV[i]
    if (running[id] or waits(c, id)) and call('HEXISTS', at('n', c), id) == 0 then
      unnoticed[#unnoticed + 1] = id
    end
  end
  if #unnoticed == 0 then return { 'ok', 0 } end
  carry(c, unnoticed, ordinal, body, now)
  refresh(c)
  return { 'ok', 1 }
`,
);
