import type { Clock } from '../lib/clock.ts';
import type { Migration, Store } from '../store/sqlite.ts';
import type { CampfireClient } from './client.ts';
import { mentionType, readMentions } from './html/read.ts';

/**
 * By which signed id somebody can be mentioned. No API gives one to a bot: they are taken from messages in which people
 * mention each other.
 *
 * Invariants:
 * 1. The id of a user is one that Campfire itself delivered, by a webhook with the bot's key or by its API.
 * 2. A forged one does not replace a genuine one. A signature cannot be checked here, and a person can send Campfire
 *    any HTML; a forged id would show a mention and notify nobody. But a genuine id is the same in every message, so
 *    each author has one voice for each user, the id with most voices counts, and on a tie there is none.
 */
export interface Mentions {
  /** Notes the people mentioned in a message of `authorId`. Takes no more than a few milliseconds. */
  learn(html: string | null, authorId: number): void;
  /** The id to mention a user by; null when none is known for sure. */
  sgidOf(userId: number): string | null;
  /** Reads the newest messages of a room to learn from them, where Campfire lets a bot read. Never rejects. */
  search(botKey: string, roomId: number): Promise<void>;
}

export const mentionMigrations: readonly Migration[] = [
  {
    version: 13,
    sql: `
      CREATE TABLE mention_sgids (
        user_id INTEGER NOT NULL,
        author_id INTEGER NOT NULL,
        sgid TEXT NOT NULL,
        seen_at INTEGER NOT NULL,
        PRIMARY KEY (user_id, author_id)
      ) STRICT, WITHOUT ROWID;
    `,
  },
];

/** Longer messages are pasted text; their mentions can wait for the next one. */
const learnedMaxCharacters = 65_536;
const learnedMax = 50;

export function createMentions(store: Store, clock: Clock, client: Pick<CampfireClient, 'index'>): Mentions {
  const learn = (html: string | null, authorId: number): void => {
    if (html === null || html.length > learnedMaxCharacters || !html.includes(mentionType)) return;
    const known = readMentions(html)
      .map(({ sgid }) => ({ sgid, userId: userIdIn(sgid) }))
      .filter(({ userId }) => userId !== null);
    for (const { sgid, userId } of known.slice(0, learnedMax)) {
      store.run(
        `INSERT INTO mention_sgids (user_id, author_id, sgid, seen_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (user_id, author_id) DO UPDATE SET sgid = excluded.sgid, seen_at = excluded.seen_at`,
        ...[userId, authorId, sgid, clock.now()],
      );
    }
  };
  return {
    learn,
    sgidOf(userId) {
      const [first, second] = store.all<{ sgid: string; voices: number }>(
        `SELECT sgid, count(*) AS voices FROM mention_sgids WHERE user_id = ?
         GROUP BY sgid ORDER BY voices DESC LIMIT 2`,
        userId,
      );
      return first && first.voices !== second?.voices ? first.sgid : null;
    },
    async search(botKey, roomId) {
      const page = await client.index(botKey, roomId);
      if (page.kind !== 'messages') return;
      // A bot may write any HTML, and what we posted ourselves would speak for itself.
      for (const { html, creator } of page.messages) if (!creator.isBot) learn(html, creator.id);
    },
  };
}

/**
 * The user that a signed global id of Rails names; null for anything else: unsigned, of another model or application,
 * made for another purpose, or expiring. The payload is read, its signature is not checked.
 */
export function userIdIn(sgid: string): number | null {
  const payload = /^([A-Za-z0-9+/_-]{16,512}={0,2})--(?:[0-9a-f]{40}|[0-9a-f]{64})$/.exec(sgid)?.[1];
  if (payload === undefined) return null;
  try {
    const { _rails: envelope } = JSON.parse(decoded(payload)) as { _rails?: Record<string, unknown> };
    if (envelope?.pur !== 'attachable' || (envelope.exp ?? null) !== null) return null;
    const gid = typeof envelope.data === 'string' ? envelope.data : serialised(envelope.message);
    const id = /^gid:\/\/campfire\/User\/(\d{1,15})(?:\?expires_in)?$/.exec(gid)?.[1];
    return id === undefined ? null : Number(id);
  } catch {
    return null;
  }
}

/** Before Rails 7.1 the id is wrapped once more: JSON's string or Ruby's, whose head and tail are no printable text. */
function serialised(message: unknown): string {
  const text = typeof message === 'string' ? decoded(message) : '';
  return /gid:\/\/[\w/-]+(?:\?expires_in)?/.exec(text)?.[0] ?? '';
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').toString('latin1');
}
