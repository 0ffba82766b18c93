import { readFileSync, realpathSync, statSync } from 'node:fs';
import { extname, join, relative, resolve, sep } from 'node:path';
import { isAlias, parseDocument, visit } from 'yaml';
import { messageOf } from '../lib/errors.ts';
import { type Bot, createBot } from './bot.ts';
import { type BotFields, checkFields, type FieldProblem, remedyFor } from './bot-fields.ts';

/** What reading one bot file gave. */
export interface BotFile {
  readonly bot: Bot | null;
  /** Empty exactly when there is a bot. */
  readonly problems: readonly FieldProblem[];
  /** The prompt file that it names, which has to be watched with it. Absolute path inside the bots folder. */
  readonly promptPath: string | null;
  /** A Markdown file without front matter: a bot's prompt or a note, unless somebody forgot the front matter. */
  readonly plain: boolean;
}

export interface BotFileReader {
  /** The bots folder. */
  readonly dir: string;
  /** A variable of the environment; undefined when unset or empty. */
  readonly variable: (name: string) => string | undefined;
}

/** Nobody writes a prompt this long; a wrong file may well be. */
const FILE_MAX_BYTES = 512 * 1024;

/** Reads `<name>.json` or `<name>.md`. Never throws; no problem that it reports repeats a value of the file. */
export function readBotFile(name: string, reader: BotFileReader): BotFile {
  const text = readText(join(reader.dir, name));
  if (typeof text !== 'string') return failed([{ field: null, ...text }]);
  const source = extname(name) === '.md' ? fromMarkdown(text) : fromJson(text);
  if (source === 'plain') {
    const remedy = 'Begin it with a line "---", the fields in YAML, and "---"; or move it to a folder below.';
    return { ...failed([{ field: null, problem: 'has no front matter', remedy }]), plain: true };
  }
  if ('problem' in source) return failed([{ field: null, ...source }]);

  const unset: FieldProblem[] = [];
  const fields = checkFields(fillVariables(source.raw, reader.variable, unset));
  if (unset.length > 0) return failed(unset);
  if (isProblems(fields)) return failed(fields);
  const key = findKey(fields, reader.variable);
  const { path: promptPath = null, found: prompt } = findPrompt(fields, source.body, reader.dir);
  if ('problem' in key || 'problem' in prompt) {
    const problems = [key, prompt].filter((found) => 'problem' in found);
    return { ...failed(problems), promptPath };
  }
  return { bot: assemble(name, fields, key.key, prompt.text), problems: [], promptPath, plain: false };
}

interface Complaint {
  readonly problem: string;
  readonly remedy: string;
}

function failed(problems: readonly FieldProblem[]): BotFile {
  return { bot: null, problems, promptPath: null, plain: false };
}

/** The text of a regular file; a named pipe would stop the service here. */
function readText(path: string): string | Complaint {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return { problem: 'is not a regular file', remedy: 'Replace it by a text file.' };
    if (stat.size > FILE_MAX_BYTES) {
      return { problem: `is larger than ${FILE_MAX_BYTES / 1024} KB`, remedy: 'Shorten it.' };
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    if (error instanceof TypeError) return { problem: 'is not UTF-8 text', remedy: 'Save it as UTF-8.' };
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return {
      problem: `cannot be read (${code})`,
      remedy: 'Check that it exists and that the service may read it.',
    };
  }
}

interface Source {
  readonly raw: unknown;
  /** The text below the front matter. */
  readonly body: string;
}

function fromJson(text: string): Source | Complaint {
  try {
    return { raw: JSON.parse(text), body: '' };
  } catch (error) {
    const where = placeInJson(text, messageOf(error));
    return {
      problem: `is not valid JSON${where}`,
      remedy: 'Look there for a missing quote, comma or brace.',
    };
  }
}

/**
 * Where JSON is wrong. Only the place is taken from the parser's message, because the rest quotes the file, keys
 * included; it gives no place for a bare word, which YAML's stricter JSON schema stumbles over too.
 */
function placeInJson(text: string, message: string): string {
  const told = / \(line (\d+) column (\d+)\)$/.exec(message);
  if (told) return ` at line ${told[1]}, column ${told[2]}`;
  const [found] = parseDocument(text, { schema: 'json', logLevel: 'error' }).errors;
  return found?.linePos ? ` at line ${found.linePos[0].line}, column ${found.linePos[0].col}` : '';
}

function fromMarkdown(text: string): Source | Complaint | 'plain' {
  const parts = /^---[ \t]*\r?\n([\s\S]*?)(?:^|\n)---[ \t]*(?:\r?\n([\s\S]*))?$/.exec(text);
  if (!parts) return 'plain';
  const [, front = '', body = ''] = parts;
  const document = parseDocument(front, { prettyErrors: true, logLevel: 'error' });
  const [error] = document.errors;
  let aliases = 0;
  visit(document, (_, node) => {
    if (isAlias(node)) aliases++;
  });
  if (!error && aliases === 0) return { raw: document.toJS(), body };
  // One line more than the parser counts, for the "---" above; its message may quote the file.
  const where = error?.linePos ? ` at line ${error.linePos[0].line + 1}, column ${error.linePos[0].col}` : '';
  const problem = error
    ? `front matter is not valid YAML${where} (${error.code})`
    : 'front matter uses YAML aliases';
  return {
    problem,
    remedy: 'Write one "field: value" per line, with quotes around text that holds ": " or "#".',
  };
}

