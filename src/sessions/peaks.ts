import type { AgentProfile } from '../agent/agent.ts';
import type { Migration, Store } from '../store/sqlite.ts';

/**
 * What a bot's sessions grow to: the p95 of the peaks that its last 64 turns were seen with, kept across restarts.
 * Older turns fall out, which is the only decay: a bot that lost a heavy tool is light again 64 turns later. Fewer than
 * 20 turns have no p95 worth the name (it would be their largest), so until then a start value is the least.
 */
export const peakMigrations: readonly Migration[] = [
  {
    version: 5,
    sql: `
      CREATE TABLE session_peaks (
        bot_id TEXT PRIMARY KEY,
        -- JSON: the peaks of the last turns in bytes, oldest first.
        peaks TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
];

const keptTurns = 64;
const enoughTurns = 20;

const megabyte = 1024 * 1024;
/** Measured: a plain session holds 120 MB after its first turn and 180-250 MB when busy over many. */
const plainBytes = 250 * megabyte;
/** Measured: a small MCP server in Node holds some 45 MB, one in Python some 30 MB; others hold more. */
const perServerBytes = 60 * megabyte;
/** A shell's commands are anybody's guess; compilers and office programs begin here. */
const shellBytes = 50 * megabyte;

export interface Peaks {
  /** What a session of this bot is expected to grow to, in bytes. */
  expectedBytes(botId: string, profile: AgentProfile): number;
  /** A session in the middle of its turn holds this much; counts for a bot of which little else is known. */
  glimpse(botId: string, bytes: number): void;
  /** A turn has ended and this is the most that its session's tree has held. */
  observe(botId: string, peakBytes: number): void;
  /** Writes what was observed since the last time; losing it costs an estimate. */
  save(): void;
  /** For the metrics: the estimates of bots that had turns. */
  known(): Record<string, number>;
}

/** `maxBytes`: no session is left to grow beyond it, so none is expected to. */
export function createPeaks(store: Store, maxBytes: number): Peaks {
  // The p95 is asked for with every session of every reading, and changes only with a turn: it is kept.
  const seen = new Map<string, { peaks: number[]; p95: number }>();
  const keep = (botId: string, peaks: number[]) => seen.set(botId, { peaks, p95: p95(peaks) });
  const glimpsed = new Map<string, number>();
  const unsaved = new Set<string>();
  for (const { botId, peaks } of store.all<{ botId: string; peaks: string }>(
    'SELECT bot_id AS botId, peaks FROM session_peaks',
  )) {
    // Only `save` wrote it, so it is trusted.
    keep(botId, JSON.parse(peaks) as number[]);
  }
  return {
    expectedBytes(botId, profile) {
      const { peaks, p95: observed } = seen.get(botId) ?? { peaks: [], p95: 0 };
      if (peaks.length >= enoughTurns) return Math.min(observed, maxBytes);
      return Math.min(Math.max(observed, startBytes(profile), glimpsed.get(botId) ?? 0), maxBytes);
    },
    glimpse: (botId, bytes) => void glimpsed.set(botId, Math.max(bytes, glimpsed.get(botId) ?? 0)),
    observe(botId, peakBytes) {
      keep(botId, [...(seen.get(botId)?.peaks ?? []), Math.round(peakBytes)].slice(-keptTurns));
      unsaved.add(botId);
    },
    save() {
      for (const botId of unsaved) {
        store.lazily(() =>
          store.run(
            `INSERT INTO session_peaks (bot_id, peaks) VALUES (?, ?)
             ON CONFLICT (bot_id) DO UPDATE SET peaks = excluded.peaks`,
            ...[botId, JSON.stringify(seen.get(botId)?.peaks ?? [])],
          ),
        );
      }
      unsaved.clear();
    },
    known: () => Object.fromEntries([...seen].map(([botId, { p95 }]) => [botId, p95])),
  };
}

/** What a bot is expected to need before it was ever seen. */
export function startBytes({ tools, mcpServers }: Pick<AgentProfile, 'tools' | 'mcpServers'>): number {
  const servers = Object.values(mcpServers).filter(({ type }) => type === 'stdio').length;
  return plainBytes + servers * perServerBytes + (tools.includes('Bash') ? shellBytes : 0);
}

/** Nearest rank; 0 of none. */
export function p95(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
}
