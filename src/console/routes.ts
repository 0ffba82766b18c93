import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import type { Clock } from '../lib/clock.ts';
import type { Door } from './door.ts';
import type { ConsoleSource } from './source.ts';

export interface WindowParts {
  door: Door;
  source: ConsoleSource;
  clock: Clock;
  /** Aborts when open pages should be let go. */
  closing: AbortSignal;
  /** The address at the other end of the socket. */
  remoteAddress: (c: Context) => string | undefined;
  onError: (error: unknown) => void;
}

/** `/console` and all below it; what answers there is loaded with the first request. */
export function consoleRoutes(parts: WindowParts): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  let loaded: Promise<Hono<{ Bindings: HttpBindings }>> | null = null;
  const load = () => {
    loaded ??= import('./window.ts').then(
      ({ createWindow }) => createWindow(parts),
      (error: unknown) => {
        loaded = null;
        throw error;
      },
    );
    return loaded;
  };
  const answer = async (c: Context) => (await load()).fetch(c.req.raw, c.env);
  app.all('/console', answer);
  app.all('/console/*', answer);
  return app;
}
