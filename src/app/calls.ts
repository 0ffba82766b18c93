import { randomUUID } from 'node:crypto';
import { type Clock, within } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { RedisStore } from '../store/redis.ts';

/** Asks other machines over Redis and waits for the answer. What is asked is lost when nobody hears it. */
export interface Calls {
  /** What the machine answers; null when it has no answer or does not give it in time. @throws RedisAwayError */
  ask<A>(machine: string, what: string, given: unknown, answerMaxMs: number): Promise<A | null>;
}

/** What this machine answers to whoever asks, by what is asked. */
export type Answers = Record<string, (given: unknown) => Promise<unknown>>;

type Word =
  | { kind: 'question'; id: string; from: string; what: string; given: unknown }
  | { kind: 'answer'; id: string; answer: unknown };

export async function createCalls(parts: {
  store: RedisStore;
  machine: string;
  answers: Answers;
  clock: Clock;
  onError: (problem: string) => void;
}): Promise<Calls> {
  const { store, machine, answers, clock, onError } = parts;
  const asked = new Map<string, (answer: unknown) => void>();
  const say = (to: string, word: Word) => store.call('PUBLISH', store.key('words', to), JSON.stringify(word));
  const answer = async ({ id, from, what, given }: Extract<Word, { kind: 'question' }>) => {
    try {
      await say(from, { kind: 'answer', id, answer: (await answers[what]?.(given)) ?? null });
    } catch (error) {
      // Whoever asked hears nothing, and says so.
      if (store.isThere()) onError(messageOf(error));
    }
  };
  await store.subscribe(store.key('words', machine), (text) => {
    const word = JSON.parse(text) as Word;
    if (word.kind === 'answer') asked.get(word.id)?.(word.answer);
    else void answer(word);
  });
  return {
    async ask<A>(at: string, what: string, given: unknown, answerMaxMs: number) {
      const id = randomUUID();
      const answered = Promise.withResolvers<unknown>();
      asked.set(id, answered.resolve);
      try {
        await say(at, { kind: 'question', id, from: machine, what, given });
        const heard = await within(clock, answerMaxMs, answered.promise);
        return heard === 'timeout' ? null : (heard as A);
      } finally {
        asked.delete(id);
      }
    },
  };
}
