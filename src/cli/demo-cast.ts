import type { BotConfig, RoomConfig } from '../playground/campfire.ts';
import type { Person } from '../playground/records.ts';

/** The people and rooms of the demo. Ids of people and bots share one space, as in Campfire. */
export const demoPeople: readonly Person[] = [
  { id: 1, name: 'Ann', role: 'administrator' },
  { id: 2, name: 'Ben', role: 'member' },
  { id: 3, name: '陈晨', role: 'member' },
];

/** An open room, a closed one, and a direct room of the first person with each bot. */
export function demoRooms(botIds: readonly number[]): RoomConfig[] {
  return [
    { id: 1, name: 'All Talk', kind: 'open' },
    { id: 2, name: 'Launch', kind: 'closed', members: [1, 2, ...botIds] },
    ...botIds.map(
      (botId, index): RoomConfig => ({ id: 10 + index, name: null, kind: 'direct', members: [1, botId] }),
    ),
  ];
}

/** A bot as its administrator would have registered it in Campfire. */
export function demoBot(bot: { key: string; name: string }, webhookUrl: string): BotConfig {
  return { id: Number.parseInt(bot.key, 10), name: bot.name, key: bot.key, webhookUrl };
}
