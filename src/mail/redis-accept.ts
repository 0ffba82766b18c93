import type { Accepted, IncomingMail } from './mail.ts';
import type { FenceParts } from './redis-fence.ts';
import { lanes, scriptOf } from './redis-lua.ts';
import { nameOf, readMessage, rootOf, textOf } from './redis-records.ts';

/**
 * Acceptance: one script finds out whether the message is known, keeps it and says what stands beside it. What it
 * costs does not grow with what is kept; counting over a minute costs what has left the minute.
 */

/** Above these the newest known ids tell nothing more; Redis keeps so many as one compact list. */
const knownMax = 128;

const acceptScript = scriptOf(
  'mailAccept',
  [lanes],
  `
  local c, bot, room, now, messageId, author, byBot, atOnce, counted, text = unpack(ARGV)
  local place, field
  if messageId ~= '-' then
    place, field = placeOf(bot, messageId)
    if call('HEXISTS', place, field) == 1 then return false end
  end

  local id = newId()
  call('SET', at('m', id), text)
  -- A message without an id takes the place behind everything that has arrived in its conversation.
  local ends = call('HMGET', at('c', c), 'top', 'oldest')
  local position = place and messageId or ends[1] or '0'
  if not ends[1] or tonumber(position) > tonumber(ends[1]) then call('HSET', at('c', c), 'top', position) end
  if place then
    call('HSET', place, field, id)
    call('ZADD', at('known', c), now, messageId)
    call('ZREMRANGEBYRANK', at('known', c), 0, -${knownMax + 1})
    if not ends[2] or tonumber(messageId) < tonumber(ends[2]) then
      call('HSET', at('c', c), 'oldest', messageId)
    end
  end

  if atOnce == '1' then
    call('ZADD', at('a', c), id, id)
    call('HINCRBY', counts, 'atOnce', 1)
  else
    call('ZADD', at('q', c), position, pad(id))
    call('ZADD', at('u', c), now, id)
    call('HINCRBY', counts, 'waiting', 1)
  end
  call('ZADD', at('w', c), now, id)
  refresh(c)

  local minute = 60000
  local function lastMinute(key, isCounted)
    call('ZREMRANGEBYSCORE', key, '-inf', now - minute)
    -- Further ahead than clocks of machines are apart: it was written before a clock was set back.
    call('ZREMRANGEBYSCORE', key, '(' .. string.format('%d', now + minute), '+inf')
    if isCounted then
      call('ZADD', key, now, id)
      call('PEXPIRE', key, minute)
    end
    return call('ZCARD', key)
  end
  local isCounted = counted == '1'
  local told = tonumber(call('GET', at('told', author .. ':' .. c)) or 0)
  return {
    id, call('ZCARD', at('q', c)), call('HGET', counts, 'waiting') or 0,
    lastMinute(at('rh', author .. ':' .. c), isCounted), lastMinute(at('ra', author), isCounted),
    lastMinute(at('rb', room), isCounted and byBot == '1'),
    told > now - minute and told <= now + minute and 1 or 0,
  }
`,
  'is refused',
);

/** Durable as far as Redis is: with its append-only file written before it answers. */
export async function accept(mail: IncomingMail, { store, clock }: FenceParts): Promise<Accepted> {
  const { botId, roomId, messageId, authorId, fromBot = false, atOnce = false, fetched = false } = mail;
  const now = clock.now();
  const text = textOf(mail, now);
  const kept = await store.run<[string, ...(number | string)[]] | null>(
    acceptScript,
    [rootOf(store)],
    [
      ...[nameOf(mail), botId, roomId, now, messageId ?? '-'],
      ...[authorId, Number(fromBot), Number(atOnce), Number(!atOnce && !fetched), text],
    ],
  );
  if (kept === null) return { kind: 'duplicate' };
  const [id, ...numbers] = kept;
  const [waitingHere = 0, waitingInAll = 0, ofAuthorHere = 0, ofAuthorInAll = 0, ofBotsInRoom = 0, told] =
    numbers.map(Number);
  return {
    kind: 'accepted',
    message: readMessage(id, text),
    standing: {
      ...{ waitingHere, waitingInAll, toldLately: told === 1 },
      lastMinute: { ofAuthorHere, ofAuthorInAll, ofBotsInRoom },
    },
  };
}
