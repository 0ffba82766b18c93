import type { RedisScript, RedisStore } from '../store/redis.ts';
import type { Usage, UsageEntry } from './usage.ts';

/**
 * The usage of all machines in the Redis that they share, so that budgets are one.
 *
 * Keys, below `usage`: days (a set), counts:DAY (`bot:room:author:what` → number), names:DAY (`bot:room:author` → both
 * names), spent:DAY (bot → millionths, `*` for all), told:DAY, moved:DAY (`instance:bot:room:author:what` → number).
 */
export function createRedisUsage(store: RedisStore): Usage {
  const { key, keysOf } = keysIn(store);
  const daysUntil = async (isMeant: (day: string) => boolean) =>
    (await store.call<string[]>('SMEMBERS', key('days'))).filter(isMeant);
  return {
    async record(entry) {
      await store.run(recordScript, [key('days'), ...keysOf(entry.day)], valuesOf(entry));
    },
    async spentOn(day, botId) {
      return Number((await store.call<string | null>('HGET', key('spent', day), botId ?? '*')) ?? 0);
    },
    async since(firstDay) {
      const days = await daysUntil((day) => day >= firstDay);
      return (await Promise.all(days.map((day) => entriesOf(day)))).flat();
    },
    async tellOnce(day, what) {
      // First, so that whoever dies in between leaves nothing that is never forgotten.
      await store.call('SADD', key('days'), day);
      return (await store.call<number>('HSETNX', key('told', day), what, 1)) === 1;
    },
    async forgetBefore(before) {
      for (const day of await daysUntil((each) => each < before)) {
        await store.call('DEL', ...keysOf(day));
        await store.call('SREM', key('days'), day);
      }
    },
  };

  async function entriesOf(day: string): Promise<UsageEntry[]> {
    const [names, counts] = await Promise.all([
      store.call<string[]>('HGETALL', key('names', day)),
      store.call<string[]>('HGETALL', key('counts', day)),
    ]);
    const count = new Map(pairs(counts));
    return pairs(names).map(([whose, both]) => {
      const [botId = '', roomId, authorId] = whose.split(':');
      const [roomName, authorName] = JSON.parse(both) as [string | null, string | null];
      const of = (what: string) => Number(count.get(`${whose}:${what}`) ?? 0);
      return {
        ...{ day, botId, roomId: Number(roomId), authorId: Number(authorId), roomName, authorName },
        ...{ turns: of('turns'), microUsd: of('microUsd') },
        tokens: {
          ...{ input: of('input'), output: of('output') },
          ...{ cacheRead: of('cacheRead'), cacheWrite: of('cacheWrite') },
        },
      };
    });
  }
}

/**
 * Adds the sums that a machine has kept on its own, under its instance's name: of what it moved before only the
 * difference. Those for which there was one.
 */
export async function moveUsage(
  entries: readonly UsageEntry[],
  instance: string,
  store: RedisStore,
): Promise<UsageEntry[]> {
  const { key, keysOf } = keysIn(store);
  const moved: UsageEntry[] = [];
  for (const entry of entries) {
    const keys = [key('days'), ...keysOf(entry.day)];
    if ((await store.run<number>(moveScript, keys, [instance, ...valuesOf(entry)])) === 1) moved.push(entry);
  }
  return moved;
}

function keysIn(store: RedisStore) {
  const key = (...parts: string[]) => store.key('usage', ...parts);
  const kinds = ['counts', 'names', 'spent', 'told', 'moved'];
  return { key, keysOf: (day: string) => kinds.map((kind) => key(kind, day)) };
}

/** What the scripts take of an entry. */
function valuesOf({
  day,
  botId,
  roomId,
  authorId,
  roomName,
  authorName,
  turns,
  microUsd,
  tokens,
}: UsageEntry) {
  const { input, output, cacheRead, cacheWrite } = tokens;
  const whose = [botId, roomId, authorId].join(':');
  const counts = { turns, microUsd, input, output, cacheRead, cacheWrite };
  return [day, botId, whose, JSON.stringify([roomName, authorName]), ...Object.entries(counts).flat()];
}

/** KEYS: days, counts, names, spent. ARGV: day, bot, whose, both names, then what and how much of it. */
const recordScript: RedisScript = {
  name: 'usageRecord',
  goesOnWhenFull: true,
  lua: `
    redis.call('SADD', KEYS[1], ARGV[1])
    redis.call('HSET', KEYS[3], ARGV[3], ARGV[4])
    for i = 5, #ARGV, 2 do
      redis.call('HINCRBY', KEYS[2], ARGV[3] .. ':' .. ARGV[i], ARGV[i + 1])
      if ARGV[i] == 'microUsd' then
        redis.call('HINCRBY', KEYS[4], ARGV[2], ARGV[i + 1])
        redis.call('HINCRBY', KEYS[4], '*', ARGV[i + 1])
      end
    end
  `,
};

/** KEYS: days, counts, names, spent, told, moved. ARGV: the instance, then as above. */
const moveScript: RedisScript = {
  name: 'usageMove',
  lua: `
    redis.call('SADD', KEYS[1], ARGV[2])
    redis.call('HSETNX', KEYS[3], ARGV[4], ARGV[5])
    local isNew = 0
    for i = 6, #ARGV, 2 do
      local count = ARGV[4] .. ':' .. ARGV[i]
      local moved = ARGV[1] .. ':' .. count
      local more = ARGV[i + 1] - (redis.call('HGET', KEYS[6], moved) or 0)
      if more ~= 0 then isNew = 1 end
      redis.call('HSET', KEYS[6], moved, ARGV[i + 1])
      redis.call('HINCRBY', KEYS[2], count, string.format('%d', more))
      if ARGV[i] == 'microUsd' then
        redis.call('HINCRBY', KEYS[4], ARGV[3], string.format('%d', more))
        redis.call('HINCRBY', KEYS[4], '*', string.format('%d', more))
      end
    end
    return isNew
  `,
};

function pairs(flat: readonly string[]): Array<[string, string]> {
  return flat.flatMap((field, i) => (i % 2 === 0 ? [[field, flat[i + 1] ?? ''] as [string, string]] : []));
}
