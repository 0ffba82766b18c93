import { Hono } from 'hono';
import type { Clock } from '../../lib/clock.ts';

/** One lifecycle fact of a service, as JSON; the page knows the types it shows and passes over the rest. */
export type ServiceFact = { type: string } & Record<string, unknown>;

/** A service that lets the page watch. */
export interface WatchedService {
  /** Calls `listener` with every fact from now on; returns how to stop. */
  subscribe(listener: (fact: ServiceFact) => void): () => void;
  /** `{ health, sessions, modelIsScripted, sessionTtlSeconds }`, sessions as `/api/sessions` lists them. */
  snapshot(): Promise<unknown>;
}

/** What a page that is opened later still gets to see. */
const factsKept = 500;
/** Beyond this many unread facts a reader is cut off; its EventSource connects again and gets the newest. */
const unreadFactsMax = 5_000;

/** What the page gets: the fact, and when it came in milliseconds since 1970. */
type TimedFact = ServiceFact & { at: number };

/**
 * `GET /playground/api/service` (the snapshot) and `GET /playground/api/service/events` (server-sent: the newest
 * facts again, oldest first, then each new one).
 */
export function serviceFeed(service: WatchedService, closing: AbortSignal, clock: Clock): Hono {
  const kept: TimedFact[] = [];
  const readers = new Set<(fact: TimedFact) => void>();
  const unsubscribe = service.subscribe((fact) => {
    const timed = { ...fact, at: clock.now() };
    kept.push(timed);
    if (kept.length > factsKept) kept.shift();
    for (const read of readers) read(timed);
  });
  closing.addEventListener('abort', unsubscribe, { once: true });

  const app = new Hono();
  app.get('/playground/api/service', async (c) => {
    c.header('cache-control', 'no-store');
    return c.json(await service.snapshot());
  });
  app.get('/playground/api/service/events', (c) =>
    c.body(streamOf(kept, readers, closing), 200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
    }),
  );
  return app;
}

function streamOf(
  kept: readonly TimedFact[],
  readers: Set<(fact: TimedFact) => void>,
  closing: AbortSignal,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let stop = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const end = () => {
          stop();
          controller.close();
        };
        const read = (fact: TimedFact) => {
          if ((controller.desiredSize ?? 0) <= 0) return end();
          controller.enqueue(encoder.encode(`data: ${JSON.stringify(fact)}\n\n`));
        };
        stop = () => {
          readers.delete(read);
          closing.removeEventListener('abort', end);
        };
        controller.enqueue(encoder.encode('retry: 1000\n: listening\n\n'));
        for (const fact of kept) read(fact);
        readers.add(read);
        closing.addEventListener('abort', end, { once: true });
      },
      cancel: () => stop(),
    },
    new CountQueuingStrategy({ highWaterMark: unreadFactsMax }),
  );
}
