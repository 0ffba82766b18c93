import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import type { WindowParts } from './window.ts';

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
