import { inspect } from 'node:util';
import { OperatorError } from '../lib/errors.ts';
import { type Kind, url } from './setting-kinds.ts';
import { type Row, TABLE } from './settings-table.ts';

/**
 * The settings, read from the environment by the table of settings-table.ts. This file is the only one that reads
 * `process.env`.
 */

/** Variables as a process has them. Empty means unset. */
export type Environment = Readonly<Record<string, string | undefined>>;

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
  refusePartsAlone(Object.fromEntries(values));
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

/** The variables of this process, and `defaults` for those that are unset. */
export function environmentWith(defaults: Environment, env: Environment = process.env): Environment {
  const set = Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== '');
  return { ...defaults, ...Object.fromEntries(set) };
}

/** One variable of this process by name, for `${NAME}` in bot files and for bot keys. Empty means unset. */
export function variable(name: string, env: Environment = process.env): string | undefined {
  return present(env, name);
}

/** What systemd hands to a service that it starts (sd_listen_fds(3), sd_notify(3)); null when it did not. */
export interface SystemdGifts {
  /** A listening socket that was open before this process and stays open after it, as a file descriptor. */
  socketFd: number | null;
  /** Where systemd hears from its services: the path of a datagram socket. */
  notifySocket: string | null;
  /** The longest silence after which systemd takes this service for dead and restarts it, in ms. */
  watchdogMs: number | null;
}

/** Reads them for the process `pid`; what was meant for another process, such as one that started us, is not ours. */
export function systemdGifts(pid: number, env: Environment = process.env): SystemdGifts {
  const notifySocket = present(env, 'NOTIFY_SOCKET') ?? null;
  const socketIsOurs = present(env, 'LISTEN_PID') === String(pid) && Number(present(env, 'LISTEN_FDS')) >= 1;
  const watchdogIsOurs = [undefined, String(pid)].includes(present(env, 'WATCHDOG_PID'));
  const watchdogUs = Number(present(env, 'WATCHDOG_USEC') ?? 0);
  return {
    // The first one after standard input, output and error.
    socketFd: socketIsOurs ? 3 : null,
    notifySocket,
    watchdogMs: notifySocket !== null && watchdogIsOurs && watchdogUs > 0 ? watchdogUs / 1000 : null,
  };
}

// Proxies are read in both spellings, because programs disagree.
const INHERITED =
  /^(?:PATH|LANG|LANGUAGE|LC_[A-Z]+|TZ|NODE_EXTRA_CA_CERTS|SSL_CERT_(?:FILE|DIR)|(?:https?|all|no)_proxy|(?:HTTPS?|ALL|NO)_PROXY)$/;

function present(env: Environment, name: string): string | undefined {
  const value = Object.hasOwn(env, name) ? env[name]?.trim() : undefined;
  return value === '' ? undefined : value;
}

/** Half of the service, alone, would keep messages that nobody answers. */
function refusePartsAlone({ role, redisUrl }: Record<string, unknown>): void {
  if (role === 'all' || redisUrl !== undefined) return;
  throw new OperatorError(
    'setting_invalid',
    `ROLE is ${role}, which needs other machines, and REDIS_URL is not set.`,
    'Set REDIS_URL to the Redis that the machines share, or unset ROLE.',
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
