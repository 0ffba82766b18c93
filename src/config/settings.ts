import { inspect } from 'node:util';
import { OperatorError } from '../lib/errors.ts';
import {
  count,
  flag,
  folder,
  hostName,
  type Kind,
  megabytes,
  oneOf,
  seconds,
  text,
  timeZone,
  url,
} from './setting-kinds.ts';

/**
 * The settings, read from the environment. A row of TABLE is the only place where a setting's name, bounds,
 * default and meaning are written: the type, the checks, docs/configuration.md and .env.example follow from it.
 * This file is the only one that reads `process.env`.
 */

/** Variables as a process has them. Empty means unset. */
export type Environment = Readonly<Record<string, string | undefined>>;

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

const TABLE = {
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
    sentence: 'Where people’s browsers reach this service: the base of download links.',
  },
  adminToken: {
    env: 'ADMIN_TOKEN',
    group: 'Web server',
    kind: text,
    secret: true,
    sentence: 'Opens the console, the API and the metrics. Unset: they are off.',
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
  timeZone: {
    env: 'TIME_ZONE',
    group: 'Bots and data',
    kind: timeZone,
    machineDefault: {
      note: 'the machine’s',
      read: () => new Intl.DateTimeFormat().resolvedOptions().timeZone,
    },
    sentence: 'Time zone in which bots know what day it is.',
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

type ValueOf<R> = R extends { readonly kind: Kind<infer T> }
  ? R extends { readonly default: string } | { readonly machineDefault: object } | { readonly required: true }
    ? T
    : T | undefined
  : never;

/** Every setting, checked and converted; frozen. Printing it shows no secret. */
export type Settings = { readonly [Name in keyof typeof TABLE]: ValueOf<(typeof TABLE)[Name]> };

/**
 * Reads and checks all settings. What `overrides` gives wins over the environment and is taken as it is: for
 * command line flags, and for the playground, which provides its own Campfire.
 *
 * Throws one OperatorError that names every bad variable, its value (never a secret one) and what is allowed.
 */
export function readSettings(env: Environment = process.env, overrides: Partial<Settings> = {}): Settings {
  refuseManyMachines(env);
  const given = new Map<string, unknown>(
    Object.entries(overrides).filter(([, value]) => value !== undefined),
  );
  const problems: string[] = [];
  const values = settingRows().map(([name, row]) => {
    if (given.has(name)) return [name, given.get(name)];
    const raw = present(env, row.env) ?? row.default ?? row.machineDefault?.read();
    if (raw === undefined) {
      if (row.required) problems.push(`${row.env} is not set; it must be ${row.kind.allowed}.`);
      return [name, undefined];
    }
    const value = row.kind.parse(raw);
    if (value === undefined)
      problems.push(`${row.env} is ${shown(row, raw)}; it must be ${row.kind.allowed}.`);
    return [name, value];
  });
  if (problems.length > 0) {
    const remedy = 'Correct it in the environment; docs/configuration.md lists every setting.';
    throw new OperatorError('setting_invalid', problems.join('\n'), remedy);
  }
  // The table's type says what each kind parses to, which Object.fromEntries cannot know.
  return Object.freeze(hideSecrets(Object.fromEntries(values))) as Settings;
}

/** Every row with its name in code, in the table's order. */
export function settingRows(): [name: string, row: Row][] {
  return Object.entries(TABLE);
}

/**
 * The variables of this process that any child process needs to find programs, speak the machine's language
 * and reach the network through its proxy. No HOME and no temp folder: a session brings its own.
 */
export function inheritedEnvironment(env: Environment = process.env): Record<string, string> {
  const inherited: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value && INHERITED.test(name)) inherited[name] = value;
  }
  return inherited;
}

/** One variable of this process by name, for `${NAME}` in bot files and for bot keys. Empty means unset. */
export function variable(name: string, env: Environment = process.env): string | undefined {
  return present(env, name);
}

// Proxies are read in both spellings, because programs disagree.
const INHERITED =
  /^(?:PATH|LANG|LANGUAGE|LC_[A-Z]+|TZ|NODE_EXTRA_CA_CERTS|SSL_CERT_(?:FILE|DIR)|(?:https?|all|no)_proxy|(?:HTTPS?|ALL|NO)_PROXY)$/;

function present(env: Environment, name: string): string | undefined {
  const value = Object.hasOwn(env, name) ? env[name]?.trim() : undefined;
  return value === '' ? undefined : value;
}

/** REDIS_URL asks for many machines. To start alone regardless would let two machines answer one message. */
function refuseManyMachines(env: Environment): void {
  if (present(env, 'REDIS_URL') === undefined) return;
  throw new OperatorError(
    'setting_unavailable',
    'REDIS_URL is set, but running on many machines is not available in this version.',
    'Unset REDIS_URL to run on this machine alone.',
  );
}

function shown(row: Row, raw: string): string {
  if (row.secret) return 'not a usable value';
  // A refused address may hold a password before the @.
  return row.kind === url && raw.includes('@') ? 'an address with a user name' : JSON.stringify(raw);
}

/** Copies made with `{...settings}` keep the values and lose this cover: do not log copies. */
function hideSecrets(values: Record<string, unknown>): Record<string, unknown> {
  const secret = new Map(settingRows().map(([name, row]) => [name, row.secret === true]));
  const covered = () =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, secret.get(name) && value ? '(set)' : value]),
    );
  return Object.defineProperties(values, {
    toJSON: { value: covered },
    [inspect.custom]: { value: covered },
  });
}
