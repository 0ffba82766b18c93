import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { messageOf, OperatorError } from '../lib/errors.ts';
import type { Bot } from './bot.ts';
import { type BotFile, type BotFileReader, readBotFile } from './bot-file.ts';
import { digestOf, isSecret, type SecretDigest } from './secret.ts';

/**
 * The bots of BOTS_DIR, and what is wrong with its files.
 *
 * 1. A file's trouble is its own: the other bots stay in service.
 * 2. A file that turned bad keeps the last bot in service that it gave; only deleting the file takes a bot away.
 * 3. Ids and keys are unique among the bots in service. The first file by name has them, the later one is reported.
 * 4. Nothing here repeats a key: not a problem, not a change.
 */

/** Something that an operator should mend in the bots folder. */
export interface BotProblem {
  /** File name, or the folder's path when the folder itself cannot be read. */
  readonly file: string;
  /** Dotted path of the field; null when it concerns the whole file. */
  readonly field: string | null;
  /** Reads on after file and field: "personal.json: bot_id is missing". */
  readonly problem: string;
  readonly remedy: string;
  /** Whether an earlier version of this file is still in service. */
  readonly keepsLastGood: boolean;
}

/** What a refresh found different from the one before. */
export interface BotsChange {
  readonly added: readonly Bot[];
  /** Same id, anything else different; whether a session has to notice is told by `revision`. */
  readonly changed: readonly Bot[];
  readonly removed: readonly Bot[];
  /** All problems that there are now, not only the new ones. */
  readonly problems: readonly BotProblem[];
}

export interface Bots {
  /** The bots in service, by file name. */
  all(): readonly Bot[];
  byId(id: string): Bot | undefined;
  /** The bot with exactly this Campfire key. Takes as long for a wrong key as for a right one. */
  byKey(key: string): Bot | undefined;
  /** The bot for a message that names none: the one marked `default`, or the only one. */
  default(): Bot | undefined;
  problems(): readonly BotProblem[];
  /**
   * Reads again what changed on disk; null when nothing did. Cheap enough to call before every turn. Never
   * throws: a folder that cannot be read is a problem, and the bots stay in service.
   */
  refresh(): BotsChange | null;
}

export interface BotsOptions extends BotFileReader {
  /** Told of every change, whoever called `refresh`; not of the first load. */
  readonly onChange?: (change: BotsChange) => void;
}

/** Loads every bot of the folder. Throws an OperatorError when the folder cannot be read. */
export function openBots(options: BotsOptions): Bots {
  try {
    readdirSync(options.dir);
  } catch (error) {
    throw new OperatorError(
      'bots_dir_unreadable',
      `The bots folder ${options.dir} cannot be read: ${messageOf(error)}`,
      'Create it with one file per bot (bots/personal_assistant.json is an example), or set BOTS_DIR.',
      { cause: error },
    );
  }
  return new BotsFolder({ ...options, dir: resolve(options.dir) });
}

/** A file as it was last read. */
interface Entry {
  readonly read: BotFile;
  /** Of the file and its prompt file; differs when either was written, replaced or removed. */
  readonly signature: string;
  /** The bot in service from this file, current or last good. */
  served: Bot | null;
}

class BotsFolder implements Bots {
  readonly #onChange: BotsOptions['onChange'];
  readonly #reader: BotFileReader;
  readonly #entries = new Map<string, Entry>();
  #served: ReadonlyMap<string, Bot> = new Map();
  #digests: readonly (readonly [SecretDigest, Bot])[] = [];
  #problems: readonly BotProblem[] = [];

  constructor({ onChange, ...reader }: BotsOptions) {
    this.#reader = reader;
    this.refresh();
    this.#onChange = onChange;
  }

  all(): readonly Bot[] {
    return [...this.#served.values()];
  }

  byId(id: string): Bot | undefined {
    return this.#served.get(id);
  }

  byKey(key: string): Bot | undefined {
    // No early exit: the time must not tell which bot was near.
    return this.#digests.reduce<Bot | undefined>(
      (found, [digest, bot]) => (isSecret(key, digest) ? bot : found),
      undefined,
    );
  }

  default(): Bot | undefined {
    const all = this.all();
    return all.find((bot) => bot.isDefault) ?? (all.length === 1 ? all[0] : undefined);
  }

  problems(): readonly BotProblem[] {
    return this.#problems;
  }

