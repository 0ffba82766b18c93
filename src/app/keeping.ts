import { dirname } from 'node:path';
import type { CampfireClient } from '../campfire/client.ts';
import type { Bot, FindBot } from '../config/bot.ts';
import type { Bots } from '../config/bots.ts';
import type { Settings } from '../config/settings.ts';
import type { Downloads } from '../downloads/downloads.ts';
import type { Clock } from '../lib/clock.ts';
import type { MailHistory } from '../mail/history.ts';
import type { Conversation, Mail } from '../mail/mail.ts';
import type { Ownership } from '../mail/ownership.ts';
import type { Usage } from '../mail/usage.ts';
import { environmentOf, listProcesses } from '../processes/proc.ts';
import type { KeptConversations } from '../sessions/kept.ts';
import type { Pool } from '../sessions/pool.ts';
import type { Store } from '../store/sqlite.ts';
import type { Emit } from '../telemetry/events.ts';
import { emitFailure } from '../telemetry/failure.ts';
import { type AcceptParts, accept, type SaidMessage } from '../turns/accept.ts';
import { createCatchUp } from '../turns/catch-up.ts';
import { createRecentStops } from '../turns/overtaken.ts';
import { createRetention } from '../turns/retention.ts';
import type { Seen } from '../turns/seen.ts';
import { createSpending, type Spending } from '../turns/spending.ts';
import { createWorkspaces, type Workspaces } from '../turns/workspace.ts';
import { buildStorage } from './storage.ts';

/** What is kept, for how long, and what is fetched that never came: everything about time and disk. */

export interface KeepingParts {
  settings: Settings;
  store: Store;
  mail: Mail;
  history: MailHistory;
  ownership: Ownership;
  kept: KeptConversations;
  pool: Pool;
  bots: Bots;
  findBot: FindBot;
  client: CampfireClient;
  seen: Seen;
  downloads: Downloads;
  spending: Pick<Spending, 'forgetBefore'>;
  clock: Clock;
  emit: Emit;
  onAccepted: AcceptParts['onAccepted'];
  onDecided: AcceptParts['onDecided'];
}

export function buildKeeping(parts: KeepingParts) {
  const { settings, store, mail, history, bots, seen, clock, emit, onAccepted, onDecided } = parts;
  const storage = buildStorage({
    ...{ store, dataDir: settings.dataDir, clock, emit },
    onRecovered: (closedSince) => void catchUp.run(closedSince),
  });
  const isBot = (userId: number) => bots.all().some((bot) => bot.userId === userId);
  const stops = createRecentStops(clock);
  const acceptParts = { mail, history, seen, stops, clock, emit, isBot, onAccepted, onDecided };
  const keep = (bot: Bot, message: SaidMessage) => storage.keep(() => accept(bot, message, acceptParts));
  const catchUp = createCatchUp({
    ...{ bots: () => bots.all(), client: parts.client, history, maxAgeMs: settings.catchUpMs, clock, emit },
    async accept(bot, message) {
      const kept = await keep(bot, message);
      if (kept.kind === 'refused') return 'refused';
      return kept.isNew ? 'accepted' : 'duplicate';
    },
  });
  const retention = createRetention({
    ...{ store, history, kept: parts.kept, pool: parts.pool, findBot: parts.findBot, clock, emit },
    ownership: parts.ownership,
    spending: parts.spending,
    ...{ retentionMs: settings.retentionMs, conversationRetentionMs: settings.conversationRetentionMs },
    foldersInUse,
    onForgotten: (conversation) =>
      void parts.downloads
        .forgetConversation(conversation)
        .catch((error) => emitFailure(emit, 'downloads', error)),
  });
  return { storage, keep, catchUp, retention };
}

export function buildKept({
  settings,
  kept,
  usage,
  clock,
  emit,
}: {
  settings: Settings;
  kept: KeptConversations;
  usage: Usage;
  clock: Clock;
  emit: Emit;
}): { workspaces: Workspaces; spending: Spending } {
  const workspaces = createWorkspaces({
    maxBytes: settings.workspaceMaxBytes,
    folderOf: (conversation: Conversation) => kept.folderOf(conversation),
    onError: (error) => emitFailure(emit, 'workspace', error),
  });
  const { budgetUsdPerDay = null, timeZone } = settings;
  const spending = createSpending({ usage, budgetUsdPerDay, timeZone, clock, emit });
  return { workspaces, spending };
}

/** The slots of running agents, spares included: each has its configuration there. */
function foldersInUse(): Set<string> {
  const folders = listProcesses().map(({ pid }) => environmentOf(pid, 'CLAUDE_CONFIG_DIR'));
  return new Set(folders.flatMap((config) => (config ? [dirname(config)] : [])));
}
