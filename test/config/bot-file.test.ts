import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DEFAULT_TOOLS } from '../../src/config/bot.ts';
import { ANN, BEN, folder, ids, open, told } from '../support/bots-folder.ts';

test('a JSON file gives a bot with all that it says', (t) => {
  const { dir } = folder(t, {
    'ann.json': {
      ...ANN,
      description: 'Knows figures.',
      model: 'haiku',
      tools: ['Read', 'WebSearch'],
      mcp_servers: { files: { command: 'files-mcp' }, web: { type: 'http', url: 'https://mcp.example.com' } },
      max_turns: 20,
      language: 'zh-CN',
      default: true,
      answer_bots: true,
      budget_usd_per_day: 1.5,
    },
  });
  const bot = open(dir).byId('ann');
  assert(bot);
  assert.equal(bot.key, ANN.bot_key);
  assert.equal(bot.userId, 2);
  assert.equal(bot.systemPrompt, 'Be Ann.');
  assert.deepEqual(bot.tools, ['Read', 'WebSearch']);
  assert.deepEqual(bot.mcpServers, {
    files: { type: 'stdio', command: 'files-mcp', args: [], env: {} },
    web: { type: 'http', url: 'https://mcp.example.com', headers: {} },
  });
  assert.equal(bot.maxTurns, 20);
  assert.equal(bot.language, 'zh-CN');
  assert.equal(bot.isDefault, true);
  assert.equal(bot.answerBots, true);
  assert.equal(bot.budgetUsdPerDay, 1.5);
  assert.equal(bot.file, 'ann.json');
});

test('a Markdown file gives its body as the prompt, and takes tools the way Claude Code writes them', (t) => {
  const front = `---\nbot_id: ann\nbot_key: ${ANN.bot_key}\nname: Ann\ntools: Read, Grep\n---`;
  const { dir } = folder(t, { 'ann.md': `${front}\n\nBe Ann.\n---\nAlways.\n` });
  const bot = open(dir).byId('ann');
  assert.equal(bot?.systemPrompt, 'Be Ann.\n---\nAlways.');
  assert.deepEqual(bot?.tools, ['Read', 'Grep']);
});

test('a bot that names no tools, model or prompt gets the usual tools, no model and its name as the prompt', (t) => {
  const { dir } = folder(t, {
    'a.json': { bot_id: 'ann', bot_key: '2-abc', name: 'Ann', description: 'Counts.' },
  });
  const bot = open(dir).byId('ann');
  assert.deepEqual(bot?.tools, DEFAULT_TOOLS);
  assert.equal(bot?.model, undefined);
  assert.equal(bot?.systemPrompt, 'You are Ann. Counts.');
});

test('the key comes from the environment, which wins over the file', (t) => {
  const { bot_key: _, ...keyless } = ANN;
  const { dir } = folder(t, { 'ann.json': keyless, 'ben.json': BEN });
  const bots = open(dir, { BOT_KEY_ANN: '8-fromEnv', BOT_KEY_BEN: '9-fromEnv' });
  assert.equal(bots.byId('ann')?.userId, 8);
  assert.equal(bots.byId('ben')?.userId, 9);
});

test('a missing key is reported by field and variable', (t) => {
  const { bot_key: _, ...keyless } = ANN;
  const { dir } = folder(t, { 'ann.json': keyless });
  const [problem] = open(dir).problems();
  assert.equal(problem?.field, 'bot_key');
  assert.match(`${problem?.problem} ${problem?.remedy}`, /BOT_KEY_ANN is not set.*Campfire/);
});

test('one bad file does not stop the others, and every one of its mistakes is named with a remedy', (t) => {
  const { dir } = folder(t, {
    'ann.json': ANN,
    'bad.json': { bot_id: 'Bad Bot', botkey: '1-x', promt: 'x', temperature: 1, max_turns: 'ten' },
  });
  const bots = open(dir);
  assert.deepEqual(ids(bots), ['ann']);
  const byField = new Map(bots.problems().map((problem) => [problem.field, problem]));
  assert.equal(byField.get('bot_id')?.problem, 'is not allowed');
  assert.equal(byField.get('max_turns')?.problem, 'is not a number');
  assert.equal(byField.get('botkey')?.remedy, 'Did you mean "bot_key"?');
  assert.equal(byField.get('promt')?.remedy, 'Did you mean "system_prompt"?');
  assert.match(byField.get('temperature')?.remedy ?? '', /^Remove it\. Known fields: bot_id, /);
  for (const problem of bots.problems()) assert.match(problem.remedy, /[.?]$/);
});

for (const [title, text] of Object.entries({
  'JSON with a syntax error': '{"bot_id": "ann", "bot_key": 2-hunter2hunter2}',
  'JSON that ends early': '{"bot_key": "2-hunter2hunter2"',
  'a wrong field beside a key': '{"bot_id": "ann", "bot_key": "hunter2hunter2"}',
  'a key as a field name is not a value': '{"bot_id": 7, "bot_key": "2-hunter2hunter2"}',
})) {
  test(`the problem with ${title} does not repeat the key`, (t) => {
    const { dir } = folder(t, { 'ann.json': text });
    const problems = open(dir).problems();
    assert(problems.length > 0);
    assert(!JSON.stringify(problems).includes('hunter2'), JSON.stringify(problems));
  });
}

