import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { createBot, DEFAULT_TOOLS } from '../../src/config/bot.ts';
import { type Bots, type BotsChange, openBots } from '../../src/config/bots.ts';
import { OperatorError } from '../../src/lib/errors.ts';

const ANN = { bot_id: 'ann', bot_key: '2-abcDEF123456', name: 'Ann', system_prompt: 'Be Ann.' };
const BEN = { bot_id: 'ben', bot_key: '3-abcDEF123456', name: 'Ben', system_prompt: 'Be Ben.' };

/** A bots folder with these files: text as it is, anything else as JSON. */
function folder(t: TestContext, files: Record<string, unknown>) {
  const dir = mkdtempSync(join(tmpdir(), 'bots-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const write = (name: string, content: unknown) => {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    // Replaced as one, as editors and deployments do; also makes every write visible to `stat`.
    writeFileSync(join(dir, `.${name.replaceAll('/', '_')}`), text);
    renameSync(join(dir, `.${name.replaceAll('/', '_')}`), join(dir, name));
  };
  for (const [name, content] of Object.entries(files)) write(name, content);
  return { dir, write, remove: (name: string) => rmSync(join(dir, name)) };
}

function open(
  dir: string,
  environment: Record<string, string> = {},
  onChange?: (change: BotsChange) => void,
): Bots {
  return openBots({ dir, variable: (name) => environment[name], ...(onChange && { onChange }) });
}

const ids = (bots: Bots) => bots.all().map((bot) => bot.id);
const told = (bots: Bots) =>
  bots.problems().map(({ file, field, problem }) => `${file}: ${field}: ${problem}`);

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

test('a bot is found by its exact key only', (t) => {
  const { dir } = folder(t, { 'ann.json': ANN, 'ben.json': BEN });
  const bots = open(dir);
  assert.equal(bots.byKey(BEN.bot_key)?.id, 'ben');
  assert.equal(bots.byKey(`${BEN.bot_key}x`), undefined);
  assert.equal(bots.byKey(''), undefined);
});

test('the default is the marked bot, or the only one', (t) => {
  const { dir, write } = folder(t, { 'ann.json': ANN });
  const bots = open(dir);
  assert.equal(bots.default()?.id, 'ann');
  write('ben.json', BEN);
  bots.refresh();
  assert.equal(bots.default(), undefined);
  write('ben.json', { ...BEN, default: true });
  bots.refresh();
  assert.equal(bots.default()?.id, 'ben');
});

test('a second default is reported and changes nothing', (t) => {
  const { dir } = folder(t, { 'ann.json': { ...ANN, default: true }, 'ben.json': { ...BEN, default: true } });
  const bots = open(dir);
  assert.equal(bots.default()?.id, 'ann');
  assert.deepEqual(ids(bots), ['ann', 'ben']);
  assert.deepEqual(told(bots), [
    'ben.json: default: is set in ann.json too, which comes first and stays the default',
  ]);
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

test('a used id and a used key are reported on the second file, by the first one’s name', (t) => {
  const { dir } = folder(t, {
    'a.json': ANN,
    'b.json': { ...BEN, bot_id: 'ann' },
    'c.json': { ...BEN, bot_key: ANN.bot_key },
  });
  const bots = open(dir);
  assert.deepEqual(ids(bots), ['ann']);
  assert.deepEqual(told(bots), [
    'b.json: bot_id: is already used by a.json',
    'c.json: bot_key: is already used by a.json',
  ]);
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

test('notes and prompts in Markdown are no bots; a bot without its front matter is reported', (t) => {
  const { system_prompt: _, ...promptless } = ANN;
  const { dir } = folder(t, {
    'README.md': '# Our bots',
    'ann.json': { ...promptless, system_prompt_file: 'ann-prompt.md' },
    'ann-prompt.md': 'Be Ann.',
    'forgotten.md': 'Be helpful.',
    '.hidden.json': '{',
    'ben.json~': '{',
  });
  const bots = open(dir);
  assert.deepEqual(ids(bots), ['ann']);
  assert.deepEqual(told(bots), ['forgotten.md: null: has no front matter']);
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

test('a refresh tells what was added, changed and removed, and null when nothing was', (t) => {
  const { dir, write, remove } = folder(t, { 'ann.json': ANN });
  const changes: BotsChange[] = [];
  const bots = open(dir, {}, (change) => changes.push(change));
  assert.equal(bots.refresh(), null);

  write('ben.json', BEN);
  assert.deepEqual(
    bots.refresh()?.added.map((bot) => bot.id),
    ['ben'],
  );
  write('ben.json', { ...BEN, system_prompt: 'Be Big Ben.' });
  const before = bots.byId('ben');
  const change = bots.refresh();
  assert.deepEqual(
    change?.changed.map((bot) => bot.id),
    ['ben'],
  );
  assert.notEqual(change?.changed[0]?.revision, before?.revision);
  remove('ben.json');
  assert.deepEqual(
    bots.refresh()?.removed.map((bot) => bot.id),
    ['ben'],
  );
  assert.equal(bots.byKey(BEN.bot_key), undefined);
  write('ann.json', JSON.stringify(ANN, null, 2));
  assert.equal(bots.refresh(), null);
  assert.equal(changes.length, 3);
});

test('a new key is a change of the bot, not of its revision', (t) => {
  const { dir, write } = folder(t, { 'ann.json': ANN });
  const bots = open(dir);
  const before = bots.byId('ann')?.revision;
  write('ann.json', { ...ANN, bot_key: '2-newnewnewnew' });
  assert.equal(bots.refresh()?.changed[0]?.revision, before);
  assert.equal(bots.byKey('2-newnewnewnew')?.id, 'ann');
  assert.equal(bots.byKey(ANN.bot_key), undefined);
});

test('an edited prompt file changes its bot', (t) => {
  const { system_prompt: _, ...promptless } = ANN;
  const { dir, write } = folder(t, {
    'ann.txt': 'Be Ann.',
    'ann.json': { ...promptless, system_prompt_file: 'ann.txt' },
  });
  const bots = open(dir);
  write('ann.txt', 'Be Anna.');
  assert.equal(bots.refresh()?.changed[0]?.systemPrompt, 'Be Anna.');
  assert.equal(bots.refresh(), null);
});

test('a file that turned bad keeps its last good bot in service until it is mended or deleted', (t) => {
  const { dir, write, remove } = folder(t, { 'ann.json': ANN });
  const bots = open(dir);
  write('ann.json', '{"bot_id": ');
  assert.deepEqual(bots.refresh()?.removed, []);
  assert.equal(bots.byId('ann')?.systemPrompt, 'Be Ann.');
  assert.equal(bots.problems()[0]?.keepsLastGood, true);
  assert.equal(bots.refresh(), null);
  write('ann.json', { ...ANN, system_prompt: 'Be well.' });
  assert.deepEqual(bots.refresh()?.problems, []);
  assert.equal(bots.byId('ann')?.systemPrompt, 'Be well.');
  write('ann.json', '{');
  bots.refresh();
  remove('ann.json');
  assert.deepEqual(
    bots.refresh()?.removed.map((bot) => bot.id),
    ['ann'],
  );
  assert.deepEqual(bots.problems(), []);
});

test('an edit that takes another bot’s id leaves both as they were', (t) => {
  const { dir, write } = folder(t, { 'ann.json': ANN, 'ben.json': BEN });
  const bots = open(dir);
  write('ben.json', { ...BEN, bot_id: 'ann' });
  bots.refresh();
  assert.deepEqual(ids(bots), ['ann', 'ben']);
  assert.equal(bots.byId('ann')?.systemPrompt, 'Be Ann.');
  assert.equal(bots.problems()[0]?.keepsLastGood, true);
});

test('a folder that disappears is a problem, and the bots stay; it recovers', (t) => {
  const { dir } = folder(t, { 'ann.json': ANN });
  const bots = open(dir);
  renameSync(dir, `${dir}-away`);
  t.after(() => rmSync(`${dir}-away`, { recursive: true, force: true }));
  assert.equal(bots.refresh()?.problems[0]?.file, dir);
  assert.deepEqual(ids(bots), ['ann']);
  assert.equal(bots.refresh(), null);
  renameSync(`${dir}-away`, dir);
  assert.deepEqual(bots.refresh()?.problems, []);
});

test('without a bots folder the start stops with a remedy', () => {
  assert.throws(
    () => open('/nowhere/bots'),
    (error) =>
      error instanceof OperatorError && error.code === 'bots_dir_unreadable' && /BOTS_DIR/.test(error.remedy),
  );
});

test('no print, JSON or copy of a bot holds its key or the secrets of its servers', () => {
  const bot = createBot({
    id: 'ann',
    key: '2-hunter2',
    name: 'Ann',
    systemPrompt: 'Be Ann.',
    file: 'ann.json',
    mcpServers: { a: { type: 'stdio', command: 'x', args: [], env: { T: 'hunter2' } } },
  });
  assert.equal(bot.key, '2-hunter2');
  for (const shown of [
    inspect(bot),
    JSON.stringify(bot),
    inspect({ ...bot }),
    JSON.stringify({ a: [bot] }),
  ]) {
    assert(!shown.includes('hunter2'), shown);
    assert(shown.includes('Ann'));
  }
  assert.throws(() => Object.assign(bot, { name: 'Eve' }), TypeError);
  assert.throws(() => Object.assign(bot.mcpServers, { b: 1 }), TypeError);
});

test('the revision changes with each thing that a session reads, and with nothing else', () => {
  const parts = { id: 'a', key: '2-a', name: 'A', systemPrompt: 'p', file: 'a.json' };
  const revision = (more: object) => createBot({ ...parts, ...more }).revision;
  const same = [
    {},
    { key: '2-b' },
    { file: 'b.json' },
    { isDefault: true },
    { answerBots: true },
    { budgetUsdPerDay: 1 },
  ];
  assert.equal(new Set(same.map(revision)).size, 1);
  const different = [
    {},
    { systemPrompt: 'q' },
    { model: 'm' },
    { tools: ['Read'] },
    { maxTurns: 2 },
    { language: 'en' },
    { name: 'B' },
    { mcpServers: { a: { type: 'http', url: 'http://x', headers: {} } } },
  ];
  assert.equal(new Set(different.map(revision)).size, different.length);
});

test('a refresh of twenty unchanged files is cheap enough for every turn', (t) => {
  const { dir } = folder(
    t,
    Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [
        `bot${index}.json`,
        { bot_id: `bot${index}`, bot_key: `${index + 1}-abc`, system_prompt: 'x' },
      ]),
    ),
  );
  const bots = open(dir);
  const times = Array.from({ length: 50 }, () => {
    const start = performance.now();
    assert.equal(bots.refresh(), null);
    return performance.now() - start;
  }).sort((a, b) => a - b);
  const median = times[25] ?? Number.POSITIVE_INFINITY;
  assert(median < 1, `${median} ms`);
});

test('the example that ships is a good bot once it has a key', () => {
  const dir = fileURLToPath(new URL('../../bots', import.meta.url));
  const bots = open(dir, { BOT_KEY_PERSONAL_ASSISTANT: '2-abcDEF123456' });
  assert.deepEqual(bots.problems(), []);
  assert.equal(bots.default()?.id, 'personal_assistant');
  assert.match(told(open(dir))[0] ?? '', /bot_key: is missing, and BOT_KEY_PERSONAL_ASSISTANT is not set/);
});
