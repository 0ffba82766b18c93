import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkFields } from '../config/bot-fields.ts';
import { OperatorError } from '../lib/errors.ts';

/** Asks for a bot, writes its file, and tells what is left to do in Campfire. */

/** Puts one question; empty answers take `proposed`. */
export type Ask = (question: string, proposed: string) => Promise<string>;

export async function newBot(
  ask: Ask,
  place: { botsDir: string; webhookBase: string },
): Promise<{ file: string; next: string }> {
  const name = await ask('Name, as people will mention it', 'Assistant');
  const id = await ask('Id, for its file and its webhook address', idFrom(name));
  const file = join(place.botsDir, `${id}.json`);
  if (existsSync(file)) {
    throw new OperatorError('bot_exists', `${file} exists already.`, 'Edit that file, or choose another id.');
  }
  const description = await ask('What is it for? One sentence', 'Answers questions and drafts texts.');
  const systemPrompt = await ask(
    'Its prompt: who is it, how does it answer?',
    `You are ${name}. ${description}`,
  );
  const language = await ask('Language of its own notices (en, zh-CN)', 'en');
  const key = await ask('Bot key from Campfire (empty: from the environment later)', '');
  const fields = {
    ...{ bot_id: id, ...(key === '' ? {} : { bot_key: key }), name, description, language },
    system_prompt: systemPrompt,
  };
  const checked = checkFields(fields);
  if (Array.isArray(checked)) {
    const [first] = checked;
    throw new OperatorError(
      'bot_invalid',
      `${first?.field ?? 'The bot'} ${first?.problem}.`,
      first?.remedy ?? '',
    );
  }
  mkdirSync(place.botsDir, { recursive: true });
  writeFileSync(file, `${JSON.stringify(fields, null, 2)}\n`, {
    flag: 'wx',
    mode: key === '' ? 0o644 : 0o600,
  });
  return { file, next: nextSteps({ id, name, file, hasKey: key !== '', webhookBase: place.webhookBase }) };
}

function nextSteps(bot: {
  id: string;
  name: string;
  file: string;
  hasKey: boolean;
  webhookBase: string;
}): string {
  const variable = `BOT_KEY_${bot.id.toUpperCase()}`;
  return `Wrote ${bot.file}.

1. In Campfire, open Account settings, Bots, New bot. Name it ${bot.name}.
2. As webhook URL enter ${bot.webhookBase}/webhook/${bot.id}
3. ${
    bot.hasKey
      ? 'Its key is in the file; it must be the one that Campfire shows.'
      : `Copy the bot key that Campfire shows, set ${variable} to it and restart, or write it into the file as "bot_key".`
  }
4. Add the bot to the rooms where it may be mentioned. Open rooms have it already.
5. Mention it: @${bot.name} hello. A running service takes the new file by itself.
`;
}

function idFrom(name: string): string {
  const id = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return id === '' ? 'assistant' : id.slice(0, 64);
}
