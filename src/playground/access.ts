import { randomBytes, randomInt } from 'node:crypto';
import type { Bot, Person } from './records.ts';

const tokenLength = 12;
const tokenAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** What private and local addresses look like; Campfire bans public ones only (models/ban.rb). */
const privateAddress =
  /^(?:::1|::ffff:|fe80:|f[cd]|127\.|10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.)/i;

/** Who may come in: bot keys, people's session cookies, banned addresses. */
export class Access {
  readonly #bots: ReadonlyMap<number, Bot>;
  readonly #people: ReadonlyMap<number, Person>;
  readonly #sessions = new Map<string, number>();
  readonly #bans = new Set<string>();
  readonly #firstTokens = new Map<number, string>();

  constructor(bots: ReadonlyMap<number, Bot>, people: ReadonlyMap<number, Person>) {
    this.#bots = bots;
    this.#people = people;
  }

  /** The active bot that a key names, as `User::Bot.authenticate_bot` finds it: what follows a second dash is ignored. */
  botByKey(key: string): Bot | null {
    const [id = '', token] = key.split('-');
    const bot = this.#bots.get(Number.parseInt(id, 10));
    return bot?.active && bot.token === token ? bot : null;
  }

  /** Gives the bot a new key (or the given one) and returns it; the old one is refused from now on. */
  rotateKey(bot: Bot, key = `${bot.id}-${newToken()}`): string {
    const token = tokenIn(bot.id, key);
    if (!this.#firstTokens.has(bot.id)) this.#firstTokens.set(bot.id, bot.token);
    bot.token = token;
    return key;
  }

  /** Gives the bot the key back with which it began. Campfire cannot do that. */
  restoreKey(bot: Bot): void {
    bot.token = this.#firstTokens.get(bot.id) ?? bot.token;
  }

  /** Whether the bot's key is another one than that with which it began. */
  hasNewKey(bot: Bot): boolean {
    return (this.#firstTokens.get(bot.id) ?? bot.token) !== bot.token;
  }

  /** Starts a browser session; the token is the value of the cookie `session_token`. */
  signIn(person: Person): string {
    const token = randomBytes(16).toString('hex');
    this.#sessions.set(token, person.id);
    return token;
  }

  personBySession(token: string): Person | null {
    return this.#people.get(this.#sessions.get(token) ?? -1) ?? null;
  }

  /** @throws RangeError for a private address: Campfire does not ban those. */
  ban(address: string): void {
    if (isPrivateAddress(address))
      throw new RangeError(`Campfire bans public addresses only, not ${address}`);
    this.#bans.add(address);
  }

  isBanned(address: string): boolean {
    return this.#bans.has(address);
  }
}

export function keyOf(bot: Bot): string {
  return `${bot.id}-${bot.token}`;
}

/**
 * The part of a bot key after the dash.
 * @throws RangeError when the key is not `<bot id>-<12 alphanumerics>`.
 */
export function tokenIn(botId: number, key: string): string {
  const token = /^(\d+)-([A-Za-z0-9]{12})$/.exec(key);
  if (token === null || Number(token[1]) !== botId) {
    throw new RangeError(`The key of bot ${botId} must be "${botId}-" and 12 letters or digits`);
  }
  return token[2] ?? '';
}

export function isPrivateAddress(address: string): boolean {
  return privateAddress.test(address);
}

function newToken(): string {
  return Array.from({ length: tokenLength }, () => tokenAlphabet[randomInt(tokenAlphabet.length)]).join('');
}
