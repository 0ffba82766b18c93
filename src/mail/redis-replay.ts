import type { Outcome, Replay, ReplayOf } from './mail.ts';
import type { FenceParts } from './redis-fence.ts';
import { lanes, scriptOf } from './redis-lua.ts';
import { conversationOf, rootOf, someMessages, type Texts } from './redis-records.ts';

/**
 * Another turn for what has its outcome: its record gives the messages back, and stays without them. No fence: nothing
 * that runs is touched, and a record gives its messages once.
 */

/** KEYS: root. ARGV: now, whether by force, then turn, or nothing, bot and message id. */
const replayScript = scriptOf(
  'mailReplay',
  [lanes],
  `
  local now, byForce, turn, bot, messageId = unpack(ARGV)
  local function isQuestion(text) return select(6, header(text)) == '0' end

  if turn == '' then
    local known = call('HGET', placeOf(bot, messageId))
    local text = known and call('GET', at('m', known))
    if text then return { isQuestion(text) and 'unfinished' or 'unknown' } end
    turn = known and known:match('^-(%d+)$')
    if not turn then return { 'unknown' } end
  end

  local open, settled = call('HGET', at('t', turn), 'messages'), call('GET', at('s', turn))
  if open then
    for _, id in ipairs(list(open)) do
      if isQuestion(call('GET', at('m', id))) then return { 'unfinished' } end
    end
  end
  if not settled then return { 'unknown' } end
  local record = cmsgpack.unpack(settled)
  local c, outcome, cause, wasLost = record[1], record[3], record[4], record[5]
  local again, others, isNamed = {}, {}, not messageId
  for i = 1, #record[7], 2 do
    local into = isQuestion(record[7][i + 1]) and again or others
    if into == again and header(record[7][i + 1]) == messageId then isNamed = true end
    into[#into + 1] = record[7][i]
    into[#into + 1] = record[7][i + 1]
  end
  if #again == 0 or not isNamed then return { 'unknown' } end
  local hasFailed = outcome == 'failed' or outcome == 'undeliverable'
  if byForce == '0' and not hasFailed and not wasLost then return { 'finished', outcome, cause } end

  local running = call('HGET', at('c', c), 'turn')
  local ahead = call('ZCARD', at('q', c))
  if running then ahead = ahead + #list(call('HGET', at('t', running), 'messages')) end
  -- One place behind the last: the next message of the room has an id at least as large, and is younger.
  local position = string.format('%d', call('HGET', at('c', c), 'top') + 1)
  call('HSET', at('c', c), 'top', position)
  for i = 1, #again, 2 do
    local id, text = again[i], again[i + 1]
    local campfireId, author, _, replays, byBot = header(text)
    uncount(c, id, text)
    call('DEL', at('told', author .. ':' .. c))
    local content = text:sub(text:find('\\n', 1, true) + 1)
    again[i + 1] = table.concat({ campfireId, author, now, replays + 1, byBot, 0 }, ' ') .. '\\n' .. content
    call('SET', at('m', id), again[i + 1])
    if campfireId ~= '-' then
      local place, field = placeOf(botOf(c), campfireId)
      call('HSET', place, field, id)
    end
    call('ZADD', at('q', c), position, pad(id))
    call('ZADD', at('w', c), now, id)
    call('ZADD', at('u', c), now, id)
    call('HINCRBY', counts, 'waiting', 1)
  end
  record[7] = others
  call('SET', at('s', turn), cmsgpack.pack(record))
  refresh(c)
  return { 'replayed', outcome, cause, c, ahead, again }
`,
  'is refused',
);

export async function replay(of: ReplayOf, force: boolean, { store, clock }: FenceParts): Promise<Replay> {
  const which = 'turnId' in of ? [of.turnId] : ['', of.botId, of.messageId];
  const values = [clock.now(), Number(force), ...which];
  const [kind, outcome, cause, name, ahead, texts] = await store.run<
    ['unknown' | 'unfinished' | 'finished' | 'replayed', Outcome['kind'], string, string, number, Texts]
  >(replayScript, [rootOf(store)], values);
  if (kind === 'unknown' || kind === 'unfinished') return { kind };
  const was: Outcome =
    outcome === 'answered' || outcome === 'stopped' ? { kind: outcome } : { kind: outcome, cause };
  if (kind === 'finished') return { kind, was };
  return { kind, conversation: conversationOf(name), messages: someMessages(texts), was, ahead };
}
