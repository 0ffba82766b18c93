import type { Store } from '../store/sqlite.ts';
import type { Conversation, FileIndex, KeptFile, Owner } from './kept.ts';

const columns = `id, bot_id AS botId, room_id AS roomId, turn_id AS turnId, kept_as AS "as", source, name, title,
  media_type AS mediaType, bytes, digest, created_at AS createdAt, expires_at AS expiresAt, used_at AS usedAt, hits`;

/** The index in the embedded database, whose migrations must include those of `schema.ts`. */
export function createSqliteFileIndex(store: Store): FileIndex {
  return new SqliteFileIndex(store);
}

/** Each file with the hash of its token, in the order of adding, for whoever moves them into another driver. */
export function keptFilesWithTokens(store: Store): Array<{ file: KeptFile; tokenHash: string | null }> {
  const rows = store.all<KeptFile & { tokenHash: string | null }>(
    `SELECT ${columns}, token_hash AS tokenHash FROM downloads ORDER BY position`,
  );
  return rows.map(({ tokenHash, ...file }) => ({ file, tokenHash }));
}

class SqliteFileIndex implements FileIndex {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async add(file: KeptFile, tokenHash: string | null) {
    this.#store.run(
      `INSERT INTO downloads (id, bot_id, room_id, turn_id, kept_as, token_hash, source, name, title, media_type,
         bytes, digest, created_at, expires_at, used_at, hits)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[
        file.id,
        file.botId,
        file.roomId,
        file.turnId,
        file.as,
        tokenHash,
        file.source,
        file.name,
        file.title,
      ],
      ...[file.mediaType, file.bytes, file.digest, file.createdAt, file.expiresAt, file.usedAt, file.hits],
    );
  }

  async byId(id: string) {
    return this.#store.get<KeptFile>(`SELECT ${columns} FROM downloads WHERE id = ?`, id) ?? null;
  }

  async byToken(tokenHash: string) {
    return (
      this.#store.get<KeptFile>(`SELECT ${columns} FROM downloads WHERE token_hash = ?`, tokenHash) ?? null
    );
  }

  async ofTurn({ botId, roomId, turnId }: Owner) {
    return this.#store.all<KeptFile>(
      `SELECT ${columns} FROM downloads WHERE bot_id = ? AND room_id = ? AND turn_id = ? ORDER BY position`,
      ...[botId, roomId, turnId],
    );
  }

  async list({ conversation, expiredBy }: { conversation?: Conversation; expiredBy?: number }) {
    if (conversation === undefined) {
      return this.#store.all<KeptFile>(
        `SELECT ${columns} FROM downloads WHERE expires_at <= ? ORDER BY used_at, position`,
        expiredBy ?? Number.MAX_SAFE_INTEGER,
      );
    }
    return this.#store.all<KeptFile>(
      `SELECT ${columns} FROM downloads WHERE bot_id = ? AND room_id = ? AND expires_at <= ?
       ORDER BY used_at, position`,
      ...[conversation.botId, conversation.roomId, expiredBy ?? Number.MAX_SAFE_INTEGER],
    );
  }

  async usedBytes(conversation: Conversation | null) {
    const sum = 'SELECT coalesce(sum(bytes), 0) AS bytes FROM downloads';
    const row = conversation
      ? this.#store.get<{ bytes: number }>(
          `${sum} WHERE bot_id = ? AND room_id = ?`,
          ...[conversation.botId, conversation.roomId],
        )
      : this.#store.get<{ bytes: number }>(sum);
    return row?.bytes ?? 0;
  }

  async replaceToken(id: string, tokenHash: string) {
    this.#store.run('UPDATE downloads SET token_hash = ? WHERE id = ?', tokenHash, id);
  }

  async countHit(id: string, at: number) {
    this.#store.run(
      'UPDATE downloads SET hits = hits + 1, used_at = max(used_at, ?) WHERE id = ?',
      ...[at, id],
    );
  }

  async remove(id: string) {
    return this.#store.run('DELETE FROM downloads WHERE id = ?', id).changes === 1;
  }
}
