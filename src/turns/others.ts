import type { Conversation, PendingConversation, Situation } from '../mail/mail.ts';

/** The other machines that share the mail, as far as a dispatcher is concerned with them. */
export interface Others {
  /** Whether this machine looks through the mail for all of them now. */
  isMyLook(): Promise<boolean>;
  /** Tells whichever machine it concerns, perhaps this one, of what a look through the mail has found. Never throws. */
  found(pending: PendingConversation): void;
  /** Names of the other machines where nobody waits for a session. */
  free(): readonly string[];
  /** Has another machine serve a conversation that waited here. Never throws. */
  passOn(conversation: Conversation, machine: string): void;
  /** A turn of the conversation has been served here, so that its next one is best served here, too. */
  settled(conversation: Conversation): void;
}

/** What a look through the mail would say of a conversation, from its situation at `now` (epoch ms). */
export function pendingOf(
  { turn, waiting, atOnce }: Situation,
  now: number,
): Omit<PendingConversation, keyof Conversation> {
  const unnoticed = waiting.filter(({ noticed }) => !noticed).map(({ receivedAt }) => receivedAt);
  return {
    ready: turn ? (turn.dueAt ?? 0) <= now : waiting.length > 0,
    atOnce: atOnce.length > 0,
    unnoticedSince: unnoticed.length > 0 ? Math.min(...unnoticed) : null,
  };
}
