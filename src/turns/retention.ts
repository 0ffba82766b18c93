import type { FindBot } from '../config/bot.ts';
import type { Clock } from '../lib/clock.ts';
import type { MailHistory } from '../mail/history.ts';
import type { Conversation } from '../mail/mail.ts';
import type { Ownership } from '../mail/ownership.ts';
import type { KeptConversations } from '../sessions/kept.ts';
import type { Pool } from '../sessions/pool.ts';
import type { Migration, Store } from '../store/sqlite.ts';
import type { Emit, SessionName } from '../telemetry/events.ts';
import { emitFailure } from '../telemetry/failure.ts';
import { withRight } from './right.ts';
import type { Spending } from './spending.ts';

/**
 * Lets go of what has been kept long enough.
 *
 * Invariants:
 * 1. A conversation with something waiting, running or to be sent is not idle, however long ago its last turn was.
 * 2. A conversation goes as a whole: session, mail, record and folder. Ended in between, the next round finishes it.
 * 3. That a bot is gone, here and on every machine that is heard of, counts only after a week, and only while the bots
 *    folder is without fault: its file may be missing by mistake.
 */

export const retentionMigrations: readonly Migration[] = [
  {
    version: 10,
    sql: `CREATE TABLE absent_bots (bot_id TEXT PRIMARY KEY, since INTEGER NOT NULL) STRICT, WITHOUT ROWID;`,
  },
];

const dayMs = 86_400_000;
const botGoneGraceMs = 7 * dayMs;
/** A spare's folder is named by no conversation until the spare is claimed. */
const unnamedFolderMs = dayMs;
const roundPeriodMs = 3_600_000;
/** The first round: when whoever was waiting at the start has been served. */
const firstRoundMs = 60_000;
const pruneBatch = 50;
const pauseMs = 50;
/** Conversations looked at in one round; the rest waits for the next. */
const perRoundMax = 1000;

export interface RetentionParts {
  store: Store;
  history: MailHistory;
  kept: KeptConversations;
  pool: Pick<Pool, 'snapshot' | 'close'>;
  ownership: Ownership;
  /** Whether a bot is there; `unclear` when a file cannot be read, `elsewhere` when another machine may have it. */
  findBot: (id: string) => object | ReturnType<FindBot>;
  spending: Pick<Spending, 'forgetBefore'>;
  /** Folders in which processes live. */
  foldersInUse: () => ReadonlySet<string>;
  /** Told when a conversation is gone, for whoever keeps something of it elsewhere. */
  onForgotten: (conversation: Conversation) => void;
  retentionMs: number;
  conversationRetentionMs: number;
  clock: Clock;
  emit: Emit;
}

export interface Retention {
  /** One round of everything; the clock calls it every hour. */
  round(): Promise<void>;
  /**
   * Deletes all that there is of a conversation. False, and nothing happens, while it is not quiet or its session
   * does not end.
   */
  forgetConversation(conversation: Conversation): Promise<boolean>;
  stop(): Promise<void>;
}

export function createRetention(parts: RetentionParts): Retention {
  const { clock, emit } = parts;
  const stopping = new AbortController();
  let underWay: Promise<void> | null = null;

  const round = async (): Promise<void> => {
    try {
      const pruned = await pruneMail(parts, stopping.signal);
      await parts.spending.forgetBefore(clock.now() - parts.retentionMs);
      const forgotten = await forgetOld(parts, stopping.signal);
      const folders = await sweepFolders(parts, stopping.signal);
      const transcripts = await sweepTranscripts(parts, stopping.signal);
      if (pruned + forgotten + folders + transcripts > 0)
        emit({ type: 'retention.done', turns: pruned, conversations: forgotten, folders, transcripts });
    } catch (error) {
      emitFailure(emit, 'retention', error);
    }
  };
  const roundOnce = (): Promise<void> => {
    underWay ??= round().finally(() => {
      underWay = null;
    });
    return underWay;
  };

  const cancels = [
    clock.after(firstRoundMs, () => void roundOnce()),
    clock.every(roundPeriodMs, () => void roundOnce()),
  ];
  return {
    round: roundOnce,
    forgetConversation: (conversation) => forget(conversation, parts),
    async stop() {
      for (const cancel of cancels) cancel();
      stopping.abort();
      await underWay;
    },
  };
}

