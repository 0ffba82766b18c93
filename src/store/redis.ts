import { Redis as Client } from 'ioredis';
import { AwayError, messageOf, OperatorError } from '../lib/errors.ts';

/**
 * The one connection of a service to the Redis that many machines share. Folders that keep state own their keys and
 * bring their scripts; this file knows connections and failures, but no key.
 *
 * Invariants:
 * 1. A call either resolved, and what it did is Redis's, or rejected, and then it may have been done or not: whoever
 *    repeats it sees to it that this does no harm.
 * 2. Nothing waits for a Redis that is away: a call rejects with `RedisAwayError` at once without a connection, after
 *    `answerMaxMs` with one that is silent. The connection comes back by itself.
 */

/** One atomic step on Redis's side, in Lua. `name` is unique over all folders. */
export interface RedisScript {
  name: string;
  lua: string;
  /**
   * What a Redis does with it that is full. True, for what finishes what was accepted or frees memory in the end: it is
   * carried out. False: it is refused as a whole. Unset: refused at its first command that may take memory.
   */
  goesOnWhenFull?: boolean;
}

const shebangs = new Map<boolean | undefined, string>([
  [true, '#!lua flags=allow-oom\n'],
  [false, '#!lua\n'],
]);

export type RedisValue = string | number | Buffer;

export interface RedisStore {
  /** A key of this service, its parts joined by colons. */
  key(...parts: (string | number)[]): string;
  /** One command. Replies are as Redis gives them: strings, numbers, arrays, null. @throws RedisAwayError */
  call<T>(command: string, ...values: RedisValue[]): Promise<T>;
  /** As `call`, with bulk replies as bytes. */
  callBuffer<T>(command: string, ...values: RedisValue[]): Promise<T>;
  /** Runs a script, which is sent whole only the first time. @throws RedisAwayError */
  run<T>(script: RedisScript, keys: readonly string[], values: readonly RedisValue[]): Promise<T>;
  /** Hears what is published on a channel, on a connection of its own, from the moment this resolves. */
  subscribe(channel: string, listener: (message: string) => void): Promise<void>;
  /** Whether Redis can be asked at present. */
  isThere(): boolean;
  /** Tells one listener when Redis goes away (with the problem) and when it is back (null). */
  onChange(listener: (problem: string | null) => void): void;
  /** Connections for an engine that brings its own commands. */
  readonly url: string;
  close(): Promise<void>;
}

/** Redis cannot be asked, or did not answer in time. */
export class RedisAwayError extends AwayError {
  override readonly name = 'RedisAwayError';
}

/** A healthy Redis answers in under a millisecond; one that saves or swaps may take a second. */
const answerMaxMs = 3_000;
/** After this long without an answer the connection is given up: Redis is away until a new one is ready. */
const silentMaxMs = answerMaxMs + 1_000;
const reconnectMaxMs = 1_000;
/** How every connection is made, and found to be dead where nothing is sent on it. */
export const connecting = {
  // Packets of a try that get lost are sent again after one, two and four seconds: a new try is sooner.
  connectTimeout: 2_000,
  // One that only listens would never hear that the other end has given it up.
  keepAlive: 5_000,
  retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 5), reconnectMaxMs),
};
/** The oldest that has everything that is used here (GETDEL, ZRANGE BYSCORE, functions of scripts). */
const oldestMajor = 7;

/**
 * Connects.
 * @throws OperatorError `redis_unreachable`, `redis_refused` (a wrong password) or `redis_too_old`.
 */