  refresh(): BotsChange | null {
    const names = this.#list();
    if (!Array.isArray(names)) return this.#report(this.#served, [names]);
    let touched = this.#forgetAllBut(names);
    for (const name of names) touched = this.#readIfChanged(name) || touched;
    if (!touched && !this.#problems.some((problem) => problem.file === this.#reader.dir)) return null;
    return this.#report(...this.#settle());
  }

  #list(): string[] | BotProblem {
    const { dir } = this.#reader;
    try {
      return readdirSync(dir)
        .filter((name) => /^[^.].*\.(?:json|md)$/.test(name))
        .sort();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
      const remedy = 'Restore the folder; until then the bots stay as they were.';
      return { file: dir, field: null, problem: `cannot be read (${code})`, remedy, keepsLastGood: true };
    }
  }

  #forgetAllBut(names: readonly string[]): boolean {
    const gone = [...this.#entries.keys()].filter((name) => !names.includes(name));
    for (const name of gone) this.#entries.delete(name);
    return gone.length > 0;
  }

  #readIfChanged(name: string): boolean {
    const path = join(this.#reader.dir, name);
    const entry = this.#entries.get(name);
    // Signed before reading: what is written in between is read again next time.
    const own = signatureOf(path);
    const known = entry?.read.promptPath ?? null;
    if (entry?.signature === own + promptSignature(known)) return false;
    const read = readBotFile(name, this.#reader);
    // A prompt file that is new here was not signed before: an empty signature has it read once more.
    const prompt = read.promptPath === known ? promptSignature(known) : '';
    this.#entries.set(name, { read, signature: own + prompt, served: entry?.served ?? null });
    return true;
  }

  /** Decides which bot of which file is in service. */
  #settle(): [Map<string, Bot>, BotProblem[]] {
    const served = new Map<string, Bot>();
    const problems: BotProblem[] = [];
    const prompts = new Set([...this.#entries.values()].map((entry) => entry.read.promptPath));
    for (const [file, entry] of [...this.#entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const { read } = entry;
      const isNote = read.plain && (/^readme\.md$/i.test(file) || prompts.has(join(this.#reader.dir, file)));
      if (isNote) continue;
      const conflict = read.bot ? conflictOf(read.bot, served) : null;
      const found = conflict ? [...read.problems, conflict] : read.problems;
      const lastGood = entry.served && !conflictOf(entry.served, served) ? entry.served : null;
      entry.served = read.bot && !conflict ? read.bot : lastGood;
      problems.push(...found.map((problem) => ({ file, ...problem, keepsLastGood: entry.served !== null })));
      if (!entry.served) continue;
      const second = entry.served.isDefault ? [...served.values()].find((bot) => bot.isDefault) : undefined;
      if (second) problems.push(secondDefault(file, second));
      served.set(entry.served.id, entry.served);
    }
    return [served, problems];
  }

  #report(served: ReadonlyMap<string, Bot>, problems: readonly BotProblem[]): BotsChange | null {
    const before = this.#served;
    const [added, stayed] = partition([...served.values()], (bot) => !before.has(bot.id));
    const changed = stayed.filter((bot) => !sameBot(bot, before.get(bot.id)));
    const removed = [...before.values()].filter((bot) => !served.has(bot.id));
    const sameProblems = isDeepStrictEqual(problems, this.#problems);
    this.#served = served;
    this.#digests = [...served.values()].map((bot) => [digestOf(bot.key), bot]);
    this.#problems = problems;
    if (added.length + changed.length + removed.length === 0 && sameProblems) return null;
    const change = { added, changed, removed, problems };
    this.#onChange?.(change);
    return change;
  }
}

function conflictOf(bot: Bot, served: ReadonlyMap<string, Bot>) {
  const sameId = served.get(bot.id);
  if (sameId) {
    const remedy = 'Give every bot its own bot_id.';
    return { field: 'bot_id', problem: `is already used by ${sameId.file}`, remedy };
  }
  const sameKey = [...served.values()].find((other) => other.key === bot.key);
  if (!sameKey) return null;
  const remedy = 'Give every bot the key of its own bot in Campfire.';
  return { field: 'bot_key', problem: `is already used by ${sameKey.file}`, remedy };
}

function secondDefault(file: string, first: Bot): BotProblem {
  const remedy = 'Mark one bot as the default.';
  const problem = `is set in ${first.file} too, which comes first and stays the default`;
  return { file, field: 'default', problem, remedy, keepsLastGood: false };
}

/** Names, contents and links change at least one of these. */
function signatureOf(path: string): string {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat ? `${stat.mtimeNs}:${stat.size}:${stat.ino};` : 'absent;';
  } catch {
    return 'unreadable;';
  }
}

function promptSignature(path: string | null): string {
  return path === null ? 'none' : signatureOf(path);
}

function sameBot(a: Bot, b: Bot | undefined): boolean {
  // Key and servers are not enumerable; the servers count in the revision.
  return b !== undefined && a.key === b.key && isDeepStrictEqual({ ...a }, { ...b });
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}
