import type { Campfire } from './campfire.ts';
import type { PlaygroundEvent } from './events.ts';
import type {
  Boost,
  Bot,
  DeliveryRecord,
  Face,
  FaultSettings,
  Message,
  Push,
  Room,
  User,
} from './records.ts';
import { type ShownBody, showBody } from './sanitiser.ts';

/** What the chat page gets to see. Bot keys and webhook URLs are credentials and stay out of it. */

/** Everything at one instant. Times are milliseconds since 1970. */
export interface StateView {
  face: Face;
  faults: FaultSettings;
  people: User[];
  bots: BotView[];
  rooms: RoomView[];
  /** The newest of each room, oldest first. */
  messages: MessageView[];
  /** The newest, oldest first. */
  deliveries: DeliveryRecord[];
  pushes: Push[];
  /** Webhooks that wait for a worker. */
  waitingWebhooks: number;
}

export interface BotView {
  id: number;
  name: string;
  active: boolean;
  hasWebhook: boolean;
  /** Its key was changed, and whoever runs it may not know. */
  hasNewKey: boolean;
}

export interface RoomView {
  id: number;
  name: string | null;
  kind: Room['kind'];
  memberIds: number[];
  /** Ids of the people for whom the room is unread. */
  unreadFor: number[];
}

export interface MessageView {
  id: number;
  roomId: number;
  creatorId: number;
  /** As stored; null for a message that only carries a file. */
  html: string | null;
  /** As the room shows it, and what it does not show. */
  shown: ShownBody | null;
  /** As search, pushes and webhooks have it. */
  plain: string;
  attachment: { name: string; type: string; size: number; url: string } | null;
  boosts: Boost[];
  createdAt: number;
  editedAt: number | null;
}

/** An event as the stream carries it: the same, with the views above in place of records. */
export type EventView =
  | Exclude<PlaygroundEvent, { type: 'message.created' | 'message.edited' | 'room.created' | 'bot.changed' }>
  | { type: 'message.created' | 'message.edited'; message: MessageView }
  | { type: 'room.created'; room: RoomView }
  | { type: 'bot.changed'; bot: BotView };

export function viewBot({ access }: Campfire, bot: Bot): BotView {
  const { id, name, active, webhookUrl } = bot;
  return { id, name, active, hasWebhook: webhookUrl !== null, hasNewKey: access.hasNewKey(bot) };
}

export function viewRoom({ id, name, kind, memberships }: Room): RoomView {
  const members = [...memberships.values()];
  const unreadFor = members.filter(({ unreadAt }) => unreadAt !== null).map(({ userId }) => userId);
  return { id, name, kind, memberIds: members.map(({ userId }) => userId), unreadFor };
}

export function viewMessage(campfire: Campfire, message: Message): MessageView {
  const { attachment, html, createdAt } = message;
  return {
    ...message,
    shown: html === null ? null : showBody(html, campfire),
    attachment: attachment && {
      name: attachment.name,
      type: attachment.type,
      size: attachment.size,
      url: `/playground/files/${attachment.fileId}`,
    },
    createdAt: Math.floor(createdAt),
  };
}

export function viewEvent(campfire: Campfire, event: PlaygroundEvent): EventView {
  switch (event.type) {
    case 'message.created':
    case 'message.edited':
      return { type: event.type, message: viewMessage(campfire, event.message) };
    case 'room.created':
      return { type: event.type, room: viewRoom(event.room) };
    case 'bot.changed':
      return { type: event.type, bot: viewBot(campfire, event.bot) };
    default:
      return event;
  }
}