export async function openRedis(url: string, keyPrefix = 'campfire-ai-bot'): Promise<RedisStore> {
  const client = new Client(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    // What was under way when the connection broke may have been done: repeating it is up to whoever asked.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    ...connecting,
    commandTimeout: answerMaxMs,
    // Counts from a command that was sent, not while nothing is asked. A host that went silent keeps its connection open.
    socketTimeout: silentMaxMs,
  });
  let listener = (_problem: string | null): void => {};
  let problem: string | null = null;
  // Without a listener a broken connection would end the process; it is told below, with `close`.
  client.on('error', (error) => {
    problem = messageOf(error);
  });
  await connect(client, url);
  client.on('close', () => listener(problem ?? 'the connection was closed'));
  client.on('ready', () => {
    problem = null;
    listener(null);
  });
  const known = new Set<string>();
  const subscribers: Client[] = [];

  return {
    url,
    key: (...parts) => [keyPrefix, ...parts].join(':'),
    call: <T>(command: string, ...values: RedisValue[]) =>
      watched(client.call(command, ...values) as Promise<T>),
    callBuffer: <T>(command: string, ...values: RedisValue[]) =>
      watched(client.callBuffer(command, ...values) as Promise<T>),
    run<T>(
      { name, lua, goesOnWhenFull }: RedisScript,
      keys: readonly string[],
      values: readonly RedisValue[],
    ) {
      if (!known.has(name)) {
        client.defineCommand(name, { lua: `${shebangs.get(goesOnWhenFull) ?? ''}${lua}` });
        known.add(name);
      }
      const scripted = client as unknown as Record<string, (...values: RedisValue[]) => Promise<T>>;
      return watched((scripted[name] as (typeof scripted)[string])(keys.length, ...keys, ...values));
    },
    async subscribe(channel, hear) {
      const subscriber = client.duplicate({
        enableOfflineQueue: true,
        commandTimeout: undefined,
        socketTimeout: undefined,
      });
      subscriber.on('error', () => {});
      subscriber.on('message', (_channel, message) => hear(message));
      subscribers.push(subscriber);
      await watched(subscriber.subscribe(channel));
    },
    isThere: () => client.status === 'ready',
    onChange(next) {
      listener = next;
    },
    async close() {
      listener = () => {};
      for (const connection of [...subscribers, client]) connection.disconnect();
    },
  };
}

async function connect(client: Client, url: string): Promise<void> {
  try {
    await client.connect();
    const info = await client.info('server');
    const version = /redis_version:(\d+)/.exec(info)?.[1];
    if (Number(version) < oldestMajor) throw tooOld(version ?? 'unknown');
  } catch (error) {
    client.disconnect();
    if (error instanceof OperatorError) throw error;
    throw unusable(url, error);
  }
}

function tooOld(version: string): OperatorError {
  return new OperatorError(
    'redis_too_old',
    `REDIS_URL names a Redis of version ${version}.`,
    `Use Redis ${oldestMajor} or newer, or Valkey.`,
  );
}

function unusable(url: string, error: unknown): OperatorError {
  const refused = /NOAUTH|WRONGPASS|NOPERM/.test(messageOf(error));
  return new OperatorError(
    refused ? 'redis_refused' : 'redis_unreachable',
    `The Redis of REDIS_URL (${hostOf(url)}) ${refused ? 'refused the password' : 'cannot be reached'}: ${messageOf(error)}.`,
    refused
      ? 'Put the right name and password into REDIS_URL: redis://NAME:PASSWORD@HOST:PORT/0.'
      : 'Check that it runs and that this machine may connect to it (redis-cli -u REDIS_URL ping).',
    { cause: error },
  );
}

/** Without name and password. */
function hostOf(url: string): string {
  try {
    return new URL(url).host || url;
  } catch {
    return 'no valid URL';
  }
}

/** What Redis itself refused (a full memory, a defect of ours) stays what it is. */
async function watched<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (isRefusal(error)) throw error;
    throw new RedisAwayError(`Redis does not answer: ${messageOf(error)}`, { cause: error });
  }
}

/** LOADING, READONLY and MASTERDOWN are a Redis that is not ready, however polite its answer. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof Error &&
    error.name === 'ReplyError' &&
    !/^(LOADING|READONLY|MASTERDOWN|BUSY|CLUSTERDOWN|TRYAGAIN)\b/.test(error.message)
  );
}
