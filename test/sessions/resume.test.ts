import { join } from 'node:path';
import { createKeptConversations } from '../../src/sessions/kept.ts';
import { conversationMigrations, createConversations } from '../../src/sessions/resume.ts';
import { createSlots } from '../../src/sessions/slots.ts';
import { openStore } from '../../src/store/sqlite.ts';
import { conversationsContract } from '../contract/conversations.ts';
import { testClock } from '../support/clock.ts';
import { tempFolder } from '../support/temp.ts';
import { writeLocally } from '../support/transcripts.ts';

conversationsContract('sqlite', async (t) => {
  const dataDir = tempFolder(t);
  const clock = testClock();
  const slots = createSlots(dataDir);
  const open = () => {
    const store = openStore(join(dataDir, 'service.db'), conversationMigrations);
    t.after(() => store.close());
    return {
      ...{ slots, clock, kept: createKeptConversations(store, dataDir) },
      conversations: createConversations(store, slots, clock),
      speak: async (...[slot, memory, lines]: Parameters<Speak>) => writeLocally(slot, memory.id, lines),
    };
  };
  return { ...open(), reopen: async () => open() };
});

type Speak = Awaited<ReturnType<Parameters<typeof conversationsContract>[1]>>['speak'];
