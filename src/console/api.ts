import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import type { Downloads } from '../downloads/downloads.ts';
import type { KeptFile } from '../downloads/kept.ts';
import { OperatorError } from '../lib/errors.ts';
import type { SessionSnapshot } from '../sessions/parts.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Replayed, ReplayRequest } from '../turns/replay.ts';
import type { BotEntry } from './bots.ts';
import { type Door, guard } from './door.ts';
import type { UsageReport } from './usage.ts';

/** A live session and the machine it is on. */
export type MachineSession = SessionSnapshot & { machine: string };

export interface ApiParts {
  door: Door;
  /** Of all machines. */
  sessions: () => Promise<MachineSession[]>;
  /** Wherever it is; `unknown` when there is none of this name. */
  closeSession: (id: string) => Promise<'closed' | 'unknown' | 'failed'>;
  bots: () => BotEntry[];
  /** Reads the bot files again, now. */
  reloadBots: () => Promise<void>;
  downloads: Pick<Downloads, 'list' | 'revoke'>;
  usage: (days: number) => Promise<UsageReport>;
  /** @throws OperatorError when there is nothing to replay. */
  replay: (request: ReplayRequest) => Promise<Replayed[]>;
}

const megabyte = 1024 * 1024;

/**
 * The operator's JSON API, mounted where there is an ADMIN_TOKEN.
 *
 * For `Authorization: Bearer ADMIN_TOKEN`, and for the console’s pages: `GET /api/sessions`, `DELETE /api/sessions/:id`,
 * `GET /api/bots`, `POST /api/bots/reload`, `GET /api/downloads`, `DELETE /api/downloads/:id`, `GET /api/usage?days=7`,
 * `POST /api/messages/:id/replay` and `POST /api/turns/:id/replay` (a body of `{"bot", "force"}` may be given).
 */
export function apiRoutes({
  door,
  sessions,
  closeSession,
  bots,
  reloadBots,
  downloads,
  usage,
  replay,
}: ApiParts): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const admitted = guard(door);
  app.use('/api/*', admitted);
  app.get('/api/bots', (c) => c.json(bots()));
  app.post('/api/bots/reload', async (c) => {
    await reloadBots();
    return c.json(bots());
  });
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
  app.get('/api/usage', async (c) => {
    const days = Number(c.req.query('days') ?? 1);
    if (!Number.isInteger(days) || days < 1 || days > usageDaysMax)
      return problem(c, 400, `days must be a whole number from 1 to ${usageDaysMax}.`);
    return c.json(await usage(days));
  });
  app.post('/api/:kind{messages|turns}/:id{[0-9]{1,15}}/replay', (c) => replayRoute(c, replay));
  return app;
}

const usageDaysMax = 3650;

const replayBody = z.strictObject({ bot: z.string().optional(), force: z.boolean().optional() });

async function replayRoute(c: Context, replay: ApiParts['replay']): Promise<Response> {
  const text = await c.req.text();
  const body = replayBody.safeParse(text === '' ? {} : parseJson(text)).data;
  if (!body) return problem(c, 400, 'Send {"bot": "<bot id>", "force": true}, either of them or nothing.');
  const id = Number(c.req.param('id'));
  const isTurn = c.req.param('kind') === 'turns';
  const of = isTurn ? { turnId: id } : { messageId: id, botId: body.bot ?? null };
  try {
    return c.json({ replayed: await replay({ of, force: body.force ?? false }) });
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    const { message, remedy } = error;
    return c.json({ error: message, remedy }, error.code === 'replay_unknown' ? 404 : 409);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `GET /metrics`, for the same. */
export function metricsRoutes(door: Door, metrics: Metrics): Hono<{ Bindings: HttpBindings }> {
  return new Hono<{ Bindings: HttpBindings }>().get('/metrics', guard(door), async (c) => {
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

function problem(c: Context, status: 400 | 401 | 404 | 500, error: string): Response {
  return c.json({ error }, status);
}
