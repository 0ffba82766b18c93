import { systemClock as clock } from '../../src/lib/clock.ts';
import { type ScriptedModel, startScriptedModel } from '../../src/playground/model.ts';
import type { Message } from '../../src/playground/records.ts';
import { type Simulator, startSimulator } from '../../src/playground/simulator.ts';
import { eventually } from './eventually.ts';
import { type Service, type ServiceHome, serviceHome, startService } from './service.ts';

/** A Campfire, a scripted model and the folders of a service, on ports of their own; the service comes and goes. */
export interface Stage {
  campfire: Simulator;
  model: ScriptedModel;
  home: ServiceHome;
  /** Starts the service (again) and points the bot's webhook at it. */
  start(env?: Record<string, string>, command?: string[]): Promise<Service>;
  /** Posts as a person; a mention of the bot is added in rooms that need one. */
  say(roomId: number, text: string, personId?: number): Message;
  /** What the bot has posted in a room, oldest first, apart from notices: lines ahead of an answer. */
  answersIn(roomId: number): Message[];
  noticesIn(roomId: number): Message[];
  /** Waits until the bot has posted `count` messages in a room. */
  answers(roomId: number, count: number, limitMs?: number): Promise<Message[]>;
}

export const botId = 900;
export const botKey = '900-Ab1Cd2Ef3Gh4';
export const apiKey = 'sk-ant-test-0123456789abcdef';
const people = ['Ann', 'Ben', 'Cleo', 'Dai'].map((name, index) => ({
  id: index + 1,
  name,
  role: 'member' as const,
}));

/** `rooms` direct rooms of Ann and the bot, ids from 1; room 50 is open. */
export async function setStage(
  t: { after(undo: () => unknown): void },
  options: {
    rooms?: number;
    face?: 'full' | 'v1.4.9';
    bot?: Record<string, unknown>;
    model?: ScriptedModel;
  } = {},
): Promise<Stage> {
  const campfire = await startSimulator({
    clock,
    face: options.face ?? 'full',
    workers: 4,
    people,
    bots: [{ id: botId, name: 'Assistant', key: botKey, webhookUrl: null }],
    rooms: [
      ...Array.from({ length: options.rooms ?? 1 }, (_, index) => ({
        ...{ id: index + 1, name: null, kind: 'direct' as const, members: [1, botId] },
      })),
      { id: 50, name: 'HQ', kind: 'open' as const },
    ],
  });
  t.after(() => campfire.close());
  const model = options.model ?? (await startScriptedModel({ clock }));
  t.after(() => model.close());
  const home = serviceHome(t, {
    assistant: {
      ...{ bot_id: 'assistant', bot_key: botKey, name: 'Assistant', model: 'claude-haiku-4-5' },
      ...{ system_prompt: 'You are the assistant of the tests.', ...options.bot },
    },
  });
  const postsIn = (roomId: number) =>
    campfire.campfire.messagesIn(roomId).filter(({ creatorId }) => creatorId === botId);
  const isNotice = ({ html }: Message) => /class="\w+-90[0-2]\b/.test(html ?? '');
  const answersIn = (roomId: number) => postsIn(roomId).filter((message) => !isNotice(message));
  const noticesIn = (roomId: number) => postsIn(roomId).filter(isNotice);
  return {
    ...{ campfire, model, home, answersIn, noticesIn },
    async start(env = {}, command) {
      const given = { CAMPFIRE_URL: campfire.url, ANTHROPIC_API_KEY: apiKey, ANTHROPIC_BASE_URL: model.url };
      const service = await startService(t, home, { ...given, ...env }, command);
      const bot = campfire.campfire.bots.get(botId);
      if (bot) bot.webhookUrl = `${service.url}/webhook/assistant`;
      return service;
    },
    say(roomId, text, personId = 1) {
      const mention = roomId === 50 ? `${mentionOfBot(campfire)} ` : '';
      return campfire.campfire.post(personId, roomId, { html: `<div>${mention}${text}</div>` });
    },
    answers: (roomId, count, limitMs = 60_000) =>
      eventually(
        `${count} answers in room ${roomId}`,
        () => {
          const found = answersIn(roomId);
          return found.length >= count && found;
        },
        limitMs,
      ),
  };
}

function mentionOfBot({ campfire }: Simulator): string {
  const bot = campfire.bots.get(botId);
  return bot ? campfire.mentions.html(bot) : '';
}
