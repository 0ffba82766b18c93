import { Hono } from 'hono';
import { z } from 'zod';
import type { Campfire } from '../campfire.ts';
import { keyOf } from '../access.ts';

const wanted = z.strictObject({ rotated: z.boolean() });

/**
 * `GET` and `PUT /playground/api/key-rotated`: an administrator gives every bot a new key and tells nobody, and later
 * takes that back. The page never learns a key, so what it undoes is remembered here.
 */
export function keySwitch({ bots, access }: Campfire): Hono {
  const before = new Map<number, string>();
  const app = new Hono();
  app.get('/playground/api/key-rotated', (c) => c.json({ rotated: before.size > 0 }));
  app.put('/playground/api/key-rotated', async (c) => {
    const { rotated } = wanted.parse(await c.req.json());
    for (const bot of bots.values()) {
      const key = before.get(bot.id);
      if (rotated && key === undefined) {
        before.set(bot.id, keyOf(bot));
        access.rotateKey(bot);
      } else if (!rotated && key !== undefined) {
        access.rotateKey(bot, key);
      }
    }
    if (!rotated) before.clear();
    return c.json({ rotated });
  });
  return app;
}