test('a syntax error is reported with its place', (t) => {
  const { dir } = folder(t, {
    'a.json': '{\n  "bot_id": ann\n}',
    'b.md': '---\nbot_id: b\nname: a: b\n---\nHi',
  });
  const problems = told(open(dir));
  assert.match(problems[0] ?? '', /a\.json: null: is not valid JSON at line 2, column 13/);
  assert.match(problems[1] ?? '', /b\.md: null: front matter is not valid YAML at line 3, column 7/);
});

test('variables are filled inside mcp_servers and nowhere else', (t) => {
  const { dir } = folder(t, {
    'ann.json': JSON.stringify({
      ...ANN,
      system_prompt: '@{TOKEN}',
      mcp_servers: {
        a: { command: 'run', args: ['--as', 'x-@{TOKEN}-@{TOKEN}'], env: { T: '@{TOKEN}' } },
        b: { url: 'https://@{HOST}/mcp', headers: { Authorization: 'Bearer @{TOKEN}' } },
      },
    }).replaceAll('@{', '${'),
  });
  const bot = open(dir, { TOKEN: 's3', HOST: 'mcp.example.com' }).byId('ann');
  assert.deepEqual(bot?.mcpServers, {
    a: { type: 'stdio', command: 'run', args: ['--as', 'x-s3-s3'], env: { T: 's3' } },
    b: { type: 'http', url: 'https://mcp.example.com/mcp', headers: { Authorization: 'Bearer s3' } },
  });
  assert.equal(bot?.systemPrompt, '$'.concat('{TOKEN}'));
});

test('an unset variable is reported by name and place', (t) => {
  const env = { T: '$'.concat('{NOT_THERE}') };
  const { dir } = folder(t, { 'ann.json': { ...ANN, mcp_servers: { a: { command: 'run', env } } } });
  assert.deepEqual(told(open(dir)), [
    'ann.json: mcp_servers.a.env.T: needs the variable NOT_THERE, which is not set',
  ]);
});

test('mistakes inside mcp_servers are named by their path', (t) => {
  const { dir } = folder(t, {
    'ann.json': {
      ...ANN,
      mcp_servers: { campfire: { command: 'x' }, a: { args: [] }, b: { url: 'file:///x', extra: 1 } },
    },
  });
  const fields = open(dir)
    .problems()
    .map((problem) => problem.field);
  assert.deepEqual(fields.sort(), [
    'mcp_servers.a.command',
    'mcp_servers.b.extra',
    'mcp_servers.b.url',
    'mcp_servers.campfire',
  ]);
});

test('a prompt file is read from inside the bots folder', (t) => {
  const { dir } = folder(t, { 'p.txt': ' Be Ann. \n' });
  mkdirSync(join(dir, 'prompts'));
  const { system_prompt: _, ...promptless } = ANN;
  writeFileSync(join(dir, 'prompts/ann.md'), 'Be Ann.');
  writeFileSync(
    join(dir, 'ann.json'),
    JSON.stringify({ ...promptless, system_prompt_file: './prompts/ann.md' }),
  );
  assert.equal(open(dir).byId('ann')?.systemPrompt, 'Be Ann.');
});

test('a prompt file outside the bots folder is refused, reached by path or by link', (t) => {
  const outside = folder(t, { 'secret.txt': 'hunter2' });
  const { system_prompt: _, ...promptless } = ANN;
  const { dir, write } = folder(t, {});
  symlinkSync(join(outside.dir, 'secret.txt'), join(dir, 'link.txt'));
  symlinkSync(outside.dir, join(dir, 'linked'));
  const bots = open(dir);
  for (const path of [
    '../x',
    '/etc/passwd',
    'link.txt',
    'linked/secret.txt',
    '.',
    'prompts/../../x',
    'none.txt',
  ]) {
    write('ann.json', { ...promptless, system_prompt_file: path });
    bots.refresh();
    assert.deepEqual(ids(bots), [], path);
    assert.equal(bots.problems()[0]?.field, 'system_prompt_file', path);
  }
});

test('two prompts are one too many, and an empty one is none', (t) => {
  const { dir } = folder(t, {
    'a.json': { ...ANN, system_prompt_file: 'x.txt' },
    'b.json': { ...BEN, system_prompt: ' ' },
  });
  assert.deepEqual(told(open(dir)), [
    'a.json: system_prompt: is given more than once',
    'b.json: system_prompt: is empty',
  ]);
});

test('what is not a readable text file is a problem, not a crash', (t) => {
  const { dir } = folder(t, { 'ann.json': ANN, 'big.json': `"${'x'.repeat(600_000)}"`, 'list.json': '[]' });
  writeFileSync(join(dir, 'latin.json'), Buffer.from([0x22, 0xe9, 0x22]));
  mkdirSync(join(dir, 'dir.json'));
  symlinkSync('nowhere', join(dir, 'broken.json'));
  symlinkSync('loop.json', join(dir, 'loop.json'));
  const bots = open(dir);
  assert.deepEqual(ids(bots), ['ann']);
  assert.deepEqual(told(bots), [
    'big.json: null: is larger than 512 KB',
    'broken.json: null: cannot be read (ENOENT)',
    'dir.json: null: is not a regular file',
    'latin.json: null: is not UTF-8 text',
    'list.json: null: holds no fields',
    'loop.json: null: cannot be read (ELOOP)',
  ]);
  assert.equal(bots.refresh(), null);
});
