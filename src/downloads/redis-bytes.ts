import type { Clock } from '../lib/clock.ts';
import type { RedisStore } from '../store/redis.ts';
import type { ByteStore } from './kept.ts';

/**
 * Bytes of kept files in the Redis that machines share, with a copy on the disk of each machine that took or served
 * them: what people open is read from a file, in any part, and Redis is asked once.
 *
 * Invariants:
 * 1. Bytes are whole in Redis before they can be opened anywhere.
 * 2. A copy is as good as its original, because bytes never change; one without original is swept like any leftover.
 *
 * Keys, below the root: blob:ID and half:ID (lists of chunks), blobs (ids by when they were begun).
 */
export interface RedisBytesParts {
  store: RedisStore;
  /** Copies on this machine. */
  disk: ByteStore;
  clock: Clock;
  /** So long another machine may take to put bytes on the index; they are no leftovers meanwhile. */
  graceMs: number;
}

/** Redis serves nobody else while it hands one out. */
const chunkBytes = 256 * 1024;

export function createRedisBytes(parts: RedisBytesParts): ByteStore {
  const { store, disk, clock, graceMs } = parts;
  const root = store.key('downloads');
  const fetching = new Map<string, Promise<void>>();
  const isThere = async (id: string) => (await store.call<number>('EXISTS', `${root}:blob:${id}`)) === 1;

  const upload = async (id: string, blob: Blob) => {
    const [half, whole] = [`${root}:half:${id}`, `${root}:blob:${id}`];
    await store.call('ZADD', `${root}:blobs`, clock.now(), id);
    await store.call('DEL', half);
    // An empty file is a list with one empty chunk.
    for (let at = 0; at === 0 || at < blob.size; at += chunkBytes) {
      const chunk = await blob.slice(at, at + chunkBytes).arrayBuffer();
      await store.call('RPUSH', half, Buffer.from(chunk));
    }
    await store.call('RENAME', half, whole);
  };

  async function* chunksOf(id: string): AsyncGenerator<Uint8Array> {
    for (let at = 0; ; at++) {
      const chunk = await store.callBuffer<Buffer | null>('LINDEX', `${root}:blob:${id}`, at);
      if (chunk === null) return;
      yield chunk;
    }
  }

  /** One at a time for each file, however many ask. */
  const fetch = (id: string): Promise<void> => {
    const running = fetching.get(id);
    if (running !== undefined) return running;
    const fetched = (async () => {
      await disk.remove(id);
      await disk.put(id, chunksOf(id), Number.POSITIVE_INFINITY);
    })().finally(() => fetching.delete(id));
    fetching.set(id, fetched);
    return fetched;
  };

  return {
    async put(id, chunks, maxBytes) {
      const put = await disk.put(id, chunks, maxBytes);
      const blob = put && (await disk.open(id));
      if (blob) await upload(id, blob);
      return put;
    },
    async open(id) {
      if (!(await isThere(id))) return null;
      const copy = await disk.open(id);
      if (copy) return copy;
      await fetch(id);
      return disk.open(id);
    },
    async remove(id) {
      await disk.remove(id);
      await store.call('UNLINK', `${root}:blob:${id}`, `${root}:half:${id}`);
      await store.call('ZREM', `${root}:blobs`, id);
    },
    async *ids() {
      const shared = await store.call<string[]>(
        ...(['ZRANGE', `${root}:blobs`, '-inf', clock.now() - graceMs, 'BYSCORE'] as const),
      );
      const told = new Set(shared);
      yield* shared;
      for await (const id of disk.ids()) if (!told.has(id)) yield id;
    },
  };
}
