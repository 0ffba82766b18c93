import type { Conversation } from '../mail/mail.ts';
import type { Hold, Ownership } from '../mail/ownership.ts';

/**
 * How long no other machine may be able to take a conversation when something is sent to Campfire, which knows no fences.
 * A call takes longer only where the network hangs.
 */
const certainWhenWritingMs = 5_000;
/** The same in the moment in which it leaves, after a connection was made: enough to arrive. */
const certainWhenSentMs = 2_500;

/** The right to a conversation, as those use it who work there. */
export interface Right {
  /** Whether something may be sent to Campfire now. Asks Redis only when it is not certain for long enough. */
  mayWrite(): Promise<boolean>;
  /**
   * The last word, when it is to leave right now: a machine that stood still since `mayWrite` (for a pause of its host,
   * or a stopped process) must not go on with what another one has done meanwhile.
   */
  mayBeSent(): boolean;
  /** Aborts when another machine has taken the conversation: nothing may be written any more. */
  lost: AbortSignal;
}

/** Works in a conversation as the only machine; false, and nothing happens, while another one has it. */
export async function withRight(
  ownership: Ownership,
  { botId, roomId }: Conversation,
  work: (right: Right) => Promise<boolean>,
): Promise<boolean> {
  const conversation = { botId, roomId };
  await using hold = await ownership.hold(conversation);
  // Awaited here, because the right ends with this function.
  return hold === null ? false : await work(rightOf(hold, ownership, conversation));
}

function rightOf({ lost }: Hold, ownership: Ownership, conversation: Conversation): Right {
  const isCertainFor = (ms: number) => !lost.aborted && ownership.certainForMs(conversation) >= ms;
  const isCertain = () => isCertainFor(certainWhenWritingMs);
  return {
    lost,
    mayBeSent: () => isCertainFor(certainWhenSentMs),
    async mayWrite() {
      if (isCertain() || lost.aborted) return isCertain();
      try {
        // Asking for it again renews it.
        await using _again = await ownership.hold(conversation);
        return isCertain();
      } catch {
        return false;
      }
    },
  };
}
