import type { Clock } from '../lib/clock.ts';
import { patience } from '../store/patience.ts';
import type { RedisScript, RedisStore, RedisValue } from '../store/redis.ts';
import { storeTrouble } from '../store/trouble.ts';
import type { Conversation } from './mail.ts';
import { FencedOutError, type Ownership } from './ownership.ts';
import { nameOf, rootOf } from './redis-records.ts';

/**
 * How this machine writes in a conversation: only with its fence, and with patience when it matters.
 *
 * Invariant: a step that is repeated carries what makes its repetition known, so that it is done once.
 */

export interface FenceParts {
  store: RedisStore;
  clock: Clock;
  ownership: Ownership;
}

/** What a checked script answers: how it went, then what it gives. */
export type Reply = readonly [string, ...unknown[]];

/** Keys and first values of a script that has the piece `fence`. */
function call(
  script: RedisScript,
  conversation: Conversation,
  fence: number | null,
  values: readonly RedisValue[],
  { store, clock, ownership }: FenceParts,
): Promise<Reply> {
  const { botId, roomId } = conversation;
  const keys = [rootOf(store), store.key('own', botId, roomId), store.key('fence', botId, roomId)];
  const right = fence === null ? ['', ''] : [ownership.machine, fence];
  return store.run<Reply>(script, keys, [...right, nameOf(conversation), clock.now(), ...values]);
}

/** For what is safe whoever does it: nothing is checked. */
export function unfenced(
  script: RedisScript,
  conversation: Conversation,
  values: readonly RedisValue[],
  parts: FenceParts,
): Promise<Reply> {
  return call(script, conversation, null, values, parts);
}

/** One try. @throws FencedOutError without the right, or when it is not certain. */
export async function fenced(
  script: RedisScript,
  conversation: Conversation,
  values: readonly RedisValue[],
  parts: FenceParts,
): Promise<Reply> {
  const reply = await call(script, conversation, fenceFor(conversation, parts), values, parts);
  if (reply[0] === 'fenced' || reply[0] === 'unsure') throw fencedOut(conversation);
  return reply;
}

/**
 * Tries again while Redis is away, full or not sure yet, for two minutes at most and with one fence.
 * @throws FencedOutError when another machine has the conversation.
 */
export async function insist(
  script: RedisScript,
  conversation: Conversation,
  values: readonly RedisValue[],
  parts: FenceParts,
): Promise<Reply> {
  const { clock, ownership } = parts;
  const fence = fenceFor(conversation, parts);
  const waitLonger = patience(clock);
  for (;;) {
    let problem: unknown;
    try {
      const reply = await call(script, conversation, fence, values, parts);
      if (reply[0] === 'fenced') throw fencedOut(conversation);
      if (reply[0] !== 'unsure') return reply;
      problem = fencedOut(conversation);
    } catch (error) {
      if (storeTrouble(error) === null) throw error;
      problem = error;
    }
    if (!(await waitLonger())) throw problem;
    if (ownership.fenceOf(conversation) !== fence) throw fencedOut(conversation);
  }
}

function fenceFor(conversation: Conversation, { ownership }: FenceParts): number {
  const fence = ownership.fenceOf(conversation);
  if (fence === null) throw fencedOut(conversation);
  return fence;
}

function fencedOut({ botId, roomId }: Conversation): FencedOutError {
  return new FencedOutError(`This machine has no right to conversation ${roomId}:${botId} (any more).`);
}
