import type { Clock } from '../../src/lib/clock.ts';
import {
  type Conversations,
  conversationMigrations,
  createConversations,
} from '../../src/sessions/resume.ts';
import type { Slots } from '../../src/sessions/slots.ts';
import { openStore } from '../../src/store/sqlite.ts';

/** The conversations' memory that all simulated machines share, and slots without folders. */
export interface Memories {
  slots: Slots;
  conversations: Conversations;
  /** From now on this memory can be resumed. */
  remembered(memoryId: string): void;
  close(): void;
}

/** `known`: conversations that had turns before the simulation begins. */
export function createMemories(
  known: ReadonlyArray<{ botId: string; roomId: number }>,
  clock: Clock,
): Memories {
  const written = new Set<string>();
  let made = 0;
  const nothing = () => {};
  const slotOf = (id: string) => ({ id, root: '', config: '', work: '', temp: '' });
  const slots: Slots = {
    ...{ at: slotOf, open: slotOf },
    newId: () => `slot-${++made}`,
    newSpareId: () => `spare-${++made}`,
    spareIds: () => [],
    // An empty file: what it says is not simulated, that there is one is.
    transcriptPath: (_slot, memoryId) => (written.has(memoryId) ? '/dev/null' : null),
    asidePath: () => null,
    ...{ emptyTemp: nothing, setAside: nothing, takeBack: nothing, delete: nothing },
    ...{ clearRemains: nothing, settled: async () => {} },
  };
  const store = openStore(':memory:', conversationMigrations);
  store.transaction(() => {
    for (const { botId, roomId } of known) {
      const memoryId = `memory-${roomId}`;
      written.add(memoryId);
      store.run(
        'INSERT INTO conversations (bot_id, room_id, slot_id, memory_id, turns, used_at) VALUES (?, ?, ?, ?, 1, 0)',
        ...[botId, roomId, `slot-of-${roomId}`, memoryId],
      );
    }
  });
  return {
    slots,
    conversations: createConversations(store, slots, clock),
    remembered: (memoryId) => void written.add(memoryId),
    close: () => store.close(),
  };
}
