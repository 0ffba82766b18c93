import { join } from 'node:path';
import type { Setting } from '../section.ts';
import { layOut, type Service, startService } from '../stage/service.ts';
import type { Seat } from '../stage/world.ts';

/** Starts a service for one bot, without spares unless `env` says otherwise, and lets Campfire send it its messages. */
export async function startSeated(
  { world, folder, checkout }: Setting,
  { bot, name, env = {} }: { bot: string; name: string; env?: Record<string, string> },
): Promise<{ seat: Seat; service: Service }> {
  const seat = world.seat(bot);
  const home = {
    ...{ folder: join(folder, name), bot: seat.bot, checkout },
    env: { ...world.env, SPARE_SESSIONS: '0', ...env },
  };
  layOut(home);
  const service = await startService(home);
  seat.meet(service);
  return { seat, service };
}
