import { Queue, Worker } from 'bullmq';
import { Redis as Client } from 'ioredis';
import { connecting, RedisAwayError, type RedisStore } from './redis.ts';

/**
 * Doorbells between machines: BullMQ's queues over the shared Redis. A bell is a text that says where to look, never what
 * there is to do: that is written elsewhere, so a bell that is lost costs time and nothing else.
 *
 * Invariants:
 * 1. A bell that rings already is not rung again; one that rings while it is being answered is answered once more.
 * 2. Ringing waits for nothing: without Redis it fails at once.
 */
export interface Bells {
  /**
   * Rings in a queue, `delayMs` from now. A `second` bell rings beside the first, which may hang on a machine that died.
   * @throws Error when Redis is away.
   */
  ring(queue: string, bell: string, delayMs?: number, second?: boolean): Promise<void>;
  /** Answers the bells of a queue, at most `atOnceMax` at a time, until stopped. */
  answer(queue: string, atOnceMax: number, answer: (bell: string) => Promise<void>): Answering;
  /** Undoes a drop that was cut off: dropping pauses the queue first, for ever. @throws Error when Redis is away. */
  resume(queue: string): Promise<void>;
  /** Throws away a queue that nobody will answer any more. */
  drop(queue: string): Promise<void>;
  close(): Promise<void>;
}

/** Somebody who answers. */
export interface Answering {
  /** Shut, it takes no more bells; others may. */
  setOpen(isOpen: boolean): void;
  /** Takes no more and waits for those under way: one that is left half answered keeps others from ringing for a while. */
  stop(): Promise<void>;
}

/** Nobody reads the record that BullMQ keeps of its jobs. */
const eventsMax = 100;
/** After this time, and half as much, a bell whose machine died while answering is rung again. */
const lockMs = 5_000;
/** Longer than a worker's own waiting for the next bell. */
const silentMaxMs = 15_000;
/** A worker whose connection broke tries again after it. */
const retryMs = 500;

export function openBells(store: RedisStore, onError: (error: Error) => void): Bells {
  // What workers ask waits while Redis is away: refused at once, they would ask again at once, and nothing else would happen.
  const connection = new Client(store.url, {
    ...connecting,
    maxRetriesPerRequest: null,
    socketTimeout: silentMaxMs,
  });
  connection.on('error', () => {});
  const connected = new Promise<void>((resolve) => connection.once('ready', () => resolve()));
  const prefix = store.key('bells');
  const queues = new Map<string, Queue>();
  const workers = new Set<Worker>();
  /** @throws RedisAwayError: who rings does not wait. */
  const queueOf = async (name: string): Promise<Queue> => {
    await connected;
    if (connection.status !== 'ready') throw new RedisAwayError('Redis is away, no bell can be rung.');
    const known = queues.get(name);
    if (known) return known;
    const queue = new Queue(name, {
      ...{ connection, prefix, skipWaitingForReady: true },
      streams: { events: { maxLen: eventsMax } },
    });
    queue.on('error', onError);
    queues.set(name, queue);
    return queue;
  };
  return {
    async ring(name, bell, delayMs = 0, second = false) {
      const queue = await queueOf(name);
      await queue.add('look', bell, {
        deduplication: { id: second ? `${bell} again` : bell, keepLastIfActive: true },
        ...{ delay: delayMs, removeOnComplete: true, removeOnFail: true },
      });
    },
    answer(name, atOnceMax, answer) {
      const worker = new Worker<string>(name, ({ data }) => answer(data), {
        ...{ connection, prefix, concurrency: atOnceMax, runRetryDelay: retryMs },
        ...{ lockDuration: lockMs, stalledInterval: lockMs / 2 },
        ...{ removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } },
      });
      worker.on('error', onError);
      workers.add(worker);
      return answering(worker, {
        isThere: () => connection.status === 'ready',
        stopped: () => workers.delete(worker),
      });
    },
    resume: async (name) => (await queueOf(name)).resume(),
    drop: async (name) => (await queueOf(name)).obliterate({ force: true }),
    async close() {
      // First, so that nobody waits for a Redis that is away: what is not rung is found without a bell.
      connection.disconnect();
      const closing = [...workers].map((worker) => worker.close(true));
      await Promise.allSettled([...closing, ...[...queues.values()].map((queue) => queue.close())]);
    },
  };
}

function answering(worker: Worker, on: { isThere(): boolean; stopped(): void }): Answering {
  let isOpen = true;
  return {
    setOpen(open) {
      if (open === isOpen) return;
      isOpen = open;
      if (open) void worker.resume();
      else void worker.pause(true);
    },
    async stop() {
      // Without Redis it would wait for it.
      await worker.close(!on.isThere());
      on.stopped();
    },
  };
}
