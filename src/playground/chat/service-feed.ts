import { Hono } from 'hono';
import { sentEvents } from '../sse.ts';

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
  app.get('/playground/api/service/events', (c) => {
    const facts = sentEvents((send) => {
      const read = (fact: ServiceFact) => send(`data: ${JSON.stringify(fact)}\n\n`);
      for (const fact of kept) read(fact);
      readers.add(read);
      return () => readers.delete(read);
    }, closing);
    return c.body(facts, 200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  });
  return app;
}
