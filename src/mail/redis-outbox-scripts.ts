import { retryMaxMs } from './mail.ts';
import { fence, lanes, scriptOf, turns } from './redis-lua.ts';

/** The outbox's steps; keys, first values and answers are as in the mailbox's. */

/** The one notice of a turn's messages, as the room has it. It is theirs alone if it is about no message but theirs. */
const notices = `
  local function noticeOf(turn)
    local of = call('HMGET', at('t', turn), 'c', 'messages')
    if not of[2] then return { 'fixed' } end
    local own, carrier = {}, nil
    for i, id in ipairs(list(of[2])) do
      local by = call('HGET', at('n', of[1]), id)
      if i > 1 and by ~= carrier then return { 'fixed' } end
      own[id], carrier = true, by
    end
    if not carrier then return { 'none' } end
    local notice = call('HMGET', at('t', carrier), 'about', 'rows', 'shown')
    for _, id in ipairs(list(notice[1])) do
      if not own[id] then return { 'fixed' } end
    end
    if notice[2] ~= '0' then return { 'on-its-way' } end
    if not notice[3] then return { 'fixed' } end
    return { 'shown', notice[3] }
  end
`;

/** KEYS: root. ARGV: how many of each bot. Each bot, and its rooms with when they are due, the first due first. */
export const dueScript = scriptOf(
  'mailDue',
  [],
  `
  local found = {}
  for _, bot in ipairs(call('SMEMBERS', root .. ':dueBots')) do
    found[#found + 1] = { bot, call('ZRANGE', at('due', bot), 0, ARGV[1] - 1, 'WITHSCORES') }
  end
  return found
`,
);

/** KEYS: root. ARGV: turn. */
export const noticeOfScript = scriptOf('mailNoticeOf', [lanes, notices], `return noticeOf(ARGV[1])`);

/** Then: when it is, this step's name. */
export const takeScript = scriptOf(
  'mailTake',
  [fence, lanes, notices],
  `
  local c, now, name = ARGV[3], ARGV[5], ARGV[6]
  local row = call('LINDEX', at('o', c), 0)
  if not row then return { 'none' } end
  local turn, ordinal, kind, body, state, tries, notBefore, by =
    unpack(call('HMGET', at('r', row), 'turn', 'ordinal', 'kind', 'body', 'state', 'tries', 'due', 'by'))
  local aheadMs = notBefore - now
  if aheadMs > 0 and aheadMs <= ${retryMaxMs} then return { 'none' } end
  call('HSET', at('r', row), 'state', 'sending', 'by', name)
  local of = call('HMGET', at('t', turn), 'decided', 'newest', 'texts', 'messages')
  local notice = ordinal == '0' and noticeOf(turn)[2]
  return {
    'ok', row, turn, ordinal, kind, body, tries, state == 'sending' and by ~= name and 1 or 0, of[1], of[2],
    notice or false, of[3] and cmsgpack.unpack(of[3]) or textsOf(list(of[4])),
  }
`,
);

/** Then: row, this step's name, whether the notice it follows is over with it, what became of it. */
export const settleRowScript = scriptOf(
  'mailSettleRow',
  [fence, lanes, turns],
  `
  local c, now, row, op, endsNotice, result, a, b = unpack(ARGV, 3)
  local of = call('HMGET', at('r', row), 'turn', 'op')
  local turn = of[1]
  if not turn or of[2] == op then return { 'ok' } end

  if result == 'retry' or result == 'ask-again' then
    call('HINCRBY', at('r', row), 'tries', 1)
    call('HSET', at('r', row), 'state', result == 'retry' and 'pending' or 'sending', 'due', a, 'op', op)
    setDue(c, a)
    return { 'ok' }
  end
  if result == 'replaced' then
    call('HSET', at('r', row), 'state', 'pending', 'kind', a, 'body', b, 'op', op)
    return { 'ok' }
  end

  call('LREM', at('o', c), 1, row)
  call('DEL', at('r', row))
  call('HINCRBY', counts, 'undelivered', -1)
  local following = call('LINDEX', at('o', c), 0)
  setDue(c, following and call('HGET', at('r', following), 'due'))

  if result == 'undeliverable' then
    call('HSET', at('t', turn), 'lost', 1)
  elseif a ~= '' then
    local newest = call('HGET', at('t', turn), 'newest')
    if not newest or tonumber(a) > tonumber(newest) then call('HSET', at('t', turn), 'newest', a) end
    call('HSET', at('t', turn), 'shown', a)
  end
  if endsNotice == '1' then
    -- It was deleted or has become the answer: nobody may touch it any more.
    for _, id in ipairs(list(call('HGET', at('t', turn), 'messages'))) do
      local carrier = call('HGET', at('n', c), id)
      if carrier then call('HDEL', at('t', carrier), 'shown') end
    end
  end
  if call('HINCRBY', at('t', turn), 'rows', -1) == 0 then finish(turn, now) end
  return { 'ok' }
`,
);
