import type { Conversation } from '../../src/mail/mail.ts';
import type { Hold, Ownership } from '../../src/mail/ownership.ts';

/** A machine's right to conversations that a test gives, shortens and takes away; nothing is asked of anybody. */
export interface PlayedOwnership extends Ownership {
  /** Conversations that another machine has, by room. */
  elsewhere: Set<number>;
  /** For how long it is certain, and what asking again makes of it (an error: Redis is away). */
  certainMs: number;
  renewedMs: number | Error;
  /** How often it was asked for, and how many hold it. */
  asked: number;
  holders: number;
  /** Another machine takes what is held here of a room. */
  take(roomId: number): void;
}

export function playedOwnership(): PlayedOwnership {
  const rights = new Map<number, AbortController>();
  const isHere = ({ roomId }: Conversation) => !played.elsewhere.has(roomId);
  const played: PlayedOwnership = {
    machine: 'this one',
    elsewhere: new Set(),
    certainMs: 10_000,
    renewedMs: 10_000,
    asked: 0,
    holders: 0,
    async hold(conversation): Promise<Hold | null> {
      played.asked++;
      if (played.renewedMs instanceof Error) throw played.renewedMs;
      if (!isHere(conversation)) return null;
      played.certainMs = played.renewedMs;
      played.holders++;
      const right = rights.get(conversation.roomId) ?? new AbortController();
      rights.set(conversation.roomId, right);
      return {
        lost: right.signal,
        async [Symbol.asyncDispose]() {
          played.holders--;
        },
      };
    },
    fenceOf: (conversation) => (isHere(conversation) && played.holders > 0 ? 1 : null),
    certainForMs: (conversation) => (isHere(conversation) ? played.certainMs : 0),
    take(roomId) {
      played.elsewhere.add(roomId);
      rights.get(roomId)?.abort();
      rights.delete(roomId);
    },
    async stop() {},
  };
  return played;
}
