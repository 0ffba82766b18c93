import { createCampfireClient } from '../campfire/client.ts';
import { createFaceBook } from '../campfire/face.ts';
import type { FindBot } from '../config/bot.ts';
import type { Bots } from '../config/bots.ts';
import type { Downloads } from '../downloads/downloads.ts';
import type { Clock } from '../lib/clock.ts';
import type { Mail } from '../mail/mail.ts';
import type { Marks } from '../mail/marks.ts';
import type { Ownership } from '../mail/ownership.ts';
import type { Emit } from '../telemetry/events.ts';
import { createDelivery, type Delivery } from '../turns/delivery.ts';
import { createHealthBook } from '../turns/health-book.ts';
import { createSeen } from '../turns/seen.ts';
import { VERSION } from '../version.ts';

/** Everything that speaks to Campfire, and what its answers tell of Campfire and of the bots' keys. */
export function buildOutgoing(parts: {
  campfireUrl: string;
  marks: Marks;
  ownership: Ownership;
  bots: Bots;
  findBot: FindBot;
  mail: Mail;
  files: Downloads;
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
    ...{ baseUrl: campfireUrl, version: VERSION, clock },
    onCall(report) {
      health.report(report);
      faces.report(report);
    },
  });
  const faces = createFaceBook(client, clock);
  const seen = createSeen({
    ...{
      client,
      faces,
      marks: parts.marks,
      findBot: parts.findBot,
      clock,
      emit: parts.emit,
    },
    campfireIsWell: () => health.campfire().state === 'ok',
  });
  const delivery = createDelivery({
    ...{ ...parts, client, faces, health, random: Math.random },
    onSettled: (conversation) => seen.sweep(conversation),
  });
  late.delivery = delivery;
  return { health, client, faces, seen, delivery };
}
