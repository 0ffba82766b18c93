import type { Clock } from '../lib/clock.ts';
import type { EventStream } from './events.ts';
import type { Membership, Message, Push, Room, User } from './records.ts';

/** A member seen in a room within this time is "connected": no unread mark, no push (membership/connectable.rb). */
export const connectionTtlMs = 60_000;
const pushesMax = 500;

/** What a new message does to those who are not looking: unread marks and web pushes (room.rb, room/message_pusher.rb). */
export class Notices {
  /** The newest pushes, oldest first. */
  readonly pushes: Push[] = [];
  readonly #clock: Clock;
  readonly #events: EventStream;
  #nextPushId = 1;

  constructor(clock: Clock, events: EventStream) {
    this.#clock = clock;
    this.#events = events;
  }

  /**
   * Marks the room unread for every absent person but the author, and pushes: in a direct room to all of them,
   * elsewhere to those of `mentioned`, which are Campfire's default involvements.
   */
  announce(
    room: Room,
    creator: User,
    message: Message,
    absentees: Iterable<number>,
    mentioned: Set<number>,
  ): void {
    for (const personId of absentees) {
      const membership = room.memberships.get(personId);
      if (!membership || personId === creator.id || this.#isConnected(membership)) continue;
      const wasRead = membership.unreadAt === null;
      membership.unreadAt = message.createdAt;
      if (wasRead) this.#events.emit({ type: 'unread.changed', personId, roomId: room.id, unread: true });
      if (room.kind === 'direct' || mentioned.has(personId)) this.#push(personId, room, creator, message);
    }
  }

  /** A member opens the room (or still looks at it): it is read, and counts as seen for `connectionTtlMs`. */
  enter(userId: number, room: Room): void {
    const membership = room.memberships.get(userId);
    if (!membership) return;
    membership.connectedAt = this.#clock.now();
    if (membership.unreadAt === null) return;
    membership.unreadAt = null;
    this.#events.emit({ type: 'unread.changed', personId: userId, roomId: room.id, unread: false });
  }

  leave(userId: number, room: Room): void {
    const membership = room.memberships.get(userId);
    if (membership) membership.connectedAt = null;
  }

  #isConnected({ connectedAt }: Membership): boolean {
    return connectedAt !== null && this.#clock.now() - connectedAt < connectionTtlMs;
  }

  #push(personId: number, room: Room, creator: User, message: Message): void {
    const [title, body] =
      room.name === null ? [creator.name, message.plain] : [room.name, `${creator.name}: ${message.plain}`];
    const at = this.#clock.now();
    const push = {
      id: this.#nextPushId++,
      personId,
      roomId: room.id,
      messageId: message.id,
      title,
      body,
      at,
    };
    this.pushes.push(push);
    if (this.pushes.length > pushesMax) this.pushes.shift();
    this.#events.emit({ type: 'push.sent', push });
  }
}
