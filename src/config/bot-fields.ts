import { z } from 'zod';
import { LANGUAGES } from './bot.ts';

/**
 * What a bot file may say: the schema, and per field what to do when it is wrong. Messages never repeat a value,
 * because a value may be a key.
 */

/** Something wrong with one field (`null`: with the file as a whole). */
export interface FieldProblem {
  readonly field: string | null;
  readonly problem: string;
  readonly remedy: string;
}

const strings = z.record(z.string(), z.string());

const mcpServer = z.preprocess(
  (value) =>
    isRecord(value) && !('type' in value) ? { ...value, type: 'url' in value ? 'http' : 'stdio' } : value,
  z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('stdio'),
      command: z.string().min(1),
      args: z.array(z.string()).default([]),
      env: strings.default({}),
    }),
    z.strictObject({
      type: z.literal('http'),
      url: z.url({ protocol: /^https?$/ }),
      headers: strings.default({}),
    }),
  ]),
);

const toolName = z.string().regex(/^[A-Za-z][A-Za-z0-9_]*$/);

const schema = z.strictObject({
  bot_id: z.string().regex(/^[a-z0-9_]{1,64}$/),
  bot_key: z.string().optional(),
  name: z.string().trim().min(1).max(100).optional(),
  description: z.string().trim().max(1000).optional(),
  model: z
    .string()
    .regex(/^\S{1,200}$/)
    .optional(),
  system_prompt: z.string().optional(),
  system_prompt_file: z.string().min(1).optional(),
  // Claude Code agent files list tools on one line, separated by commas.
  tools: z
    .preprocess((value) => (typeof value === 'string' ? words(value) : value), z.array(toolName))
    .optional(),
  mcp_servers: z.record(z.string().regex(/^(?!campfire$)[A-Za-z](?:_?[A-Za-z0-9-])*$/), mcpServer).optional(),
  max_turns: z.int().min(1).max(1000).optional(),
  language: z.enum(LANGUAGES).optional(),
  default: z.boolean().optional(),
  answer_bots: z.boolean().optional(),
  budget_usd_per_day: z.number().positive().optional(),
});

/** A bot file's fields, each of the right form. */
export type BotFields = z.output<typeof schema>;

const REMEDIES: { readonly [Field in keyof BotFields]-?: string } = {
  bot_id: 'Use 1 to 64 lower-case letters, digits and underscores, such as "personal_assistant".',
  bot_key: 'Copy the key from the bot’s page in Campfire: a number, a dash, then letters and digits.',
  name: 'Use the name that the bot has in Campfire, as text of at most 100 characters.',
  description: 'Use text of at most 1000 characters.',
  model: 'Use a model’s name such as "sonnet", or leave the field out for the default.',
  system_prompt: 'Write the prompt as text, or name a file with system_prompt_file.',
  system_prompt_file: 'Name a text file inside the bots folder, such as "prompts/assistant.txt".',
  tools:
    'List built-in tools by name, such as ["Read", "WebSearch"], or leave the field out for the usual ones.',
  mcp_servers:
    'Give each server a name (letters, digits, dashes, single underscores; not "campfire") and either {"command", "args", "env"} or {"type": "http", "url", "headers"}.',
  max_turns: 'Use a whole number from 1 to 1000.',
  language: `Use one of ${LANGUAGES.join(', ')}.`,
  default: 'Use true or false.',
  answer_bots: 'Use true or false.',
  budget_usd_per_day: 'Use a number of US dollars above 0.',
};

/** Checks what a file says. Never throws. */
export function checkFields(raw: unknown): BotFields | readonly FieldProblem[] {
  if (!isRecord(raw)) {
    return [{ field: null, problem: 'holds no fields', remedy: 'Write one object with at least "bot_id".' }];
  }
  const result = schema.safeParse(raw);
  return result.success ? result.data : result.error.issues.flatMap(fieldProblems);
}

/** What to do when `field` is wrong. */
export function remedyFor(field: keyof BotFields): string {
  return REMEDIES[field];
}

function fieldProblems(issue: z.core.$ZodIssue): FieldProblem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownField([...path, key]));
  const [top = ''] = path;
  const field = path.join('.') || null;
  return [{ field, problem: problemOf(issue), remedy: isField(top) ? REMEDIES[top] : 'Correct it.' }];
}

function problemOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return 'is not a usable name';
  if (issue.code !== 'invalid_type') return 'is not allowed';
  if (issue.message.endsWith('received undefined')) return 'is missing';
  return `is not ${KINDS[issue.expected] ?? 'of the right kind'}`;
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

function unknownField(path: readonly string[]): FieldProblem {
  const name = path.at(-1) ?? '';
  const near = path.length === 1 ? nearest(name, Object.keys(REMEDIES)) : undefined;
  const remedy = near
    ? `Did you mean "${near}"?`
    : path.length === 1
      ? `Remove it. Known fields: ${Object.keys(REMEDIES).join(', ')}.`
      : 'Remove it.';
  return { field: path.join('.'), problem: 'is not a known field', remedy };
}

/** The known name that `name` is most likely a slip of, if any; "promt" is near "system_prompt". */
function nearest(name: string, known: readonly string[]): string | undefined {
  const plain = (word: string) => word.toLowerCase().replace(/[^a-z]/g, '');
  const ranked = known
    .map((candidate) => {
      const spellings = [plain(candidate), candidate.split('_').at(-1) ?? ''];
      return {
        candidate,
        slips: Math.min(...spellings.map((spelling) => editDistance(plain(name), spelling))),
      };
    })
    .sort((a, b) => a.slips - b.slips);
  const [best] = ranked;
  return best && best.slips <= Math.floor(plain(name).length / 3) ? best.candidate : undefined;
}

/** Letters to insert, delete or replace to make `a` into `b` (Levenshtein). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [row, letter] of [...a].entries()) {
    const current = [row + 1];
    for (const [column, other] of [...b].entries()) {
      const replaced = (previous[column] ?? 0) + (letter === other ? 0 : 1);
      current.push(Math.min(replaced, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}

function isField(name: string): name is keyof BotFields {
  return Object.hasOwn(REMEDIES, name);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function words(list: string): string[] {
  return list
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}