/** Replaces ${NAME} in every text inside mcp_servers. */
function fillVariables(raw: unknown, variable: BotFileReader['variable'], unset: FieldProblem[]): unknown {
  if (typeof raw !== 'object' || raw === null || !('mcp_servers' in raw)) return raw;
  const fill = (value: unknown, path: string): unknown => {
    if (typeof value === 'string') {
      return value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
        const found = variable(name);
        if (found !== undefined) return found;
        unset.push({
          field: path,
          problem: `needs the variable ${name}, which is not set`,
          remedy: `Set ${name} in the environment of the service and restart it.`,
        });
        return '';
      });
    }
    if (Array.isArray(value)) return value.map((item, index) => fill(item, `${path}.${index}`));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, fill(inner, `${path}.${key}`)]),
    );
  };
  return { ...raw, mcp_servers: fill(raw.mcp_servers, 'mcp_servers') };
}

function findKey(fields: BotFields, variable: BotFileReader['variable']): { key: string } | FieldProblem {
  const name = `BOT_KEY_${fields.bot_id.toUpperCase()}`;
  const fromEnvironment = variable(name);
  const key = fromEnvironment ?? fields.bot_key?.trim();
  if (!key) {
    const remedy = `Set ${name} in the environment and restart, or write bot_key: the key from the bot’s page in Campfire.`;
    return { field: 'bot_key', problem: `is missing, and ${name} is not set`, remedy };
  }
  if (/^[1-9]\d{0,14}-[A-Za-z0-9_-]{1,100}$/.test(key)) return { key };
  const problem = fromEnvironment ? `in the variable ${name} is not a bot key` : 'is not a bot key';
  return { field: 'bot_key', problem, remedy: remedyFor('bot_key') };
}

interface Prompt {
  readonly found: { readonly text: string } | FieldProblem;
  /** The file to watch, whether or not it is good. */
  readonly path?: string;
}

function findPrompt(fields: BotFields, body: string, dir: string): Prompt {
  const field = 'system_prompt';
  const written = [body, fields.system_prompt ?? ''].map((text) => text.trim()).filter((text) => text !== '');
  const sources = written.length + (fields.system_prompt_file === undefined ? 0 : 1);
  if (sources > 1) {
    const remedy = 'Keep one of system_prompt, system_prompt_file and the text below the front matter.';
    return { found: { field, problem: 'is given more than once', remedy } };
  }
  if (fields.system_prompt_file !== undefined) return promptFromFile(fields.system_prompt_file, dir);
  const [text] = written;
  if (text !== undefined) return { found: { text } };
  if (fields.system_prompt === undefined) return { found: { text: promptFromName(fields) } };
  return { found: { field, problem: 'is empty', remedy: remedyFor(field) } };
}

/** A bot without a prompt still knows who it is. */
function promptFromName(fields: BotFields): string {
  return [`You are ${fields.name ?? fields.bot_id}.`, fields.description ?? ''].join(' ').trim();
}

function promptFromFile(name: string, dir: string): Prompt {
  const field = 'system_prompt_file';
  const wrong = (problem: string) => ({ field, problem, remedy: remedyFor(field) });
  const path = resolve(dir, name);
  if (!isInside(dir, path)) return { found: wrong('leads out of the bots folder') };
  try {
    if (!isInside(realpathSync(dir), realpathSync(path))) {
      return { found: wrong('leads out of the bots folder'), path };
    }
  } catch {
    return { found: wrong('names a file that does not exist'), path };
  }
  const text = readText(path);
  if (typeof text !== 'string') {
    return { found: { field, problem: `names a file that ${text.problem}`, remedy: text.remedy }, path };
  }
  return { found: text.trim() === '' ? wrong('names an empty file') : { text: text.trim() }, path };
}

function isInside(dir: string, path: string): boolean {
  const way = relative(dir, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`);
}

function assemble(file: string, fields: BotFields, key: string, systemPrompt: string): Bot {
  return createBot({
    id: fields.bot_id,
    key,
    name: fields.name ?? fields.bot_id,
    systemPrompt,
    file,
    description: fields.description,
    model: fields.model,
    tools: fields.tools && [...new Set(fields.tools)],
    mcpServers: fields.mcp_servers,
    maxTurns: fields.max_turns,
    language: fields.language,
    isDefault: fields.default,
    answerBots: fields.answer_bots,
    budgetUsdPerDay: fields.budget_usd_per_day,
  });
}

function isProblems(fields: BotFields | readonly FieldProblem[]): fields is readonly FieldProblem[] {
  return Array.isArray(fields);
}
