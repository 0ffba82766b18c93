import { Hono } from 'hono';
import type { Clock } from '../../lib/clock.ts';
import { sentEvents } from '../../lib/sent-events.ts';

/** One lifecycle fact of a service, as JSON; the page has words for those it knows and shows the others as they are. */
export type ServiceFact = { type: string } & Record<string, unknown>;

/** A service that lets the page watch. */
export interface WatchedService {
  /** Calls `listener` with every fact from now on; returns how to stop. */
  subscribe(listener: (fact: ServiceFact) => void): () => void;
  /** `/health`, the sessions as `/api/sessions` lists them, and what the page needs to explain both. */
  snapshot(): Promise<unknown>;
  /** `kill -9` to the agent's process of that session; false when there is none. */
  killAgent(session: string): Promise<boolean>;
}

export interface ServiceFeed {
  routes: Hono;
  /** What `GET …/service` answers, and the facts so far: for a page to draw at once. */
  data(): Promise<unknown>;
}

/** What a page that is opened later still gets to see. */
const factsKept = 1_000;

/**
 * `GET /playground/api/service`; `…/events`: server-sent, what is kept first, each fact with `at` (ms since 1970) and
 * a running number `n`; `POST …/sessions/:session/kill`. Behind the page API's door, which keeps other sites out. Ends
 * when `closing` aborts.
 */
export function serviceFeed(service: WatchedService, clock: Clock, closing: AbortSignal): ServiceFeed {
  const kept: ServiceFact[] = [];
  const readers = new Set<(fact: ServiceFact) => void>();
  let n = 0;
  service.subscribe((told) => {
    const fact = { ...told, at: clock.now(), n: ++n };
    kept.push(fact);
    if (kept.length > factsKept) kept.shift();
    for (const read of readers) read(fact);
  });

  const routes = new Hono();
  routes.get('/playground/api/service', async (c) => c.json(await service.snapshot()));
  routes.get('/playground/api/service/events', (c) => {
    const facts = sentEvents((send) => {
      const read = (fact: ServiceFact) => send(`data: ${JSON.stringify(fact)}\n\n`);
      for (const fact of kept) read(fact);
      readers.add(read);
      return () => readers.delete(read);
    }, closing);
    return c.body(facts, 200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  });
  routes.post('/playground/api/service/sessions/:session/kill', async (c) => {
    const killed = await service.killAgent(c.req.param('session'));
    return killed ? c.body(null, 204) : c.json({ error: 'No agent runs there' }, 404);
  });
  return { routes, data: async () => ({ snapshot: await service.snapshot(), facts: kept }) };
}
