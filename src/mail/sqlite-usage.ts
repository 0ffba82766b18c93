import type { Store } from '../store/sqlite.ts';
import type { Usage, UsageEntry } from './usage.ts';

/** The usage in the embedded database, whose migrations must include those of `schema.ts`. */
export function createSqliteUsage(store: Store): Usage {
  return {
    async record({ day, botId, roomId, authorId, roomName, authorName, turns, microUsd, tokens }) {
      // Lazily: what the attempt decides is a full commit, and takes this along.
      store.lazily(() =>
        store.run(
          `INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (day, bot_id, room_id, author_id) DO UPDATE SET
             room_name = excluded.room_name, author_name = excluded.author_name,
             turns = turns + excluded.turns, micro_usd = micro_usd + excluded.micro_usd,
             input_tokens = input_tokens + excluded.input_tokens,
             output_tokens = output_tokens + excluded.output_tokens,
             cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
             cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens`,
          ...[day, botId, roomId, authorId, roomName, authorName, turns, microUsd],
          ...[tokens.input, tokens.output, tokens.cacheRead, tokens.cacheWrite],
        ),
      );
    },
    async spentOn(day, botId) {
      const spent = store.get<{ microUsd: number }>(
        `SELECT coalesce(sum(micro_usd), 0) AS microUsd FROM usage WHERE day = ?1 AND (?2 IS NULL OR bot_id = ?2)`,
        ...[day, botId],
      );
      return spent?.microUsd ?? 0;
    },
    async since(firstDay) {
      return store
        .all<Omit<UsageEntry, 'tokens'> & UsageEntry['tokens']>(
          `SELECT day, bot_id AS botId, room_id AS roomId, author_id AS authorId, room_name AS roomName,
                  author_name AS authorName, turns, micro_usd AS microUsd, input_tokens AS input,
                  output_tokens AS output, cache_read_tokens AS cacheRead, cache_write_tokens AS cacheWrite
           FROM usage WHERE day >= ?`,
          firstDay,
        )
        .map(({ input, output, cacheRead, cacheWrite, ...entry }) => ({
          ...entry,
          tokens: { input, output, cacheRead, cacheWrite },
        }));
    },
    async tellOnce(day, what) {
      const told = store.run('INSERT INTO usage_told VALUES (?, ?) ON CONFLICT DO NOTHING', day, what);
      return told.changes === 1;
    },
    async forgetBefore(day) {
      store.lazily(() => {
        store.run('DELETE FROM usage WHERE day < ?', day);
        store.run('DELETE FROM usage_told WHERE day < ?', day);
      });
    },
  };
}
