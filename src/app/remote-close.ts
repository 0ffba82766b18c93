import { randomUUID } from 'node:crypto';
import { type Clock, within } from '../lib/clock.ts';
import type { RedisStore } from '../store/redis.ts';

/** Closing a session takes a few seconds at most; an answer that has not come by then does not come. */
const answerMaxMs = 15_000;

/** What became of a wish to close a session; `unknown` when there is none of this name. */
export type Closing = 'closed' | 'unknown' | 'failed';

type Word =
  | { kind: 'close'; request: string; from: string; session: string }
  | { kind: 'answer'; request: string; closing: Closing };

/** Closes sessions on other machines: asks over Redis and waits for the answer. */
export interface RemoteClose {
  /** `failed` also when the machine does not answer. @throws RedisAwayError */
  close(machine: string, session: string): Promise<Closing>;
}

export async function createRemoteClose(parts: {
  store: RedisStore;
  machine: string;
  closeHere: (session: string) => Promise<Closing>;
  clock: Clock;
}): Promise<RemoteClose> {
  const { store, machine, closeHere, clock } = parts;
  const asked = new Map<string, (closing: Closing) => void>();
  const channelOf = (name: string) => store.key('words', name);
  const say = (to: string, word: Word) => store.call('PUBLISH', channelOf(to), JSON.stringify(word));
  await store.subscribe(channelOf(machine), (text) => {
    const word = JSON.parse(text) as Word;
    if (word.kind === 'answer') {
      asked.get(word.request)?.(word.closing);
      return;
    }
    const { request, from, session } = word;
    closeHere(session)
      .then((closing) => say(from, { kind: 'answer', request, closing }))
      // Whoever asked hears nothing, and says so.
      .catch(() => {});
  });
  return {
    async close(at, session) {
      const request = randomUUID();
      const answer = Promise.withResolvers<Closing>();
      asked.set(request, answer.resolve);
      try {
        await say(at, { kind: 'close', request, from: machine, session });
        const answered = await within(clock, answerMaxMs, answer.promise);
        return answered === 'timeout' ? 'failed' : answered;
      } finally {
        asked.delete(request);
      }
    },
  };
}
