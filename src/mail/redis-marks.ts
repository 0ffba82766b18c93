import type { Clock } from '../lib/clock.ts';
import type { RedisStore } from '../store/redis.ts';
import type { Mark, Marks } from './marks.ts';
import { scriptOf } from './redis-lua.ts';
import { rootOf } from './redis-records.ts';

/** For so long a mark that was handed out is that machine's to take away. */
const handedOutMs = 30_000;
const handedOutMax = 100;

/** Marks in Redis, beside the mail there: whoever settles a message says that its mark is over. */
export function createRedisMarks(store: RedisStore, clock: Clock): Marks {
  const keys = [rootOf(store)];
  return {
    async put(mark) {
      await store.run(putScript, keys, [mark.message, JSON.stringify(mark), clock.now()]);
    },
    async over() {
      const values = [clock.now(), clock.now() + handedOutMs, handedOutMax];
      const found = await store.run<string[]>(overScript, keys, values);
      return found.map((mark) => JSON.parse(mark) as Mark);
    },
    async drop({ message }) {
      await store.run(dropScript, keys, [message]);
    },
  };
}

/** ARGV: message, mark, now. The message may have its outcome by now. */
const putScript = scriptOf(
  'marksPut',
  [],
  `
  call('HSET', root .. ':marks', ARGV[1], ARGV[2])
  if call('EXISTS', at('m', ARGV[1])) == 0 then call('ZADD', root .. ':over', ARGV[3], ARGV[1]) end
`,
);

/** ARGV: now, until when what is given is left out, how many. */
const overScript = scriptOf(
  'marksOver',
  [],
  `
  local found = {}
  for _, id in ipairs(call('ZRANGEBYSCORE', root .. ':over', '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
    call('ZADD', root .. ':over', ARGV[2], id)
    found[#found + 1] = call('HGET', root .. ':marks', id)
  end
  return found
`,
);

/** ARGV: message. */
const dropScript = scriptOf(
  'marksDrop',
  [],
  `
  call('HDEL', root .. ':marks', ARGV[1])
  call('ZREM', root .. ':over', ARGV[1])
`,
);
