import type { AgentMemory, Slot } from '../../src/agent/agent.ts';
import { lineOf } from '../../src/agent/mirror.ts';
import { createRedisConversations } from '../../src/sessions/redis-conversations.ts';
import { createRedisKept } from '../../src/sessions/redis-kept.ts';
import { createMirror } from '../../src/sessions/redis-mirror.ts';
import { createRedisTranscripts } from '../../src/sessions/redis-transcripts.ts';
import { createSlots } from '../../src/sessions/slots.ts';
import type { RedisStore } from '../../src/store/redis.ts';
import type { LifecycleEvent } from '../../src/telemetry/events.ts';
import type { Line } from '../contract/conversations.ts';
import { testClock } from './clock.ts';
import { givenOwnership } from './redis-ownership.ts';
import { tempFolder } from './temp.ts';
import { writeLocally } from './transcripts.ts';

/** What one machine has of conversations' memory: a data folder of its own, and the Redis that all share. */
export function machine(
  t: { after(undo: () => unknown): void },
  store: RedisStore,
  name: string,
  dataDir = tempFolder(t),
) {
  const clock = testClock();
  const ownership = givenOwnership(store, name);
  const slots = createSlots(dataDir);
  const transcripts = createRedisTranscripts({ store, ownership });
  const events: LifecycleEvent[] = [];
  const emit = (event: LifecycleEvent) => void events.push(event);
  /** A life of the service in this boot of the machine. */
  const live = (bootId: string) => {
    const mirror = createMirror({ transcripts, slots, emit });
    return {
      mirror,
      conversations: createRedisConversations({
        ...{ store, ownership, transcripts, mirror, slots, bootId, clock, emit },
      }),
      kept: createRedisKept({ store, ownership, dataDir, clock }),
      ...{ slots, clock },
      async speak(slot: Slot, { id }: AgentMemory, lines: readonly Line[]) {
        writeLocally(slot, id, lines);
        await mirror.append({ memoryId: id, subpath: '' }, lines.map(lineOf));
      },
    };
  };
  return { ...live('boot 1'), live, ownership, transcripts, events };
}
