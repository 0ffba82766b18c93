import type { CampfireClient } from '../campfire/client.ts';
import { plainNotice } from '../campfire/html/render.ts';
import type { FindBot } from '../config/bot.ts';
import type { Clock } from '../lib/clock.ts';
import type { Emit } from '../telemetry/events.ts';
import type { Sentence } from './sentence.ts';
import { wordsFor } from './sentences.ts';

/** Tells operators in a room of theirs what they should know, beside all turns and without a promise to arrive. */

/** The same cause is not told again within this time, however often it comes back. */
const quietMs = 3_600_000;

export interface OpsRoomParts {
  room: { roomId: number; botId: string };
  client: Pick<CampfireClient, 'post'>;
  findBot: FindBot;
  clock: Clock;
  emit: Emit;
}

/** A listener to lifecycle events that posts a line when memory becomes high, or a budget comes to its end. */
export function createOpsRoom({ room, client, findBot, clock, emit }: OpsRoomParts): Emit {
  const toldMs = new Map<string, number>();

  const post = async (sentence: Sentence, marker: string): Promise<void> => {
    const bot = findBot(room.botId);
    let problem: string | null = `there is no bot ${room.botId}`;
    if (typeof bot !== 'string') {
      const words = wordsFor(sentence, bot.language ?? 'en');
      const answer = await client.post(bot.key, room.roomId, plainNotice(words, marker));
      problem = answer.kind === 'posted' ? null : `Campfire did not take a line: ${answer.kind}`;
    }
    if (problem !== null) emit({ type: 'part.failed', part: 'ops room', problem });
  };
  const tell = (sentence: Sentence, marker: string) =>
    void post(sentence, marker).catch((error: unknown) =>
      emit({ type: 'part.failed', part: 'ops room', problem: String(error) }),
    );

  return (event) => {
    if (event.type === 'memory.level' && event.level !== 'normal') {
      const lastMs = toldMs.get(event.level) ?? Number.NEGATIVE_INFINITY;
      if (clock.monotonicMs() - lastMs < quietMs) return;
      toldMs.set(event.level, clock.monotonicMs());
      const { percent, usedMb, limitMb } = event;
      tell({ say: 'memory-high', percent, usedMb, limitMb }, 'ops-memory');
    }
    if (event.type === 'budget.level') {
      const { bot, percent, spentUsd, budgetUsd } = event;
      const found = bot === null ? null : findBot(bot);
      const name = found === null || typeof found === 'string' ? bot : found.name;
      tell({ say: 'budget-level', name, percent, spentUsd, budgetUsd }, 'ops-budget');
    }
  };
}
