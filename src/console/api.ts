import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { digestOf, isSecret } from '../config/secret.ts';
import type { Downloads } from '../downloads/downloads.ts';
import type { KeptFile } from '../downloads/kept.ts';
import type { SessionSnapshot } from '../sessions/parts.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { BotEntry } from './bots.ts';

/** A live session and the machine it is on. */
export type MachineSession = SessionSnapshot & { machine: string };

/** The operator's JSON API. Without ADMIN_TOKEN it does not exist. */
export interface ApiParts {
  adminToken: string | undefined;
  /** Of all machines. */
  sessions: () => Promise<MachineSession[]>;
  /** Wherever it is; `unknown` when there is none of this name. */
  closeSession: (id: string) => Promise<'closed' | 'unknown' | 'failed'>;
  bots: () => BotEntry[];
  downloads: Pick<Downloads, 'list' | 'revoke'>;
}

const megabyte = 1024 * 1024;

/**
 * For `Authorization: Bearer ADMIN_TOKEN`: `GET /api/sessions`, `DELETE /api/sessions/:id`, `GET /api/bots`,
 * `GET /api/downloads` and `DELETE /api/downloads/:id`.
 */
export function apiRoutes({
  adminToken,
  sessions,
  closeSession,
  bots,
  downloads,
}: ApiParts): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  if (adminToken === undefined) return app;
  const guard = requireToken(adminToken);
  app.use('/api/*', guard);
  app.get('/api/bots', (c) => c.json(bots()));
  app.get('/api/sessions', async (c) => c.json(sessionList(await sessions())));
  app.delete('/api/sessions/:id', async (c) => {
    const id = c.req.param('id');
    const result = await closeSession(id);
    if (result === 'unknown') return problem(c, 404, `There is no session ${id}.`);
    if (result === 'failed') return problem(c, 500, `${id} did not end; it is tried again.`);
    return c.json({ closed: id });
  });
  app.get('/api/downloads', async (c) => c.json((await downloads.list()).map(downloadEntry)));
  app.delete('/api/downloads/:id', async (c) => {
    const id = c.req.param('id');
    return (await downloads.revoke(id)) ? c.json({ revoked: id }) : problem(c, 404, 'There is no such link.');
  });
  return app;
}

/** `GET /metrics`, for the same bearer. */
export function metricsRoutes({
  adminToken,
  metrics,
}: {
  adminToken: string | undefined;
  metrics: Metrics;
}): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  if (adminToken === undefined) return app;
  return app.get('/metrics', requireToken(adminToken), async (c) => {
    const { contentType, body } = await metrics.render();
    return c.body(body, 200, { 'Content-Type': contentType });
  });
}

/** Sessions as the API promises them. */
export function sessionList(sessions: readonly MachineSession[]): unknown[] {
  return sessions.map(({ id, state, pid, turns, idleSeconds, memoryBytes, machine }) => ({
    ...{ id, state, pid, turns, machine, idle_seconds: idleSeconds },
    memory_mb: Math.round(memoryBytes / megabyte),
  }));
}

/** A shared file as the API promises it. Its link is not in it: nobody but its receivers has that. */
function downloadEntry(file: KeptFile): unknown {
  const { id, name, title, mediaType, bytes, roomId, botId, hits } = file;
  return {
    ...{
      id,
      name,
      title,
      type: mediaType,
      bytes,
      hits,
      session: `${roomId}:${botId}`,
      room: roomId,
      bot: botId,
    },
    created_at: new Date(file.createdAt).toISOString(),
    expires_at: new Date(file.expiresAt).toISOString(),
  };
}

function requireToken(token: string): MiddlewareHandler {
  const expected = digestOf(`Bearer ${token}`);
  return async (c, next) => {
    if (isSecret(c.req.header('authorization') ?? '', expected)) return next();
    return problem(c, 401, 'Send "Authorization: Bearer" with the ADMIN_TOKEN.');
  };
}

function problem(c: Context, status: 401 | 404 | 500, error: string): Response {
  return c.json({ error }, status);
}
