import type { RedisScript, RedisStore } from '../store/redis.ts';
import type { Conversation, FileIndex, KeptFile, Owner } from './kept.ts';

/**
 * What is known of kept files, in the Redis that machines share: whoever is asked serves any link.
 *
 * Keys, below the root: file:ID (a hash: what never changes as JSON in `is`, and token, position, used, hits), token:HASH
 * (an id), of:ROOM:BOT and turn:ROOM:BOT:TURN (ids by position), expires (ids by time), bytes (used by all, and by each
 * conversation), positions (a counter).
 */
export function createRedisFileIndex(store: RedisStore): FileIndex {
  return new RedisFileIndex(store);
}

/** KEYS: the root. ARGV[1]: id. */
const piece = `
  local call, root = redis.call, KEYS[1]
  local file = root .. ':file:' .. ARGV[1]
`;

/** ARGV: id, conversation, turn, token or nothing, what it is, bytes, expiry, use, hits. */
const addFile: RedisScript = {
  name: 'downloadAdd',
  lua: `${piece}
    if call('EXISTS', file) == 1 then return 0 end
    local position = call('INCR', root .. ':positions')
    call('HSET', file, 'conversation', ARGV[2], 'turn', ARGV[3], 'token', ARGV[4], 'is', ARGV[5], 'bytes', ARGV[6],
      'used', ARGV[8], 'hits', ARGV[9], 'position', position)
    if ARGV[4] ~= '' then call('SET', root .. ':token:' .. ARGV[4], ARGV[1]) end
    call('ZADD', root .. ':of:' .. ARGV[2], position, ARGV[1])
    call('ZADD', root .. ':turn:' .. ARGV[2] .. ':' .. ARGV[3], position, ARGV[1])
    call('ZADD', root .. ':expires', ARGV[7], ARGV[1])
    call('HINCRBY', root .. ':bytes', 'all', ARGV[6])
    call('HINCRBY', root .. ':bytes', ARGV[2], ARGV[6])
    return 1
  `,
};

const removeFile: RedisScript = {
  name: 'downloadRemove',
  lua: `${piece}
    local of = call('HMGET', file, 'conversation', 'turn', 'token', 'bytes')
    if not of[1] then return 0 end
    if of[3] ~= '' then call('DEL', root .. ':token:' .. of[3]) end
    call('ZREM', root .. ':of:' .. of[1], ARGV[1])
    call('ZREM', root .. ':turn:' .. of[1] .. ':' .. of[2], ARGV[1])
    call('ZREM', root .. ':expires', ARGV[1])
    call('HINCRBY', root .. ':bytes', 'all', -of[4])
    if call('HINCRBY', root .. ':bytes', of[1], -of[4]) <= 0 then call('HDEL', root .. ':bytes', of[1]) end
    call('DEL', file)
    return 1
  `,
};

/** ARGV: id, the new token. */
const replaceToken: RedisScript = {
  name: 'downloadToken',
  lua: `${piece}
    local before = call('HGET', file, 'token')
    if not before then return 0 end
    if before ~= '' then call('DEL', root .. ':token:' .. before) end
    call('HSET', file, 'token', ARGV[2])
    call('SET', root .. ':token:' .. ARGV[2], ARGV[1])
    return 1
  `,
};

/** ARGV: id, when. */
const countHit: RedisScript = {
  name: 'downloadHit',
  lua: `${piece}
    local used = call('HGET', file, 'used')
    if not used then return 0 end
    call('HINCRBY', file, 'hits', 1)
    if tonumber(ARGV[2]) > tonumber(used) then call('HSET', file, 'used', ARGV[2]) end
    return 1
  `,
};

/** ARGV: ids. What is known of each, in their order; those that are gone are left out. */
const readFiles: RedisScript = {
  name: 'downloadRead',
  lua: `
    local found = {}
    for _, id in ipairs(ARGV) do
      local file = redis.call('HMGET', KEYS[1] .. ':file:' .. id, 'is', 'used', 'hits', 'position')
      if file[1] then found[#found + 1] = file end
    end
    return found
  `,
};

/** Ids that are read in one step. */
const batch = 500;

class RedisFileIndex implements FileIndex {
  readonly #store: RedisStore;
  readonly #root: string;

  constructor(store: RedisStore) {
    this.#store = store;
    this.#root = store.key('downloads');
  }

  async add(file: KeptFile, tokenHash: string | null) {
    const { hits, usedAt, ...is } = file;
    const values = [JSON.stringify(is), file.bytes, file.expiresAt, usedAt, hits];
    await this.#run(addFile, file.id, nameOf(file), file.turnId, tokenHash ?? '', ...values);
  }

  async byId(id: string) {
    return (await this.#read([id]))[0]?.file ?? null;
  }

  async byToken(tokenHash: string) {
    const id = await this.#store.call<string | null>('GET', `${this.#root}:token:${tokenHash}`);
    return id === null ? null : this.byId(id);
  }

  async ofTurn(owner: Owner) {
    const key = `${this.#root}:turn:${nameOf(owner)}:${owner.turnId}`;
    const ids = await this.#store.call<string[]>('ZRANGE', key, 0, -1);
    return (await this.#read(ids)).map(({ file }) => file);
  }

  async list({ conversation, expiredBy = Number.MAX_SAFE_INTEGER }: Parameters<FileIndex['list']>[0]) {
    const ids = conversation
      ? await this.#store.call<string[]>('ZRANGE', `${this.#root}:of:${nameOf(conversation)}`, 0, -1)
      : await this.#store.call<string[]>('ZRANGE', `${this.#root}:expires`, '-inf', expiredBy, 'BYSCORE');
    return (await this.#read(ids))
      .filter(({ file }) => file.expiresAt <= expiredBy)
      .sort((a, b) => a.file.usedAt - b.file.usedAt || a.position - b.position)
      .map(({ file }) => file);
  }

  async usedBytes(conversation: Conversation | null) {
    const field = conversation ? nameOf(conversation) : 'all';
    return Number(await this.#store.call<string | null>('HGET', `${this.#root}:bytes`, field));
  }

  async replaceToken(id: string, tokenHash: string) {
    await this.#run(replaceToken, id, tokenHash);
  }

  async countHit(id: string, at: number) {
    await this.#run(countHit, id, at);
  }

  async remove(id: string) {
    return (await this.#run<number>(removeFile, id)) === 1;
  }

  #run<T>(script: RedisScript, ...values: (string | number)[]): Promise<T> {
    return this.#store.run<T>(script, [this.#root], values);
  }

  async #read(ids: readonly string[]): Promise<{ file: KeptFile; position: number }[]> {
    const found: { file: KeptFile; position: number }[] = [];
    for (let from = 0; from < ids.length; from += batch) {
      const rows = await this.#run<[is: string, used: string, hits: string, position: string][]>(
        ...([readFiles, ...ids.slice(from, from + batch)] as const),
      );
      for (const [is, used, hits, position] of rows) {
        const file = { ...JSON.parse(is), usedAt: Number(used), hits: Number(hits) } as KeptFile;
        found.push({ file, position: Number(position) });
      }
    }
    return found;
  }
}

function nameOf({ roomId, botId }: Conversation): string {
  return `${roomId}:${botId}`;
}
