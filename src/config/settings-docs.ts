import { settingRows } from './settings.ts';
import type { Row } from './settings-table.ts';

/** The text of docs/configuration.md: every setting, grouped, as the settings table has it. */
export function settingsMarkdown(): string {
  const groups = [...grouped()].map(([group, rows]) =>
    [
      `## ${group}`,
      '',
      '| variable | default | allowed | what it decides |',
      '|---|---|---|---|',
      ...rows.map(
        (row) =>
          `| \`${row.env}\` | ${defaultOf(row)} | ${row.kind.allowed} | ${row.sentence}${row.secret ? ' *Secret.*' : ''} |`,
      ),
    ].join('\n'),
  );
  return `${[
    '# Configuration',
    '<!-- Generated from src/config/settings-table.ts. A test fails when this page is stale and says how to write it anew. -->',
    [
      'The service reads its settings from the environment when it starts. A bad value stops the start with the',
      'variable’s name, the value and what is allowed; an empty value counts as unset. Secret values are shown',
      'nowhere, not even in an error.',
    ].join('\n'),
    ...groups,
    [
      '## Bot keys',
      '',
      'A bot’s Campfire key may stand in its file as `bot_key`, or in the environment as `BOT_KEY_<BOT_ID>` (the id',
      'in capitals, for example `BOT_KEY_PERSONAL_ASSISTANT`). The environment wins. A dollar sign and a name in braces',
      'inside a bot’s `mcp_servers` is replaced by that variable of the same environment.',
    ].join('\n'),
  ].join('\n\n')}\n`;
}

/** The text of .env.example: every setting with its default, commented out unless it has to be filled in. */
export function envExample(): string {
  const groups = [...grouped()].map(([group, rows]) =>
    [`# --- ${group}`, ...rows.map((row) => `\n${envLines(row)}`)].join('\n'),
  );
  return `${[
    '# Copy to .env and fill in. Generated from src/config/settings-table.ts; docs/configuration.md says more.',
    ...groups,
    '# --- Bot keys: BOT_KEY_<BOT_ID>, from the bot’s page in Campfire\n\nBOT_KEY_PERSONAL_ASSISTANT=',
  ].join('\n\n')}\n`;
}

function grouped(): Map<string, Row[]> {
  return Map.groupBy(
    settingRows().map(([, row]) => row),
    (row) => row.group,
  );
}

function defaultOf(row: Row): string {
  if (row.required) return '*required*';
  if (row.machineDefault) return row.machineDefault.note;
  return row.default === undefined ? 'unset' : `\`${row.default}\``;
}

function envLines(row: Row): string {
  const sentence = `# ${row.sentence.replaceAll('`', '')} (${row.kind.unit})`;
  return `${sentence}\n${row.required ? '' : '# '}${row.env}=${row.default ?? ''}`;
}
