import type { Message } from '../../src/playground/records.ts';
import { pick, type Random, seeded } from './chaos.ts';

/** People who talk with a bot as people do: a question, its further ones when it was answered, then somebody else's. */

export interface Talk {
  seed: number;
  rooms: number;
  /** Conversations at a time; ten say one message a second, with their pauses. */
  talkers: number;
  say(roomId: number, words: string, author: number): Message;
  /** Resolves when the message was answered, when nobody would wait for that any longer, or when `over` aborts. */
  answered(message: Message, over: AbortSignal): Promise<void>;
  /** Resolves early when `over` aborts. */
  sleep(ms: number, over: AbortSignal): Promise<void>;
}

/** What somebody said, and how long the model was told to take for the answer. */
export interface Spoken {
  message: Message;
  modelMs: number;
}

/** One person alone would soon be asked to slow down: 60 messages a minute in all rooms. */
const people = 4;
/** Reading an answer and writing the next question; a tenth of what it takes people, so that minutes show what hours do. */
const pauseMs = { least: 4_000, most: 16_000 };
/** After a question comes another one so often: 1.6 further ones on average. */
const goesOn = 0.62;
const isLongShare = 0.25;
const longSeconds = 2;

/** Talks until `over` aborts; tells `heard` of everything that was said. */
export async function talk(
  { seed, rooms, talkers, say, answered, sleep }: Talk,
  heard: (spoken: Spoken) => void,
  over: AbortSignal,
): Promise<void> {
  const busy = new Set<number>();
  await Promise.all(
    Array.from({ length: talkers }, (_, index) => talkOn(index, seeded(seed * 1000 + index))),
  );

  async function talkOn(index: number, random: Random): Promise<void> {
    const author = 1 + (index % people);
    await sleep(random() * pauseMs.least, over);
    for (let asked = 0; !over.aborted; ) {
      const room = freeRoom(random, rooms, busy);
      busy.add(room);
      do {
        const isLong = random() < isLongShare;
        const words = isLong ? `tell me something for ${longSeconds} seconds, ` : 'question ';
        const message = say(room, `${words}${index}.${++asked}`, author);
        heard({ message, modelMs: isLong ? longSeconds * 1000 : 0 });
        await answered(message, over);
        await sleep(pauseMs.least + random() * (pauseMs.most - pauseMs.least), over);
      } while (!over.aborted && random() < goesOn);
      busy.delete(room);
    }
  }
}

/** Some rooms are asked in much more than others: of those that are free, one of the first twice as often as of the rest. */
function freeRoom(random: Random, rooms: number, busy: ReadonlySet<number>): number {
  const free = Array.from({ length: rooms }, (_, index) => index + 1).filter((room) => !busy.has(room));
  const half = free.slice(0, Math.ceil(free.length / 2));
  return pick(random, random() < 2 / 3 ? half : free) ?? 1;
}
