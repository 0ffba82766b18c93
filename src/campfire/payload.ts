import { z } from 'zod';

/**
 * The two bodies that `POST /webhook` takes: Campfire's own, as its `Webhook#payload` writes it, and a flat one for
 * scripts and tests. Fields that nobody here reads are ignored, so that a newer Campfire may add some.
 */

/** What a person (or a bot) wrote, whichever body brought it. Holds no key. */
export interface WebhookMessage {
  readonly roomId: number;
  /** Null in direct rooms, which have no name. */
  readonly roomName: string | null;
  /** Campfire's id: unique, and growing with time. Null when a flat body gave none. */
  readonly messageId: number | null;
  readonly author: { readonly id: number; readonly name: string | null };
  /** The stored HTML, with mentions and quotes; null for an uploaded file and for flat bodies. */
  readonly html: string | null;
  /** The text without mentions of the bot; "" for a bare mention, the file's name for an upload. */
  readonly plain: string;
  /** Where people find the message, relative to Campfire's address. */
  readonly permalinkPath: string | null;
}

/** A parsed body. The key is a credential: compare it, then forget it. */
export type Payload =
  | { readonly kind: 'campfire'; readonly message: WebhookMessage; readonly botKey: string | null }
  | { readonly kind: 'flat'; readonly message: WebhookMessage };

const id = z.int().positive();
const optionalText = z.string().nullish();

const campfireBody = z.object({
  user: z.object({ id, name: optionalText }),
  room: z.object({ id, name: optionalText, path: optionalText }),
  message: z.object({
    id,
    path: optionalText,
    body: z.object({ html: optionalText, plain: z.string() }),
  }),
});

const flatBody = z.object({
  id: id.nullish(),
  creator: z.object({ id, name: optionalText }),
  room: z.object({ id, name: optionalText }),
  content: z.string(),
});

/** Reads a decoded JSON body. Null when it is neither of the two. */
export function parsePayload(body: unknown): Payload | null {
  const own = campfireBody.safeParse(body);
  if (own.success) return fromCampfire(own.data);
  const flat = flatBody.safeParse(body);
  return flat.success ? fromFlat(flat.data) : null;
}

function fromCampfire({ user, room, message }: z.output<typeof campfireBody>): Payload {
  return {
    kind: 'campfire',
    botKey: keyIn(room.path ?? ''),
    message: {
      roomId: room.id,
      roomName: room.name ?? null,
      messageId: message.id,
      author: { id: user.id, name: user.name ?? null },
      html: message.body.html ?? null,
      plain: message.body.plain,
      permalinkPath: permalink(message.path ?? ''),
    },
  };
}

function fromFlat({ id: messageId, creator, room, content }: z.output<typeof flatBody>): Payload {
  return {
    kind: 'flat',
    message: {
      roomId: room.id,
      roomName: room.name ?? null,
      messageId: messageId ?? null,
      author: { id: creator.id, name: creator.name ?? null },
      html: null,
      plain: content,
      permalinkPath: null,
    },
  };
}

/** The bot key in `/rooms/<room>/<key>/messages`. */
function keyIn(path: string): string | null {
  return /\/rooms\/\d+\/([^/?#]+)\/messages$/.exec(path)?.[1] ?? null;
}

/** Only the form that Campfire writes: the path ends up in links. */
function permalink(path: string): string | null {
  return /^\/rooms\/\d+\/@\d+$/.test(path) ? path : null;
}
