import { systemClock as clock } from '../../src/lib/clock.ts';

/** Node's own inspector, asked for what a heap holds after a full collection: exact to a few kilobytes. */
export interface Heap {
  /** Bytes that are still reachable. */
  usedBytes(): Promise<number>;
  close(): void;
}

const answerLimitMs = 60_000;

/** `socketUrl` is what a process started with `--inspect` prints. */
export async function openHeap(socketUrl: string): Promise<Heap> {
  const socket = new WebSocket(socketUrl);
  const { promise: opened, resolve, reject } = Promise.withResolvers<void>();
  socket.addEventListener('open', () => resolve());
  socket.addEventListener('error', () => reject(new Error(`No inspector at ${socketUrl}.`)));
  await opened;
  const asked = new Map<number, (result: Record<string, number>) => void>();
  let lastId = 0;
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: Record<string, number> };
    if (id !== undefined) asked.get(id)?.(result ?? {});
  });
  const call = (method: string) => {
    const id = ++lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Record<string, number>>();
    const cancel = clock.after(answerLimitMs, () => reject(new Error(`${method} was not answered.`)));
    asked.set(id, resolve);
    socket.send(JSON.stringify({ id, method }));
    return promise.finally(cancel);
  };
  await call('HeapProfiler.enable');
  return {
    async usedBytes() {
      // The first collection runs finalizers, the second takes what they let go.
      await call('HeapProfiler.collectGarbage');
      await call('HeapProfiler.collectGarbage');
      const { usedSize = Number.NaN, backingStorageSize = 0 } = await call('Runtime.getHeapUsage');
      return usedSize + backingStorageSize;
    },
    close: () => socket.close(),
  };
}
