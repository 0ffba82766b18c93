import { createHash } from 'node:crypto';
import type { AgentProfile } from '../agent/agent.ts';
import type { Migration, Store } from '../store/sqlite.ts';

/**
 * What a bot's sessions grow to: the p95 of the peaks that its last 64 turns were seen with, kept across restarts.
 * Older turns fall out, which is the only decay: a bot that lost a heavy tool is light again 64 turns later. Fewer than
 * 20 turns have no p95 worth the name (it would be their largest), so until then a start value is the least.
 *
 * What `claude` itself takes is known; what other people's programs take is not. So the first turns of a bot that starts
 * some (MCP servers, a shell) may each grow to the most that a session is left to grow to, and its record ends when it
 * starts others.
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
  // What a bot starts was not written down before: one that starts nothing keeps its record, the others begin anew.
  { version: 18, sql: "ALTER TABLE session_peaks ADD COLUMN programs TEXT NOT NULL DEFAULT ''" },
];

const keptTurns = 64;
const enoughTurns = 20;
/** One turn may happen to be a light one; more of them in a row only make people wait. */
const firstTurns = 3;

const megabyte = 1024 * 1024;
/** Measured: a plain session holds 120 MB after its first turn and 180-250 MB when busy over many. */
const plainBytes = 250 * megabyte;
/** Measured: a small MCP server in Node holds some 45 MB, one in Python some 30 MB; others hold more. */
const perServerBytes = 60 * megabyte;
/** A shell's commands are anybody's guess; compilers and office programs begin here. */
const shellBytes = 50 * megabyte;

/** Whose sessions are spoken of; a bot that starts other programs than before is another one here. */
export interface PeaksBot {
  id: string;
  profile: Pick<AgentProfile, 'tools' | 'mcpServers'>;
}

export interface Peaks {
  /** What a session of this bot is expected to grow to, in bytes. */
  expectedBytes(bot: PeaksBot): number;
  /** Too few of its turns were seen to believe them: the next one must not end unseen. */
  isNew(bot: PeaksBot): boolean;
  /** A session in the middle of its turn holds this much; counts for a bot of which little else is known. */
  glimpse(bot: PeaksBot, bytes: number): void;
  /** A turn has ended and this is the most that its session's tree has held. */
  observe(bot: PeaksBot, peakBytes: number): void;
  /** Writes what was observed since the last time; losing it costs an estimate. */
  save(): void;
  /** For the metrics: the estimates of bots that had turns. */
  known(): Record<string, number>;
}

interface Seen {
  programs: string;
  peaks: readonly number[];
  /** Of `peaks`: asked for with every session of every reading, and changes only with a turn. */
  p95: number;
  glimpsed: number;
}

/** `maxBytes`: no session is left to grow beyond it, so none is expected to. */
export function createPeaks(store: Store, maxBytes: number): Peaks {
  const seen = new Map<string, Seen>();
  /** By bot: the record that had the last turn. Sessions from before its file changed may live on beside it. */
  const latest = new Map<string, Seen>();
  const unsaved = new Set<string>();
  const programs = new WeakMap<PeaksBot['profile'], string>();
  const programsOf = ({ profile }: PeaksBot) => {
    const known = programs.get(profile) ?? programsIn(profile);
    programs.set(profile, known);
    return known;
  };
  const keyOf = (botId: string, own: string) => `${botId} ${own}`;
  const seenOf = (bot: PeaksBot): Seen => {
    const own = programsOf(bot);
    return seen.get(keyOf(bot.id, own)) ?? { programs: own, peaks: [], p95: 0, glimpsed: 0 };
  };
  const keep = (botId: string, known: Seen) => seen.set(keyOf(botId, known.programs), known);
  const keepTurns = (botId: string, known: Seen, peaks: readonly number[]) => {
    const next = { ...known, peaks, p95: p95(peaks) };
    keep(botId, next);
    latest.set(botId, next);
  };
  const isNew = (bot: PeaksBot) => programsOf(bot) !== '' && seenOf(bot).peaks.length < firstTurns;
  for (const { botId, programs: own, peaks } of store.all<{ botId: string; programs: string; peaks: string }>(
    'SELECT bot_id AS botId, programs, peaks FROM session_peaks',
  )) {
    // Only `save` wrote it, so it is trusted.
    keepTurns(botId, { programs: own, peaks: [], p95: 0, glimpsed: 0 }, JSON.parse(peaks) as number[]);
  }
  return {
    isNew,
    expectedBytes(bot) {
      const { peaks, p95: observed, glimpsed } = seenOf(bot);
      if (isNew(bot)) return maxBytes;
      if (peaks.length >= enoughTurns) return Math.min(observed, maxBytes);
      return Math.min(Math.max(observed, startBytes(bot.profile), glimpsed), maxBytes);
    },
    glimpse(bot, bytes) {
      const known = seenOf(bot);
      if (bytes > known.glimpsed) keep(bot.id, { ...known, glimpsed: bytes });
    },
    observe(bot, peakBytes) {
      const known = seenOf(bot);
      keepTurns(bot.id, known, [...known.peaks, Math.round(peakBytes)].slice(-keptTurns));
      unsaved.add(bot.id);
    },
    save() {
      for (const botId of unsaved) {
        const { peaks = [], programs: own = '' } = latest.get(botId) ?? {};
        store.lazily(() =>
          store.run(
            `INSERT INTO session_peaks (bot_id, peaks, programs) VALUES (?, ?, ?)
             ON CONFLICT (bot_id) DO UPDATE SET peaks = excluded.peaks, programs = excluded.programs`,
            ...[botId, JSON.stringify(peaks), own],
          ),
        );
      }
      unsaved.clear();
    },
    known: () => Object.fromEntries([...latest].map(([botId, { p95: observed }]) => [botId, observed])),
  };
}

/** Names the programs that a bot's sessions start beside `claude`, without showing them; empty when there are none. */
function programsIn({ tools, mcpServers }: PeaksBot['profile']): string {
  const servers = Object.entries(mcpServers).flatMap(([name, server]) =>
    server.type === 'stdio' ? [[name, server.command, ...server.args]] : [],
  );
  const shell = tools.includes('Bash');
  if (servers.length === 0 && !shell) return '';
  // Arguments may hold a secret.
  return createHash('sha256')
    .update(JSON.stringify([shell, servers]))
    .digest('hex')
    .slice(0, 16);
}

/** What a bot is expected to need at least before it was seen often. */
export function startBytes({ tools, mcpServers }: Pick<AgentProfile, 'tools' | 'mcpServers'>): number {
  const servers = Object.values(mcpServers).filter(({ type }) => type === 'stdio').length;
  return plainBytes + servers * perServerBytes + (tools.includes('Bash') ? shellBytes : 0);
}

/** Nearest rank; 0 of none. */
export function p95(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
}
