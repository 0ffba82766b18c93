import type { Context } from 'hono';
import { z } from 'zod';
import type { Campfire } from './campfire.ts';
import { compose } from './compose.ts';
import { type Bot, faces, type Message, type Room } from './records.ts';

/** A request of the page that cannot be done, in a sentence for whoever sent it. */
export class PageError extends Error {
  readonly status: 403 | 404 | 422;

  constructor(status: 403 | 404 | 422, sentence: string) {
    super(sentence);
    this.status = status;
  }
}

const id = z.number().int().positive();
export type Written = z.infer<typeof content>;

const content = z.union([
  z.object({ html: z.string().min(1) }),
  z.object({ text: z.string().min(1), mentions: z.array(id).optional(), replyTo: id.optional() }),
]);
export const authored = z.intersection(z.object({ personId: id }), content);
export const boosted = z.object({ personId: id, content: z.string().min(1).max(16) });
export const presence = z.object({ personId: id, present: z.boolean() });
export const newRoom = z.object({
  id: id.optional(),
  name: z.string().min(1).nullable(),
  kind: z.enum(['open', 'closed', 'direct']),
  memberIds: z.array(id).optional(),
});
export const stormy = z.intersection(
  z.object({
    roomId: id,
    personIds: z.array(id).min(1),
    perSecond: z.number().positive().max(1_000),
    seconds: z.number().positive().max(600),
  }),
  content,
);
export const faultSettings = z.strictObject({
  down: z.boolean(),
  slowMs: z.number().min(0).max(600_000),
  badGateway: z.boolean(),
  tlsRedirectTo: z.url().nullable(),
  loseAnswers: z.boolean(),
  deleteUnderEdit: z.boolean(),
  failProcessing: z.boolean(),
  outOfOrder: z.boolean(),
  duplicates: z.number().int().min(0).max(10),
  webhookBadGateway: z.boolean(),
});
export const botChanges = z.strictObject({ webhookUrl: z.url().nullable(), active: z.boolean() }).partial();
export const newKey = z.strictObject({ key: z.string().optional() });

export const newFace = z.strictObject({ face: z.enum(faces) });
export const changes = z.record(z.string(), z.unknown());

/** The HTML of what a person wrote: as given, or composed. */
export function htmlOf(campfire: Campfire, written: Written): string {
  if ('html' in written) return written.html;
  const { text, mentions, replyTo } = written;
  return compose(campfire, { text, mentions, replyTo: campfire.messageAnywhere(replyTo ?? -1) ?? undefined });
}

/** How many messages a reader wants of each room. */
export function limitIn(c: Context): number {
  return z.coerce.number().int().min(1).max(500).default(50).parse(c.req.query('messages'));
}

export function personIdIn(c: Context): number {
  return z.coerce.number().int().positive().parse(c.req.query('personId'));
}

export function roomIn(c: Context, campfire: Campfire): Room {
  const room = campfire.rooms.get(Number(c.req.param('room')));
  if (!room) throw new PageError(404, 'There is no such room');
  return room;
}

/** @throws PageError when the room is not there, or is there and not this person's. */
export function memberRoom(campfire: Campfire, roomId: number, personId: number): Room {
  const room = campfire.roomOf(personId, roomId);
  if (!room || !campfire.people.has(personId)) {
    throw new PageError(404, `Person ${personId} is in no room ${roomId}`);
  }
  return room;
}

export function messageIn(c: Context, campfire: Campfire, personId: number): Message {
  const message = campfire.messageAnywhere(Number(c.req.param('message')));
  if (!message) throw new PageError(404, 'There is no such message');
  memberRoom(campfire, message.roomId, personId);
  return message;
}

/** A message that the person may change: their own, and any for an administrator. */
export function ownMessageIn(c: Context, campfire: Campfire, personId: number): Message {
  const message = messageIn(c, campfire, personId);
  const mayChange = message.creatorId === personId || campfire.people.get(personId)?.role === 'administrator';
  if (!mayChange) throw new PageError(403, 'That is somebody else’s message');
  return message;
}

export function botIn(c: Context, campfire: Campfire): Bot {
  const bot = campfire.bots.get(Number(c.req.param('bot')));
  if (!bot) throw new PageError(404, 'There is no such bot');
  return bot;
}
