import {
  count,
  days,
  dollars,
  flag,
  folder,
  hostName,
  type Kind,
  megabytes,
  minutes,
  oneOf,
  redisUrl,
  roomAndBot,
  seconds,
  text,
  timeZone,
  url,
} from './setting-kinds.ts';

/**
 * Every setting there is. A row is the only place where a setting's name, bounds, default and meaning are written:
 * the type, the checks, docs/configuration.md and .env.example follow from it.
 */

/** One setting. Its key in TABLE is its name in code, with the unit that the code gets. */
export interface Row {
  readonly env: string;
  readonly group: string;
  readonly kind: Kind<unknown>;
  /** What the setting decides, for operators; Markdown. */
  readonly sentence: string;
  /** As an operator would write it. Absent: the setting may stay unset. */
  readonly default?: string;
  /** In place of `default` when it depends on the machine. */
  readonly machineDefault?: { readonly note: string; read(): string };
  readonly required?: true;
  /** Its value appears in no message, log or page. */
  readonly secret?: true;
}

export const TABLE = {
  host: {
    env: 'HOST',
    group: 'Web server',
    kind: hostName,
    default: '0.0.0.0',
    sentence: 'Address to listen on.',
  },
  port: {
    env: 'PORT',
    group: 'Web server',
    kind: count(0, 65_535),
    default: '8000',
    sentence: 'Port to listen on; 0 takes any free one.',
  },
  publicUrl: {
    env: 'PUBLIC_URL',
    group: 'Web server',
    kind: url,
    sentence:
      'Where people’s browsers reach this service: the base of links to files. Unset: bots post files as attachments.',
  },
  adminToken: {
    env: 'ADMIN_TOKEN',
    group: 'Web server',
    kind: text,
    secret: true,
    sentence: 'Opens the console, the API and the metrics. Unset: they are off.',
  },
  consoleShowText: {
    env: 'CONSOLE_SHOW_TEXT',
    group: 'Web server',
    kind: flag,
    default: '0',
    sentence: 'Whether the console shows what people wrote to the bots.',
  },
  campfireUrl: {
    env: 'CAMPFIRE_URL',
    group: 'Campfire',
    kind: url,
    required: true,
    sentence: 'Where Campfire answers, as seen from here. With TLS, the https:// address.',
  },
  webhookToken: {
    env: 'WEBHOOK_TOKEN',
    group: 'Campfire',
    kind: text,
    secret: true,
    sentence:
      'Lets other programs post flat payloads to `/webhook?token=…` from anywhere. Campfire itself proves who it is by the bot key.',
  },
  campfireStorage: {
    env: 'CAMPFIRE_STORAGE',
    group: 'Campfire',
    kind: folder,
    sentence:
      'The storage folder of a Campfire on this machine (with `db/` and `files/` in it), mounted read-only. Set, bots see files that people post; see [replies](replies.md).',
  },
  botsDir: {
    env: 'BOTS_DIR',
    group: 'Bots and data',
    kind: folder,
    default: './bots',
    sentence: 'Folder with one file per bot.',
  },
  dataDir: {
    env: 'DATA_DIR',
    group: 'Bots and data',
    kind: folder,
    default: './data',
    sentence: 'Folder for the database and the bots’ working folders.',
  },
  redisUrl: {
    env: 'REDIS_URL',
    group: 'Many machines',
    kind: redisUrl,
    secret: true,
    sentence:
      'The Redis (7 or newer, or Valkey) that several machines share, `redis://NAME:PASSWORD@HOST:PORT/0`. Set, they answer together as [one service](scaling.md). Unset: this machine is alone.',
  },
  role: {
    env: 'ROLE',
    group: 'Many machines',
    kind: oneOf('all', 'web', 'worker'),
    default: 'all',
    sentence:
      'What this machine does: `web` takes webhooks and serves files and the API, `worker` runs sessions and posts their answers, `all` does both. Anything but `all` needs REDIS_URL.',
  },
  catchUpMs: {
    env: 'CATCH_UP_MINUTES',
    group: 'Bots and data',
    kind: minutes(0, 720),
    default: '60',
    sentence:
      'What was written while the service was away is answered if it is not older than this; 0 answers none of it. Needs a Campfire whose rooms bots can read.',
  },
  retentionMs: {
    env: 'RETENTION_DAYS',
    group: 'Bots and data',
    kind: days(1, 3650),
    default: '30',
    sentence: 'How long messages and answers stay in the database once they are settled.',
  },
  conversationRetentionMs: {
    env: 'CONVERSATION_RETENTION_DAYS',
    group: 'Bots and data',
    kind: days(1, 3650),
    default: '180',
    sentence:
      'How long a conversation is remembered after its last turn. Then its memory and its files are deleted.',
  },
  workspaceMaxBytes: {
    env: 'WORKSPACE_MAX_MB',
    group: 'Bots and data',
    kind: megabytes(1, 1_048_576),
    default: '500',
    sentence: 'Size of a conversation’s folder from which on it takes no further turn.',
  },
  timeZone: {
    env: 'TIME_ZONE',
    group: 'Bots and data',
    kind: timeZone,
    machineDefault: {
      note: 'the machine’s',
      read: () => new Intl.DateTimeFormat().resolvedOptions().timeZone,
    },
    sentence: 'Time zone in which bots know what day it is, and at whose midnight a day’s budget is new.',
  },
  anthropicApiKey: {
    env: 'ANTHROPIC_API_KEY',
    group: 'Claude',
    kind: text,
    secret: true,
    sentence: 'Key for the Claude API.',
  },
  anthropicBaseUrl: {
    env: 'ANTHROPIC_BASE_URL',
    group: 'Claude',
    kind: url,
    sentence: 'Address of a gateway in place of the Claude API’s own.',
  },
  claudeCodeOauthToken: {
    env: 'CLAUDE_CODE_OAUTH_TOKEN',
    group: 'Claude',
    kind: text,
    secret: true,
    sentence: 'Long-lived token of a Claude subscription, in place of an API key.',
  },
  budgetUsdPerDay: {
    env: 'BUDGET_USD_PER_DAY',
    group: 'Claude',
    kind: dollars,
    sentence:
      'What all bots together may spend in a day of TIME_ZONE, at the API’s list prices. At 80 % operators are told; when it is used up, questions get a sentence until midnight. A bot’s own limit is its `budget_usd_per_day`. Turns that run at that moment go on, so it can be exceeded by what they cost.',
  },
  sessionTtlMs: {
    env: 'SESSION_TTL_SECONDS',
    group: 'Sessions',
    kind: seconds(1, 604_800),
    default: '300',
    sentence: 'How long an idle session is kept. A later message resumes it with its memory.',
  },
  maxSessions: {
    env: 'MAX_SESSIONS',
    group: 'Sessions',
    kind: count(1, 10_000),
    sentence: 'Most live sessions at once. Unset: as many as memory allows.',
  },
  memoryLimitBytes: {
    env: 'MEMORY_LIMIT_MB',
    group: 'Sessions',
    kind: megabytes(64, 16_777_216),
    sentence:
      'Memory that the service and its sessions may use. Unset: the container’s limit, or the machine’s.',
  },
  memoryHighPercent: {
    env: 'MEMORY_HIGH_PERCENT',
    group: 'Sessions',
    kind: count(10, 99),
    default: '80',
    sentence:
      'From this share of the memory on, spares are ended and idle sessions closed, until it is 5 points below. Sets off a warning.',
  },
  sessionMemoryMaxBytes: {
    env: 'SESSION_MEMORY_MAX_MB',
    group: 'Sessions',
    kind: megabytes(150, 1_048_576),
    default: '700',
    sentence:
      'Most memory of one session with all its tools. Above it the running turn is stopped with a sentence; above half of it the session starts anew after its turn, with its memory of the conversation.',
  },
  spareSessions: {
    env: 'SPARE_SESSIONS',
    group: 'Sessions',
    kind: count(0, 100),
    sentence:
      'How many started sessions wait for a conversation’s first message, for the bots used last. Unset: 1 from 4 GB of memory, else 0.',
  },
  opsRoom: {
    env: 'OPS_ROOM',
    group: 'Campfire',
    kind: roomAndBot,
    sentence:
      'Where operators hear of high memory, at most once an hour, and of budgets that come to their end: the number of a room and a bot that is in it, `12:assistant`.',
  },
  turnTimeoutMs: {
    env: 'TURN_TIMEOUT_SECONDS',
    group: 'Sessions',
    kind: seconds(1, 86_400),
    default: '600',
    sentence: 'Longest time that one answer may take.',
  },
  shutdownGraceMs: {
    env: 'SHUTDOWN_GRACE_SECONDS',
    group: 'Sessions',
    kind: seconds(1, 3600),
    default: '25',
    sentence:
      'Time from SIGTERM to the end, running answers included. Keep it below the stop timeout of your container or unit.',
  },
  downloadTtlMs: {
    env: 'DOWNLOAD_TTL_SECONDS',
    group: 'Files',
    kind: seconds(1, 31_536_000),
    default: '3600',
    sentence: 'How long a link to a shared file works.',
  },
  downloadMaxBytes: {
    env: 'DOWNLOAD_MAX_MB',
    group: 'Files',
    kind: megabytes(1, 1024),
    default: '50',
    sentence: 'Largest file that a bot may share or attach.',
  },
  containment: {
    env: 'CONTAINMENT',
    group: 'Containment',
    kind: oneOf('auto', 'namespace', 'group'),
    default: 'auto',
    sentence:
      'How a session’s processes are held together. `namespace` uses bubblewrap, `group` process groups; `auto` takes the strongest that works here.',
  },
  allowUncontainedBash: {
    env: 'ALLOW_UNCONTAINED_BASH',
    group: 'Containment',
    kind: flag,
    default: '0',
    sentence: 'Lets bots use Bash where only `group` containment works.',
  },
  logLevel: {
    env: 'LOG_LEVEL',
    group: 'Log',
    kind: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    default: 'info',
    sentence: 'Least important log line that is written.',
  },
} as const satisfies Record<string, Row>;
