import { createAdaptorServer, type HttpBindings, type ServerType } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { emptyResponse } from './campfire/intake.ts';
import type { Clock } from './lib/clock.ts';
import { OperatorError } from './lib/errors.ts';

/** What requests still under way get when the service stops. */
const lastRequestsMs = 1000;
/** A request whose body has not arrived by then is given up; Campfire itself waits no longer than 7 s. */
const requestTimeoutMs = 30_000;

/** Everything that answers HTTP, mounted on one application. */
export interface HttpParts {
  /** Route groups in order; each brings its whole paths. */
  routes: readonly Hono<{ Bindings: HttpBindings }>[];
  health: () => Promise<Record<string, unknown>>;
  /** Whether messages are accepted and served, and if not, why. */
  readiness: () => { ready: boolean; problem?: string };
  onError: (error: unknown) => void;
}

/**
 * The application. An unmatched POST and an unhandled error get an answer without body and Content-Type, because
 * the caller may be Campfire, which posts anything else into the room.
 */
export function createHttp({
  routes,
  health,
  readiness,
  onError,
}: HttpParts): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.get('/health', async (c) => c.json(await health()));
  app.get('/ready', (c) => {
    const answer = readiness();
    return c.json(answer, answer.ready ? 200 : 503);
  });
  for (const group of routes) app.route('/', group);
  app.notFound((c) => (isRead(c) ? c.text('Not found', 404) : emptyResponse(404)));
  app.onError((error, c) => {
    onError(error);
    return isRead(c) ? c.text('Something went wrong', 500) : emptyResponse(500);
  });
  return app;
}

function isRead(c: Context): boolean {
  return (c.req.method === 'GET' || c.req.method === 'HEAD') && !c.req.path.startsWith('/webhook');
}

/** Where to take connections: a listening socket that somebody else opened, or an address of our own. */
export type ListenAt = { fd: number } | { host: string; port: number };

/** Listens; resolves with the port once connections are taken. @throws OperatorError when that is not possible. */
export function listen(
  app: Hono<{ Bindings: HttpBindings }>,
  at: ListenAt,
): Promise<{ server: ServerType; port: number }> {
  const server = createAdaptorServer({ fetch: app.fetch });
  if ('requestTimeout' in server) server.requestTimeout = requestTimeoutMs;
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new OperatorError(
          'cannot_listen',
          `Cannot listen on ${'fd' in at ? 'the socket that was passed in' : `${at.host}:${at.port}`}: ${error.message}.`,
          error.code === 'EADDRINUSE' ? 'Stop what uses this port, or set PORT.' : 'Check HOST and PORT.',
          { cause: error },
        ),
      );
    });
    server.listen(at, () => {
      const address = server.address();
      resolve({ server, port: typeof address === 'object' && address ? address.port : 0 });
    });
  });
}

/** Takes no more connections, lets requests under way end (for a second), and closes the rest. */
export function stopListening(server: ServerType, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(
      lastRequestsMs,
      () => 'closeAllConnections' in server && server.closeAllConnections(),
    );
    server.close(() => {
      cancel();
      resolve();
    });
    if ('closeIdleConnections' in server) server.closeIdleConnections();
  });
}

/** The address at the other end of the socket, whatever headers claim. */
export function remoteAddress(c: Context): string | undefined {
  const { incoming } = c.env as { incoming?: { socket?: { remoteAddress?: string } } };
  return incoming?.socket?.remoteAddress;
}
