import type { CallReport } from '../campfire/client.ts';
import type { Bot } from '../config/bot.ts';
import type { Clock } from '../lib/clock.ts';
import type { Emit } from '../telemetry/events.ts';
import {
  campfirePace,
  evidenceOf,
  type Finding,
  type Health,
  healthy,
  keyPace,
  nextHealth,
} from './health.ts';

/**
 * The health of Campfire and of every bot's key, kept from the reports of all calls.
 *
 * Invariants:
 * 1. One event when something turns unhealthy and one when it recovers, whatever happens in between.
 * 2. Only the answer to a bot's present key counts: a late answer to the one before proves nothing.
 */

export interface HealthBook {
  campfire(): Health;
  bot(id: string): Health;
  /** Takes in what came of a call; give it to the client as `onCall`. */
  report(report: CallReport): void;
  /** There is nothing to call Campfire with: no file of this bot can be used. */
  noUsableFile(botId: string, problem: string): void;
  /** The bot's file was edited: its next try is due at once. */
  probeNow(botId: string): void;
}

export interface HealthBookParts {
  /** The bot in service with exactly this key. */
  botOfKey: (key: string) => Bot | undefined;
  clock: Clock;
  emit: Emit;
  /** 0 ≤ random < 1; spreads probes. */
  random: () => number;
  /** Campfire was unhealthy since `awayFrom` (epoch ms) and answers again. */
  onCampfireBack: (awayFrom: number) => void;
  /** Something recovered or is to be tried at once: what waited may be sent. */
  onReleased: () => void;
}

export function createHealthBook(parts: HealthBookParts): HealthBook {
  const { botOfKey, clock, emit, random } = parts;
  const bots = new Map<string, Health>();
  let campfire = healthy;

  const judgeCampfire = (found: Finding): void => {
    const before = campfire;
    campfire = nextHealth(before, found, campfirePace, clock.now(), random());
    if (before.state === 'ok' && campfire.state === 'unhealthy') {
      emit({ type: 'campfire.unhealthy', problem: campfire.problem, remedy: campfire.remedy });
    } else if (before.state === 'unhealthy' && campfire.state === 'ok') {
      emit({ type: 'campfire.recovered', unhealthyMs: clock.now() - before.since });
      parts.onCampfireBack(before.since);
      parts.onReleased();
    }
  };

  const judgeBot = (bot: string, file: string | null, found: Finding): void => {
    const before = bots.get(bot) ?? healthy;
    const after = nextHealth(before, found, keyPace, clock.now(), random());
    if (after.state === 'ok') bots.delete(bot);
    else bots.set(bot, after);
    if (before.state === 'ok' && after.state === 'unhealthy') {
      emit({ type: 'bot.unhealthy', bot, file, problem: after.problem, remedy: after.remedy });
    } else if (before.state === 'unhealthy' && after.state === 'ok') {
      emit({ type: 'bot.recovered', bot, file, unhealthyMs: clock.now() - before.since });
      parts.onReleased();
    }
  };

  return {
    campfire: () => campfire,
    bot: (id) => bots.get(id) ?? healthy,
    report({ key, call, status, result }) {
      emit({ type: 'campfire.called', call, statusClass: classOf(status) });
      const bot = botOfKey(key);
      const evidence = evidenceOf(result, bot?.file ?? '');
      if (evidence.campfire) judgeCampfire(evidence.campfire);
      if (evidence.key && bot) judgeBot(bot.id, bot.file, evidence.key);
    },
    noUsableFile(botId, problem) {
      const remedy = 'Put the file back or mend it; what the bot has to say waits for 48 hours.';
      judgeBot(botId, null, { problem, remedy });
    },
    probeNow(botId) {
      const known = bots.get(botId);
      if (known?.state === 'unhealthy') bots.set(botId, { ...known, probes: 0, probeAt: clock.now() });
      parts.onReleased();
    },
  };
}

function classOf(status: number | null): string {
  return status === null ? 'none' : `${Math.floor(status / 100)}xx`;
}
