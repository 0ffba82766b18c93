import type { Message } from './mail.ts';

/** What one person says in a row, no further apart than this, is one question. */
export const burstGapMs = 5_000;

/**
 * Which of the waiting messages make the next turn: the first, and those right behind it by the same person.
 * `waiting` is in the order of the conversation; arrival may differ from it, so gaps count in either direction.
 */
export function firstBurst<M extends Pick<Message, 'authorId' | 'receivedAt'>>(waiting: readonly M[]): M[] {
  const end = waiting.findIndex((message, index) => {
    const previous = waiting[index - 1];
    return (
      previous !== undefined &&
      (message.authorId !== previous.authorId ||
        Math.abs(message.receivedAt - previous.receivedAt) > burstGapMs)
    );
  });
  return waiting.slice(0, end === -1 ? undefined : end);
}
