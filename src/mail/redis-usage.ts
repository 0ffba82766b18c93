import type { RedisScript, RedisStore } from '../store/redis.ts';
import type { Usage, UsageEntry } from './usage.ts';

/**
 * The usage of all machines in the Redis that they share, so that budgets are one.
 *
 * Keys, below `usage`: days (a set), counts:DAY (`bot:room:author:what` → number), names:DAY (`bot:room:author` → both
 * names), spent:DAY (bot → millionths, `*` for all), told:DAY.
 */
export function createRedisUsage(store: RedisStore): Usage {
  const key = (...parts: string[]) => store.key('usage', ...parts);
  const keysOf = (day: string) => ['counts', 'names', 'spent', 'told'].map((kind) => key(kind, day));
  const daysUntil = async (isMeant: (day: string) => boolean) =>
    (await store.call<string[]>('SMEMBERS', key('days'))).filter(isMeant);
  return {
    async record({ day, botId, roomId, authorId, roomName, authorName, turns, microUsd, tokens }) {
      const { input, output, cacheRead, cacheWrite } = tokens;
      const whose = [botId, roomId, authorId].join(':');
      const names = JSON.stringify([roomName, authorName]);
      const counts = { turns, microUsd, input, output, cacheRead, cacheWrite };
      await store.run(
        recordScript,
        [key('days'), ...keysOf(day)],
        [day, botId, whose, names, microUsd, ...Object.entries(counts).flat()],
      );
    },
    async spentOn(day, botId) {
      return Number((await store.call<string | null>('HGET', key('spent', day), botId ?? '*')) ?? 0);
    },
    async since(firstDay) {
      const days = await daysUntil((day) => day >= firstDay);
      return (await Promise.all(days.map((day) => entriesOf(day)))).flat();
    },
    async tellOnce(day, what) {
      const told = await store.call<number>('HSETNX', key('told', day), what, 1);
      await store.call('SADD', key('days'), day);
      return told === 1;
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

/** KEYS: days, counts, names, spent. ARGV: day, bot, whose, names, millionths, then what and how much of it. */
const recordScript: RedisScript = {
  name: 'usageRecord',
  lua: `
    redis.call('SADD', KEYS[1], ARGV[1])
    redis.call('HSET', KEYS[3], ARGV[3], ARGV[4])
    redis.call('HINCRBY', KEYS[4], ARGV[2], ARGV[5])
    redis.call('HINCRBY', KEYS[4], '*', ARGV[5])
    for i = 6, #ARGV, 2 do redis.call('HINCRBY', KEYS[2], ARGV[3] .. ':' .. ARGV[i], ARGV[i + 1]) end
  `,
};

function pairs(flat: readonly string[]): Array<[string, string]> {
  return flat.flatMap((field, i) => (i % 2 === 0 ? [[field, flat[i + 1] ?? ''] as [string, string]] : []));
}
