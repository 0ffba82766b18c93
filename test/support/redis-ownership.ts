import type { Conversation } from '../../src/mail/mail.ts';
import { type Ownership, soleOwnership } from '../../src/mail/ownership.ts';
import type { RedisStore } from '../../src/store/redis.ts';

/** A machine's right to conversations that a test gives and takes away. */
export interface GivenOwnership extends Ownership {
  /** From now on, in Redis as well, this machine has the conversations; whoever had them does not know yet. */
  give(conversations: readonly Conversation[]): Promise<void>;
}

export function givenOwnership(store: RedisStore, machine: string): GivenOwnership {
  const fences = new Map<string, number>();
  const nameOf = ({ botId, roomId }: Conversation) => `${botId}:${roomId}`;
  return {
    ...soleOwnership(machine),
    fenceOf: (conversation) => fences.get(nameOf(conversation)) ?? null,
    async give(conversations) {
      for (const conversation of conversations) {
        const { botId, roomId } = conversation;
        const fence = await store.call<number>('INCR', store.key('fence', botId, roomId));
        await store.call('HSET', store.key('own', botId, roomId), 'machine', machine, 'fence', fence);
        fences.set(nameOf(conversation), fence);
      }
    },
  };
}
