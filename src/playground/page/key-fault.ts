import { Hono } from 'hono';
import { keyOf } from '../access.ts';
import type { Campfire } from '../campfire.ts';

/**
 * `GET` and `PUT /playground/api/key-fault` `{rotated}`: an administrator resets every bot's key, and the way back.
 * The old keys stay here, because the page must never see one.
 */
export function keyFault(campfire: Campfire): Hono {
  const lostKeys = new Map<number, string>();
  const app = new Hono();
  app.get('/playground/api/key-fault', (c) => c.json({ rotated: lostKeys.size > 0 }));
  app.put('/playground/api/key-fault', async (c) => {
    const { rotated } = (await c.req.json()) as { rotated?: unknown };
    for (const bot of campfire.bots.values()) {
      const lost = lostKeys.get(bot.id);
      if (rotated === true && lost === undefined) {
        lostKeys.set(bot.id, keyOf(bot));
        campfire.access.rotateKey(bot);
      } else if (rotated !== true && lost !== undefined) {
        campfire.access.rotateKey(bot, lost);
        lostKeys.delete(bot.id);
      }
    }
    return c.json({ rotated: lostKeys.size > 0 });
  });
  return app;
}
