import type { Server } from 'node:http';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import type { Clock } from '../lib/clock.ts';
import { botApi } from './bot-api.ts';
import { Campfire, type CampfireOptions } from './campfire.ts';
import type { SuggestedPrompt } from './chat/html.ts';
import { pageRoutes } from './chat/routes.ts';
import { serviceFeed, type WatchedService } from './chat/service-feed.ts';
import { EventStream } from './events.ts';
import { Faults } from './faults.ts';
import { pageApi, stateOf } from './page-api.ts';
import type { Face } from './records.ts';
import { Storm } from './storm.ts';
import { Webhooks } from './webhooks.ts';

export interface PlaygroundOptions extends Omit<CampfireOptions, 'clock' | 'events' | 'processFile'> {
  clock: Clock;
  face: Face;
  /** Webhooks delivered at a time; 1 as on a server of two cores. */
  workers?: number;
  /** How long a bot's endpoint may take to connect and for each read; Campfire's 7 s unless a test is in a hurry. */
  webhookTimeoutMs?: number;
  /** Messages that the chat page offers to send. */
  suggestedPrompts?: readonly SuggestedPrompt[];
  /** A service whose doings the chat page shows beside the rooms. */
  service?: WatchedService;
  /** Campfire behind `DISABLE_SSL`: its URLs begin with http instead of https. */
  disableSsl?: boolean;
}

/** Of each room; the page asks for older ones. */
const messagesAtFirst = 50;

/** A Campfire in memory, ready to be mounted: `app` serves `/rooms/…` and `/playground/…`. */
export interface Playground {
  app: Hono<{ Bindings: HttpBindings }>;
  campfire: Campfire;
  webhooks: Webhooks;
  faults: Faults;
  events: EventStream;
  storm: Storm;
  /** Assign to `current` to upgrade or downgrade between two requests. */
  face: { current: Face };
  /** Ends storm, event streams and running webhooks. */
  close(): Promise<void>;
}

export interface Simulator extends Playground {
  /** `http://127.0.0.1:<port>`, to be given to the service as `CAMPFIRE_URL`. */
  url: string;
}

/**
 * Builds a Campfire without a port, for a server that has one.
 * @throws RangeError when people, bots and rooms do not fit together.
 */
export function createPlayground(options: PlaygroundOptions): Playground {
  const { clock, workers = 1, webhookTimeoutMs, disableSsl = false } = options;
  const face = { current: options.face };
  const closing = new AbortController();
  const events = new EventStream();
  const faults = new Faults(events);
  const processFile = () => {
    if (faults.current.failProcessing) throw new Error('The file could not be processed');
  };
  const campfire = new Campfire({ ...options, events, processFile });
  const timing = webhookTimeoutMs === undefined ? {} : { timeoutMs: webhookTimeoutMs };
  const webhooks = new Webhooks({ clock, events, campfire, faults, workers, ...timing });
  const storm = new Storm(clock, campfire);

  const app = new Hono<{ Bindings: HttpBindings }>();
  app.route('/', botApi({ clock, events, campfire, faults, face: () => face.current, disableSsl }));
  const stage = { campfire, events, webhooks, faults, storm, face };
  app.route('/playground/api', pageApi({ ...stage, closing: closing.signal }));
  const { service, suggestedPrompts = [] } = options;
  const feed = service && serviceFeed(service, clock, closing.signal);
  if (feed) app.route('/', feed.routes);
  const data = async () => ({ state: stateOf(stage, messagesAtFirst), service: await feed?.data() });
  app.route('/', pageRoutes({ suggestedPrompts, hasService: feed !== undefined, data }));
  app.get('/playground/files/:id', (c) => serveFile(campfire, c.req.param('id')));

  return {
    ...{ app, campfire, webhooks, faults, events, storm, face },
    async close() {
      storm.stop();
      closing.abort();
      await webhooks.close();
    },
  };
}

/** Builds a Campfire and serves it on 127.0.0.1; port 0 takes a free one. */
export async function startSimulator(options: PlaygroundOptions & { port?: number }): Promise<Simulator> {
  const playground = createPlayground(options);
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  const server = createAdaptorServer({ fetch: playground.app.fetch, overrideGlobalObjects: false }) as Server;
  server.once('error', reject);
  server.listen(options.port ?? 0, '127.0.0.1', resolve);
  await listening;
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    ...playground,
    url: `http://127.0.0.1:${port}`,
    async close() {
      await playground.close();
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Shown inline only if it cannot run script: the page and the operator's console share this origin. */
const inlineTypes =
  /^(?:image\/(?:png|jpeg|gif|webp|bmp)|audio\/[\w.+-]+|video\/[\w.+-]+|text\/plain)(?:;|$)/;

function serveFile(campfire: Campfire, id: string): Response {
  const file = campfire.files.get(id);
  if (!file) return new Response('This file is gone.\n', { status: 404 });
  const disposition = inlineTypes.test(file.type) ? 'inline' : 'attachment';
  return new Response(Buffer.from(file.bytes), {
    headers: {
      'content-type': file.type,
      'content-disposition': `${disposition}; filename*=UTF-8''${encodeURIComponent(file.name)}`,
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
    },
  });
}
