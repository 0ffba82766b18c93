import type { Clock } from '../lib/clock.ts';
import { Access, tokenIn } from './access.ts';
import type { EventStream } from './events.ts';
import { FileStore } from './files.ts';
import { Mentions, userIdIn } from './mentions.ts';
import { Notices } from './notices.ts';
import type { Boost, Bot, Draft, Message, Person, Room, User } from './records.ts';
import { parseWithRawClasses, serialise } from './sanitiser/fragment.ts';
import { plainTextOf } from './sanitiser/plain-text.ts';

const messagesPerRoomMaxDefault = 5_000;
const fileBytesMaxDefault = 64 * 1024 * 1024;

export interface BotConfig {
  id: number;
  name: string;
  /** `<id>-<12 alphanumerics>`. */
  key: string;
  webhookUrl: string | null;
}

export interface RoomConfig {
  id: number;
  /** Must be null for a direct room. */
  name: string | null;
  kind: Room['kind'];
  /** Ids of people and bots; ignored for an open room, whose members are all. */
  members?: readonly number[];
}

export interface CampfireOptions {
  clock: Clock;
  events: EventStream;
  people: readonly Person[];
  bots: readonly BotConfig[];
  rooms: readonly RoomConfig[];
  /** 1 unless a bot may remember the ids of an earlier Campfire, as one that keeps its database does. */
  firstMessageId?: number;
  messagesPerRoomMax?: number;
  fileBytesMax?: number;
  /** Analysis and thumbnails of a stored file. What it throws, the poster gets, with the message already there. */
  processFile?: () => void;
}

/**
 * Campfire's data and rules, without HTTP. Whoever calls has checked who may do what.
 *
 * Invariants:
 * 1. Ids only grow, and no two messages share a creation instant: paging compares instants strictly.
 * 2. Unread marks, pushes and webhooks come from a creation only; an edit, a boost or a deletion makes none.
 * 3. A reply given in a webhook's response makes no webhook.
 */
export class Campfire {
  readonly people = new Map<number, Person>();
  readonly bots = new Map<number, Bot>();
  readonly rooms = new Map<number, Room>();
  readonly notices: Notices;
  readonly access = new Access(this.bots, this.people);
  readonly mentions = new Mentions();
  readonly files: FileStore;

  readonly #clock: Clock;
  readonly #events: EventStream;
  readonly #messages = new Map<number, Map<number, Message>>();
  readonly #messagesPerRoomMax: number;
  readonly #processFile: () => void;
  #lastCreatedAt = 0;
  #nextMessageId: number;
  #nextBoostId = 1;

  constructor(options: CampfireOptions) {
    this.#clock = options.clock;
    this.#nextMessageId = options.firstMessageId ?? 1;
    this.#events = options.events;
    this.#messagesPerRoomMax = options.messagesPerRoomMax ?? messagesPerRoomMaxDefault;
    this.notices = new Notices(options.clock, options.events);
    this.#processFile = options.processFile ?? (() => {});
    this.files = new FileStore(options.fileBytesMax ?? fileBytesMaxDefault);
    for (const person of options.people) this.people.set(person.id, person);
    for (const { id, name, key, webhookUrl } of options.bots) {
      if (this.user(id)) throw new RangeError(`There are two users ${id}`);
      this.bots.set(id, { id, name, role: 'bot', token: tokenIn(id, key), webhookUrl, active: true });
    }
    for (const room of options.rooms) this.createRoom(room);
  }

  /** What the composer or the bot API does: the message, its unread marks and pushes, and its webhooks. */
  post(creatorId: number, roomId: number, draft: Draft): Message {
    const message = this.#create(creatorId, roomId, draft);
    for (const botId of this.#webhookRecipients(message)) {
      this.#events.emit({ type: 'webhook.due', botId, roomId, messageId: message.id });
    }
    return message;
  }

  /** What a webhook's response does: as `post`, but no other bot hears of it. */
  replyInResponse(botId: number, roomId: number, draft: Draft): Message {
    return this.#create(botId, roomId, draft);
  }

  edit(message: Message, draft: Draft): void {
    if ('html' in draft) {
      message.html = canonical(draft.html);
    } else {
      if (message.attachment) this.files.delete(message.attachment.fileId);
      this.#attach(message, draft);
    }
    message.plain = this.#plainTextOf(message);
    message.editedAt = this.#clock.now();
    this.#events.emit({ type: 'message.edited', message });
  }

  delete(message: Message): void {
    this.#forget(message);
    this.#events.emit({ type: 'message.deleted', messageId: message.id, roomId: message.roomId });
  }

  boost(boosterId: number, message: Message, content: string): Boost {
    const boost: Boost = {
      id: this.#nextBoostId++,
      messageId: message.id,
      boosterId,
      content,
      createdAt: this.#clock.now(),
    };
    message.boosts.push(boost);
    this.#events.emit({ type: 'boost.created', boost, roomId: message.roomId });
    return boost;
  }

