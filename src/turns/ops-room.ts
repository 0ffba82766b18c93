import type { CampfireClient } from '../campfire/client.ts';
import { plainNotice } from '../campfire/html/render.ts';
import type { Bot } from '../config/bot.ts';
import type { Clock } from '../lib/clock.ts';
import type { Emit, LifecycleEvent } from '../telemetry/events.ts';
import { wordsFor } from './sentences.ts';

/** Tells operators in a room of theirs what they should know, beside all turns and without a promise to arrive. */

/** The same cause is not told again within this time, however often it comes back. */
const quietMs = 3_600_000;

export interface OpsRoomParts {
  room: { roomId: number; botId: string };
  client: Pick<CampfireClient, 'post'>;
  findBot: (id: string) => Bot | 'gone' | 'unclear';
  clock: Clock;
  emit: Emit;
}

/** A listener to lifecycle events that posts a line when memory becomes high or critical. */
export function createOpsRoom({ room, client, findBot, clock, emit }: OpsRoomParts): Emit {
  const toldMs = new Map<string, number>();

  const tell = async (event: LifecycleEvent & { type: 'memory.level' }): Promise<void> => {
    const bot = findBot(room.botId);
    const problem = typeof bot === 'string' ? `there is no bot ${room.botId}` : await post(event, bot);
    if (problem !== null) emit({ type: 'part.failed', part: 'ops room', problem });
  };

  const post = async (event: LifecycleEvent & { type: 'memory.level' }, bot: Bot): Promise<string | null> => {
    const { percent, usedMb, limitMb } = event;
    const words = wordsFor({ say: 'memory-high', percent, usedMb, limitMb }, bot.language ?? 'en');
    const answer = await client.post(bot.key, room.roomId, plainNotice(words, 'ops-memory'));
    return answer.kind === 'posted' ? null : `Campfire did not take a line: ${answer.kind}`;
  };

  return (event) => {
    if (event.type !== 'memory.level' || event.level === 'normal') return;
    const lastMs = toldMs.get(event.level) ?? Number.NEGATIVE_INFINITY;
    if (clock.monotonicMs() - lastMs < quietMs) return;
    toldMs.set(event.level, clock.monotonicMs());
    void tell(event).catch((error: unknown) =>
      emit({ type: 'part.failed', part: 'ops room', problem: String(error) }),
    );
  };
}
