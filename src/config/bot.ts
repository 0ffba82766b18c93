import { hash } from 'node:crypto';

/** The tools of a bot whose file names none: files of its own working folder, no shell, no network. */
export const DEFAULT_TOOLS: readonly string[] = Object.freeze(['Read', 'Write', 'Edit', 'Glob', 'Grep']);

export const LANGUAGES = ['en', 'zh-CN'] as const;
/** The language of the sentences that the service itself writes for a bot. */
export type Language = (typeof LANGUAGES)[number];

/** A program that offers tools, started beside the agent or reached over HTTP. Holds secrets. */
export type McpServer =
  | {
      readonly type: 'stdio';
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  | { readonly type: 'http'; readonly url: string; readonly headers: Readonly<Record<string, string>> };

/** What makes a bot; `createBot` derives the rest. */
export interface BotParts {
  readonly id: string;
  /** Campfire's bot key, `<bot user id>-<token>`. Secret. */
  readonly key: string;
  readonly name: string;
  readonly systemPrompt: string;
  /** The file that it comes from, for people. */
  readonly file: string;
  readonly description?: string | undefined;
  /** Absent: the agent's own default. */
  readonly model?: string | undefined;
  /** Absent: DEFAULT_TOOLS. */
  readonly tools?: readonly string[] | undefined;
  /** Holds secrets. */
  readonly mcpServers?: Readonly<Record<string, McpServer>> | undefined;
  readonly maxTurns?: number | undefined;
  readonly language?: Language | undefined;
  readonly isDefault?: boolean | undefined;
  /** Whether it reacts to messages of our other bots. */
  readonly answerBots?: boolean | undefined;
  readonly budgetUsdPerDay?: number | undefined;
}

/**
 * A persona in Campfire. Frozen. `key` and `mcpServers` are there to be read, but no print, JSON or spread copy of
 * a bot contains them.
 */
export interface Bot extends BotParts {
  /** The bot's user id in Campfire, by which messages of our own bots are recognised. */
  readonly userId: number;
  readonly description: string;
  readonly tools: readonly string[];
  readonly mcpServers: Readonly<Record<string, McpServer>>;
  readonly isDefault: boolean;
  readonly answerBots: boolean;
  /** Changes with anything that a session reads when it starts, and with nothing else; not with the key. */
  readonly revision: string;
}

/** A bot of its parts. The key must have Campfire's form; bot files are checked before. */
export function createBot(parts: BotParts): Bot {
  const { key, mcpServers = {}, ...rest } = parts;
  const open = {
    ...rest,
    userId: Number.parseInt(key, 10),
    description: parts.description ?? '',
    tools: Object.freeze([...(parts.tools ?? DEFAULT_TOOLS)]),
    isDefault: parts.isDefault ?? false,
    answerBots: parts.answerBots ?? false,
    revision: revisionOf(parts),
  };
  // Not enumerable: out of reach of console.log, JSON.stringify and spreads, and so of every log line.
  const hidden = { key: { value: key }, mcpServers: { value: deepFreeze(mcpServers) } };
  return Object.freeze(Object.defineProperties(open, hidden)) as Bot;
}

function revisionOf(parts: BotParts): string {
  const read = [
    parts.id,
    parts.name,
    parts.description ?? '',
    parts.model ?? null,
    parts.systemPrompt,
    parts.tools ?? DEFAULT_TOOLS,
    parts.mcpServers ?? {},
    parts.maxTurns ?? null,
    parts.language ?? null,
  ];
  return hash('sha256', JSON.stringify(read)).slice(0, 16);
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}

/**
 * The bot as its file says now. `unclear` when it may only be missing because a file cannot be read or is away for a
 * moment, `elsewhere` when another machine may have its file.
 */
export type FindBot = (id: string) => Bot | 'gone' | 'unclear' | 'elsewhere';
