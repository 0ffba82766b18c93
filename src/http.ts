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

/** Whoever listens, until told to stop. */
export interface Listener {
  port: number;
  /** Takes no more connections, lets requests under way end (for a second), and closes the rest. */
  stop(): Promise<void>;
}

/**
 * Node takes one new connection per listening socket and round of its event loop; Campfire opens one per webhook, and a
 * round that starts sessions takes long. So there are several sockets on the port, among which the kernel deals.
 */
const sockets = 8;

/** Listens; resolves once connections are taken. @throws OperatorError when that is not possible. */
export async function listen(
  app: Hono<{ Bindings: HttpBindings }>,
  at: ListenAt,
  clock: Clock,
): Promise<Listener> {
  const open = async (where: ListenAt & { reusePort?: boolean }): Promise<ServerType> => {
    const server = createAdaptorServer({ fetch: app.fetch });
    if ('requestTimeout' in server) server.requestTimeout = requestTimeoutMs;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(where, error)));
      server.listen(where, resolve);
    });
    return server;
  };

  const first = await open(at);
  const { port } = first.address() as { port: number };
  if ('fd' in at) return { port, stop: () => stopListening(first, clock) };
  // Alone first: sockets that share a port would also share it with a service that somebody forgot.
  await new Promise((resolve) => first.close(resolve));
  const shared = { host: at.host, port, reusePort: true };
  const servers = await Promise.all(Array.from({ length: sockets }, () => open(shared)));
  return {
    port,
    stop: async () => void (await Promise.all(servers.map((server) => stopListening(server, clock)))),
  };
}

function cannotListen(at: ListenAt, error: NodeJS.ErrnoException): OperatorError {
  const where = 'fd' in at ? 'the socket that was passed in' : `${at.host}:${at.port}`;
  return new OperatorError(
    'cannot_listen',
    `Cannot listen on ${where}: ${error.message}.`,
    error.code === 'EADDRINUSE' ? 'Stop what uses this port, or set PORT.' : 'Check HOST and PORT.',
    { cause: error },
  );
}

function stopListening(server: ServerType, clock: Clock): Promise<void> {
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
