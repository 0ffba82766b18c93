import { createCampfireClient } from '../campfire/client.ts';
import type { Bot } from '../config/bot.ts';
import type { Bots } from '../config/bots.ts';
import type { Clock } from '../lib/clock.ts';
import type { Mail } from '../mail/mail.ts';
import type { Emit } from '../telemetry/events.ts';
import { createDelivery, type Delivery } from '../turns/delivery.ts';
import { createHealthBook } from '../turns/health-book.ts';
import { VERSION } from '../version.ts';

/** Everything that speaks to Campfire, and what its answers tell of Campfire and of the bots' keys. */
export function buildOutgoing(parts: {
  campfireUrl: string;
  bots: Bots;
  findBot: (id: string) => Bot | 'gone' | 'unclear';
  mail: Mail;
  clock: Clock;
  emit: Emit;
  /** Campfire was not there since then (epoch ms) and answers again. */
  onCampfireBack: (awayFrom: number) => void;
}) {
  const { campfireUrl, bots, clock, onCampfireBack } = parts;
  const late: { delivery: Delivery | null } = { delivery: null };
  const health = createHealthBook({
    ...{ botOfKey: (key) => bots.byKey(key), clock, emit: parts.emit, random: Math.random, onCampfireBack },
    onReleased: () => late.delivery?.wake(),
  });
  const client = createCampfireClient({
    ...{ baseUrl: campfireUrl, version: VERSION, clock, onCall: health.report },
  });
  const delivery = createDelivery({ ...parts, client, health, random: Math.random });
  late.delivery = delivery;
  return { health, client, delivery };
}
