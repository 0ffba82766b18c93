import { Hono } from 'hono';
import type { Clock } from '../../lib/clock.ts';

/** One lifecycle fact of a service, as JSON; the page knows the types it shows and passes over the rest. */
export type ServiceFact = { type: string } & Record<string, unknown>;

/** A service that lets the page watch. */
export interface WatchedService {
  /** Calls `listener` with every fact from now on; returns how to stop. */
  subscribe(listener: (fact: ServiceFact) => void): () => void;
  /** `/health`, the sessions as `/api/sessions` lists them, and what the page needs to explain both. */
  snapshot(): Promise<unknown>;
}

/** A fact with the time at which it was heard: a page that is opened later still shows what took how long. */
type HeardFact = ServiceFact & { at: number };
type Read = (fact: HeardFact) => void;

/** What a page that is opened later still gets to see. */
const factsKept = 500;
/** Beyond this many unread facts a reader is cut off; its EventSource connects again and gets the kept ones. */
const unreadFactsMax = 5_000;

/** `GET /playground/api/service` and `GET /playground/api/service/events` (server-sent; the kept facts come first). */
export function serviceFeed(service: WatchedService, clock: Clock, closing: AbortSignal): Hono {
  const kept: HeardFact[] = [];
  const readers = new Set<Read>();
  const stop = service.subscribe((fact) => {
    const heard = { ...fact, at: clock.now() };
    kept.push(heard);
    if (kept.length > factsKept) kept.shift();
    for (const read of readers) read(heard);
  });
  closing.addEventListener('abort', stop, { once: true });

  const app = new Hono();
  app.get('/playground/api/service', async (c) => c.json(await service.snapshot()));
  app.get('/playground/api/service/events', (c) =>
    c.body(streamOf(kept, readers, closing), 200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
    }),
  );
  return app;
}

function streamOf(
  kept: readonly HeardFact[],
  readers: Set<Read>,
  closing: AbortSignal,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let stop = () => {};
  return new ReadableStream(
    {
      start(controller) {
        const end = () => {
          stop();
          controller.close();
        };
        const read: Read = (fact) => {
          if ((controller.desiredSize ?? 0) <= 0) return end();
          controller.enqueue(encoder.encode(`data: ${JSON.stringify(fact)}\n\n`));
        };
        stop = () => {
          readers.delete(read);
          closing.removeEventListener('abort', end);
        };
        controller.enqueue(encoder.encode('retry: 1000\n\n'));
        for (const fact of kept) read(fact);
        readers.add(read);
        closing.addEventListener('abort', end, { once: true });
      },
      cancel: () => stop(),
    },
    new CountQueuingStrategy({ highWaterMark: unreadFactsMax }),
  );
}