  unboost(message: Message, boost: Boost): void {
    message.boosts = message.boosts.filter((kept) => kept !== boost);
    const { id: boostId, messageId } = boost;
    this.#events.emit({ type: 'boost.deleted', boostId, messageId, roomId: message.roomId });
  }

  /** @throws RangeError when the id is taken, a direct room has a name, or a member does not exist. */
  createRoom({
    id = this.#freeRoomId(),
    name,
    kind,
    members = [],
  }: Omit<RoomConfig, 'id'> & { id?: number }): Room {
    if (this.rooms.has(id)) throw new RangeError(`There is already a room ${id}`);
    if ((kind === 'direct') !== (name === null))
      throw new RangeError('A direct room, and only that, has no name');
    const memberIds = kind === 'open' ? [...this.people.keys(), ...this.bots.keys()] : members;
    const room: Room = { id, name, kind, memberships: new Map() };
    for (const userId of memberIds) {
      if (!this.user(userId)) throw new RangeError(`There is no user ${userId} to put into room ${id}`);
      room.memberships.set(userId, { userId, unreadAt: null, connectedAt: null });
    }
    this.rooms.set(id, room);
    this.#messages.set(id, new Map());
    this.#events.emit({ type: 'room.created', room });
    return room;
  }

  user(id: number): User | undefined {
    return this.people.get(id) ?? this.bots.get(id);
  }

  /** The room, if the user is a member of it. */
  roomOf(userId: number, roomId: number): Room | null {
    const room = this.rooms.get(roomId);
    return room?.memberships.has(userId) ? room : null;
  }

  /** Oldest first. */
  messagesIn(roomId: number): Message[] {
    return [...(this.#messages.get(roomId)?.values() ?? [])];
  }

  message(roomId: number, id: number): Message | null {
    return this.#messages.get(roomId)?.get(id) ?? null;
  }

  /** The message of that id in whatever room. */
  messageAnywhere(id: number): Message | null {
    for (const messages of this.#messages.values()) {
      const found = messages.get(id);
      if (found) return found;
    }
    return null;
  }

  /** The name shown for an sgid, signed or not; undefined shows Campfire's "☒". */
  readonly resolveMention = (sgid: string): string | undefined => this.user(userIdIn(sgid) ?? -1)?.name;

  #create(creatorId: number, roomId: number, draft: Draft): Message {
    const room = this.rooms.get(roomId);
    const creator = this.user(creatorId);
    if (!room || !creator) throw new RangeError(`There is no room ${roomId} or no user ${creatorId}`);
    // Campfire's clock has microseconds, which SQLite's single writer never hands out twice; ours has milliseconds.
    this.#lastCreatedAt = Math.max(this.#clock.now(), this.#lastCreatedAt + 0.001);
    const message: Message = {
      id: this.#nextMessageId++,
      roomId,
      creatorId,
      html: null,
      plain: '',
      attachment: null,
      boosts: [],
      createdAt: this.#lastCreatedAt,
      editedAt: null,
    };
    if ('html' in draft) message.html = canonical(draft.html);
    else this.#attach(message, draft);
    message.plain = this.#plainTextOf(message);
    this.#store(message);
    this.notices.announce(room, creator, message, this.people.keys(), this.#mentionees(room, message));
    // In this order: a file whose processing fails leaves a message that nobody is told of live.
    if (message.attachment) this.#processFile();
    this.#events.emit({ type: 'message.created', message });
    return message;
  }

  #attach(message: Message, { file }: Extract<Draft, { file: unknown }>): void {
    const { name, type, bytes } = file;
    message.attachment = { fileId: this.files.put(name, type, bytes), name, type, size: bytes.byteLength };
  }

  #plainTextOf({ html, attachment }: Message): string {
    return (html === null ? '' : plainTextOf(html, this)) || (attachment?.name ?? '');
  }

  #store(message: Message): void {
    const messages = this.#messages.get(message.roomId);
    if (!messages) return;
    messages.set(message.id, message);
    for (const oldest of messages.values()) {
      if (messages.size <= this.#messagesPerRoomMax) break;
      this.#forget(oldest);
    }
  }

  #forget(message: Message): void {
    this.#messages.get(message.roomId)?.delete(message.id);
    if (message.attachment) this.files.delete(message.attachment.fileId);
  }

  #webhookRecipients(message: Message): number[] {
    const room = this.rooms.get(message.roomId);
    if (!room) return [];
    const called =
      room.kind === 'direct' ? [...room.memberships.keys()] : [...this.#mentionees(room, message)];
    return called.filter((id) => {
      const bot = this.bots.get(id);
      return bot?.active && bot.webhookUrl !== null && id !== message.creatorId;
    });
  }

  #mentionees(room: Room, message: Message): Set<number> {
    const ids = this.mentions.verifiedIn(message.html ?? '');
    return new Set(ids.filter((id) => room.memberships.has(id)));
  }

  #freeRoomId(): number {
    return Math.max(0, ...this.rooms.keys()) + 1;
  }
}

/** What Action Text stores of a body: the parsed fragment written out again, so that plain text comes back escaped. */
function canonical(html: string): string {
  return serialise(parseWithRawClasses(html));
}
