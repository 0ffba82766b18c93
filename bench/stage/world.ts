import { randomUUID } from 'node:crypto';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { type ScriptedModel, startScriptedModel } from '../../src/playground/model.ts';
import { type Simulator, startSimulator } from '../../src/playground/simulator.ts';
import type { Service, ServiceHome } from './service.ts';

/** A Campfire and a model, both of the playground, on ports of their own, and the people who ask. */
export interface World {
  model: ScriptedModel;
  /** The environment by which a service finds both. */
  env: Record<string, string>;
  /** A bot with which one service speaks; call `meet` when the service is up. */
  seat(name: string): Seat;
  close(): Promise<void>;
}

export interface Seat {
  bot: ServiceHome['bot'];
  meet(service: Service): void;
  /** A room in which nobody has spoken yet: a conversation's beginning. */
  freshRoom(): number;
  /** What somebody waits: from the message to the answer standing in the room, in ms. One at a time per room. */
  ask(roomId: number, question: Question): Promise<number>;
}

/** What to say, and words of the answer by which it is known. */
export interface Question {
  text: string;
  /** Null: the scripted model repeats the question, and the answer is known by a token in it. */
  answer: string | null;
}

export const hello: Question = { text: 'hello', answer: null };
/** A turn of three model calls and two tools. */
export const toolWork: Question = {
  text: 'Write a note into a file and read it back',
  answer: 'and read it back',
};

/**
 * People take turns in asking, because one alone would soon be told to slow down (10 messages a minute in a conversation,
 * 60 in all). They sit together in groups; a room has one of them.
 */
const people = Array.from({ length: 2_000 }, (_, index) => 10_000 + index);
const groupSize = 20;
const answerLimitMs = 120_000;

export async function openWorld(): Promise<World> {
  const model = await startScriptedModel({ clock });
  const bots = botsOf(['plain', 'spare', 'load']);
  const campfire = await startSimulator({
    ...{ clock, face: 'full', workers: 16, rooms: [], bots },
    people: people.map((id) => ({ id, name: `Person ${id}`, role: 'member' })),
  });
  const askers = new Map<number, number[]>();
  const waiting: Waiting = new Map();
  campfire.events.subscribe((event) => {
    if (event.type !== 'message.created' && event.type !== 'message.edited') return;
    const { roomId, creatorId, plain } = event.message;
    const waiter = waiting.get(roomId);
    if (waiter && bots.some(({ id }) => id === creatorId) && plain.includes(waiter.words)) waiter.answered();
  });
  let lastRoom = 0;
  return {
    model,
    env: {
      CAMPFIRE_URL: campfire.url,
      ANTHROPIC_API_KEY: 'sk-ant-benchmark-0123456789',
      ANTHROPIC_BASE_URL: model.url,
    },
    seat(name) {
      const bot = [...campfire.campfire.bots.values()].find((each) => each.name === name);
      if (!bot) throw new RangeError(`There is no bot ${name}.`);
      return {
        bot: { id: name, key: keyOf(bot.id) },
        meet(service) {
          bot.webhookUrl = `${service.url}/webhook/${name}`;
        },
        freshRoom() {
          const id = ++lastRoom;
          const first = (id * groupSize) % people.length;
          const group = people.slice(first, first + groupSize);
          askers.set(id, group);
          campfire.campfire.createRoom({ id, name: null, kind: 'direct', members: [...group, bot.id] });
          return id;
        },
        ask(roomId, question) {
          const [asker, ...others] = askers.get(roomId) ?? [];
          if (asker === undefined) throw new RangeError(`Nobody sits in room ${roomId}.`);
          askers.set(roomId, [...others, asker]);
          return ask(campfire, waiting, { asker, roomId, question });
        },
      };
    },
    async close() {
      await campfire.close();
      await model.close();
    },
  };
}

function botsOf(names: readonly string[]) {
  return names.map((name, index) => ({ id: 900 + index, name, key: keyOf(900 + index), webhookUrl: null }));
}

function keyOf(botId: number): string {
  return `${botId}-Ab1Cd2Ef3Gh4`;
}

type Waiting = Map<number, { words: string; answered: () => void }>;

async function ask(
  { campfire }: Simulator,
  waiting: Waiting,
  { asker, roomId, question: { text, answer } }: { asker: number; roomId: number; question: Question },
): Promise<number> {
  const token = `token${randomUUID().replaceAll('-', '')}`;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const expired = clock.timeout(answerLimitMs);
  const onExpired = () => reject(new Error(`No answer within ${answerLimitMs / 1000} s: ${text}`));
  expired.addEventListener('abort', onExpired);
  waiting.set(roomId, { words: answer ?? token, answered: resolve });
  const startedMs = clock.monotonicMs();
  try {
    campfire.post(asker, roomId, { html: `<div>${answer === null ? `${text} ${token}` : text}</div>` });
    await promise;
    return clock.monotonicMs() - startedMs;
  } finally {
    waiting.delete(roomId);
    expired.removeEventListener('abort', onExpired);
  }
}