/** In small steps with pauses: whoever wants to accept a message waits for one step at most. */
async function pruneMail(parts: RetentionParts, stop: AbortSignal): Promise<number> {
  const { history, clock, retentionMs } = parts;
  let total = 0;
  for (let pruned = pruneBatch; pruned === pruneBatch && !stop.aborted; ) {
    pruned = await history.prune(clock.now() - retentionMs, pruneBatch);
    total += pruned;
    await clock.sleep(pauseMs, stop);
  }
  return total;
}

async function forgetOld(parts: RetentionParts, stop: AbortSignal): Promise<number> {
  const { kept, clock, conversationRetentionMs } = parts;
  const due = await kept.idleSince(clock.now() - conversationRetentionMs, perRoundMax);
  for (const botId of await botsGoneForLong(parts)) due.push(...(await kept.ofBot(botId, perRoundMax)));
  let forgotten = 0;
  for (const conversation of due) {
    if (stop.aborted) break;
    if (await forget(conversation, parts)) forgotten++;
    await clock.sleep(pauseMs, stop);
  }
  return forgotten;
}

/** Notes which bots are missing, and since when; gives those whose grace is over. */
async function botsGoneForLong({ store, kept, findBot, clock }: RetentionParts): Promise<string[]> {
  const states = new Map((await kept.botIds()).map((id) => [id, findBot(id)]));
  if ([...states.values()].includes('unclear')) return [];
  return [...states].flatMap(([id, bot]) => {
    if (bot !== 'gone') {
      store.run('DELETE FROM absent_bots WHERE bot_id = ?', id);
      return [];
    }
    const noted = store.get<{ since: number }>('SELECT since FROM absent_bots WHERE bot_id = ?', id);
    if (!noted) store.run('INSERT INTO absent_bots (bot_id, since) VALUES (?, ?)', id, clock.now());
    return noted && clock.now() - noted.since > botGoneGraceMs ? [id] : [];
  });
}

/** Nobody begins anything in it meanwhile, on any machine. */
function forget(conversation: Conversation, parts: RetentionParts): Promise<boolean> {
  return withRight(parts.ownership, conversation, () => forgetOwn(conversation, parts));
}

async function forgetOwn(conversation: Conversation, parts: RetentionParts): Promise<boolean> {
  const { history, kept, pool, findBot, emit } = parts;
  const name: SessionName = `${conversation.roomId}:${conversation.botId}`;
  // What a bot that is gone had to say has no way out any more.
  const evenUnfinished = findBot(conversation.botId) === 'gone';
  if (!evenUnfinished && !(await history.isQuiet(conversation))) return false;
  const isLive = pool.snapshot().some(({ id }) => id === name);
  if (isLive && !(await pool.close(name, 'forgotten'))) return false;
  // A message may have come meanwhile.
  if (!(await history.forget(conversation, { evenUnfinished }))) return false;
  const folder = await kept.release(conversation);
  parts.onForgotten(conversation);
  emit({ type: 'conversation.forgotten', session: name });
  if (folder !== null) await deleteFolder(folder, parts);
  return true;
}

/** One that cannot be deleted is tried again in a later round, and holds up nothing. */
async function deleteFolder(folder: string, { kept, emit }: RetentionParts): Promise<boolean> {
  try {
    await kept.deleteFolder(folder);
    return true;
  } catch (error) {
    emitFailure(emit, 'deleting folders', error);
    return false;
  }
}

async function sweepFolders(parts: RetentionParts, stop: AbortSignal): Promise<number> {
  const { kept, clock, foldersInUse } = parts;
  const inUse = foldersInUse();
  let swept = 0;
  for (const folder of await kept.unnamedFolders(clock.now() - unnamedFolderMs)) {
    if (stop.aborted || inUse.has(folder)) continue;
    if (await deleteFolder(folder, parts)) swept++;
  }
  return swept;
}

/** What a conversation could not go on with is old mail, however long the conversation itself is remembered. */
async function sweepTranscripts(parts: RetentionParts, stop: AbortSignal): Promise<number> {
  const { kept, clock, retentionMs } = parts;
  let swept = 0;
  for await (const path of kept.transcriptsGivenUp(clock.now() - retentionMs)) {
    if (stop.aborted) break;
    await kept.deleteTranscript(path);
    swept++;
  }
  return swept;
}
