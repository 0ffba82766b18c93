import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Bots, type BotsChange, openBots } from '../../src/config/bots.ts';
import { tempFolder } from './temp.ts';

export const ANN = { bot_id: 'ann', bot_key: '2-abcDEF123456', name: 'Ann', system_prompt: 'Be Ann.' };
export const BEN = { bot_id: 'ben', bot_key: '3-abcDEF123456', name: 'Ben', system_prompt: 'Be Ben.' };

/** A bots folder with these files: text as it is, anything else as JSON. */
export function folder(t: TestContext, files: Record<string, unknown>) {
  const dir = tempFolder(t);
  const write = (name: string, content: unknown) => {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    // Replaced as one, as editors and deployments do; also makes every write visible to `stat`.
    writeFileSync(join(dir, `.${name.replaceAll('/', '_')}`), text);
    renameSync(join(dir, `.${name.replaceAll('/', '_')}`), join(dir, name));
  };
  for (const [name, content] of Object.entries(files)) write(name, content);
  return { dir, write, remove: (name: string) => rmSync(join(dir, name)) };
}

export function open(
  dir: string,
  environment: Record<string, string> = {},
  onChange?: (change: BotsChange) => void,
): Bots {
  return openBots({ dir, variable: (name) => environment[name], ...(onChange && { onChange }) });
}

export const ids = (bots: Bots) => bots.all().map((bot) => bot.id);
export const told = (bots: Bots) =>
  bots.problems().map(({ file, field, problem }) => `${file}: ${field}: ${problem}`);
