import { Hono } from 'hono';

/** One lifecycle fact of a service, as JSON; the page knows the types it shows and passes over the rest. */
export type ServiceFact = { type: string } & Record<string, unknown>;

/** A service that lets the page watch. */
export interface WatchedService {
  /** Calls `listener` with every fact from now on; returns how to stop. */
  subscribe(listener: (fact: ServiceFact) => void): () => void;
  /** `/health`, the sessions as `/api/sessions` lists them, and what the page needs to explain both. */
  snapshot(): Promise<unknown>;
}

/** What a page that is opened later still gets to see. */
const factsKept = 500;
/** A reader that is further behind is cut off; its EventSource connects again and gets what is kept. */
const unreadFactsMax = 5_000;

/** `GET /playground/api/service`, and `…/events`: server-sent, what is kept first. Ends when `closing` aborts. */
export function serviceFeed(service: WatchedService, closing: AbortSignal): Hono {
  const kept: ServiceFact[] = [];
  const readers = new Set<(fact: ServiceFact) => void>();
  service.subscribe((fact) => {
    kept.push(fact);
    if (kept.length > factsKept) kept.shift();
    for (const read of readers) read(fact);
  });

  const app = new Hono();
  app.get('/playground/api/service', async (c) => c.json(await service.snapshot()));
  app.get('/playground/api/service/events', (c) =>
    c.body(streamOf(kept, readers, closing), 200, {
      ...{ 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
    }),
  );
  return app;
}

function streamOf(
  kept: readonly ServiceFact[],
  readers: Set<(fact: ServiceFact) => void>,
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
        const read = (fact: ServiceFact) => {
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
