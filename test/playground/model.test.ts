import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { slowCharactersPerSecond } from '../../src/playground/model/behaviour.ts';
import { behaviourFor, behaviours } from '../../src/playground/model/script.ts';
import { type ScriptedModel, startScriptedModel } from '../../src/playground/model.ts';

/**
 * The scripted model through its HTTP API, as `claude` calls it: every behaviour that the page offers. What needs the
 * real `claude` around it (retries, tools that run, crashes) is in test/e2e/playground-model.test.ts.
 */

type Block = { type: string; text?: string; name?: string; input?: Record<string, unknown> };
interface Spoken {
  status: number;
  text: string;
  calls: { name: string; input: Record<string, unknown> }[];
}

async function start(t: TestContext, lively = false): Promise<ScriptedModel> {
  const model = await startScriptedModel({ clock, lively });
  t.after(() => model.close());
  return model;
}

const heading = (text: string) => `[Ann in room "HQ", Monday 5 January 2026 at 09:00 UTC]\n${text}`;
const tool = (name: string) => ({ name, description: name, input_schema: { type: 'object' } });

/** The request that `claude` would make for the newest message, the results of its calls so far included. */
function requestFor(
  text: string,
  options: { results?: string[]; tools?: string[]; earlier?: string[] } = {},
) {
  const { results = [], tools = ['Read', 'Write', 'Glob'], earlier = [] } = options;
  const past = earlier.flatMap((said) => [
    { role: 'user', content: heading(said) },
    { role: 'assistant', content: 'Noted.' },
  ]);
  const steps = results.flatMap((result, index) => [
    { role: 'assistant', content: [{ type: 'tool_use', id: `toolu_${index}`, name: 'Write', input: {} }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: `toolu_${index}`, content: result }] },
  ]);
  return {
    ...{ model: 'claude-haiku-4-5', max_tokens: 1000, tools: tools.map(tool) },
    system: 'You are a lighthouse.\n# Where you are\nIn a room.',
    messages: [...past, { role: 'user', content: heading(text) }, ...steps],
  };
}

function post(model: ScriptedModel, body: object): Promise<Response> {
  const headers = { 'content-type': 'application/json', 'x-api-key': 'x', 'anthropic-version': '2023-06-01' };
  return fetch(`${model.url}/v1/messages`, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function ask(
  model: ScriptedModel,
  text: string,
  options?: Parameters<typeof requestFor>[1],
): Promise<Spoken> {
  const response = await post(model, requestFor(text, options));
  const { content = [] } = (await response.json()) as { content?: Block[] };
  return {
    status: response.status,
    text: content.map((block) => block.text ?? '').join(''),
    calls: content.flatMap(({ name, input = {} }) => (name === undefined ? [] : [{ name, input }])),
  };
}

/** Every piece of a streamed answer with the moment at which it came; `cut` when the connection broke. */
async function stream(model: ScriptedModel, text: string) {
  const response = await post(model, { ...requestFor(text), stream: true });
  const pieces: { text: string; atMs: number }[] = [];
  let cut = false;
  try {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      for (const [, piece = ''] of chunk.matchAll(/"text_delta","text":("(?:[^"\\]|\\.)*")/g)) {
        pieces.push({ text: JSON.parse(piece) as string, atMs: clock.monotonicMs() });
      }
    }
  } catch {
    cut = true;
  }
  return { pieces, cut, text: pieces.map((piece) => piece.text).join('') };
}

/** What the first answer to each behaviour's own message is. */
const expected: Record<string, (spoken: Spoken) => void> = {
  'Repeat something': ({ text }) => assert.equal(text, '**bold**, List<String> and 你好'),
  'Say hello': ({ text }) => assert.match(text, /^Hello Ann! Good to see you in HQ/),
  'Remember something': ({ text }) => assert.equal(text, 'Noted, I will remember that.'),
  'Ask what it remembers': ({ text }) => assert.match(text, /not told me anything/),
  'Two errors, then an answer': ({ status }) => assert.equal(status, 529),
  'Error 529': ({ status }) => assert.equal(status, 529),
  'Error 429': ({ status }) => assert.equal(status, 429),
  'Error 500': ({ status }) => assert.equal(status, 500),
  'Error 401': ({ status }) => assert.equal(status, 401),
  'Prompt too long': ({ status }) => assert.equal(status, 400),
  'A broken connection': ({ text }) => assert.match(text, /^Harbours are built twice/),
  'A crash in the middle': ({ text }) => assert.equal(text.length > 4 * slowCharactersPerSecond, true),
  'Stop it': ({ text }) => assert.equal(text.length > 29 * slowCharactersPerSecond, true),
  'Work for a while': ({ calls }) => assert.equal(calls[0]?.name, 'Write'),
  'Watch it write': ({ text }) => assert.equal(text.length > 7 * slowCharactersPerSecond, true),
  'A file with its button': ({ calls }) => assert.equal(calls[0]?.input.file_path, 'harbours.csv'),
  'A presentation': ({ text }) => assert.match(text, /`save_html_presentation`, but/),
  'A file by its name': ({ calls }) => assert.equal(calls[0]?.input.file_path, 'boats.csv'),
  'A picture': ({ calls }) => assert.equal(calls[0]?.input.file_path, 'lighthouse.svg'),
  'An attachment': ({ calls }) => assert.equal(calls[0]?.name, 'Write'),
  'Use a tool': ({ calls }) => assert.equal(calls[0]?.name, 'Write'),
  'Something it may not do': ({ calls }) => assert.equal(calls[0]?.name, 'Bash'),
  'A table in Chinese': ({ text }) => assert.match(text, /\| 青岛 \| 47 \|/),
  'Some code': ({ text }) => assert.match(text, /```python\n/),
  'Lists and quotes': ({ text }) => assert.match(text, /- \[x\] permit/),
  'Markup soup': ({ text }) => assert.match(text, /<script>/),
  'A very long answer': ({ text }) => assert.ok(text.length >= 40_000),
  'An empty answer': ({ text }) => assert.equal(text.trim(), ''),
  'Who are you?': ({ text }) => assert.equal(text, 'My prompt begins: “You are a lighthouse.”'),
  'What day is it?': ({ text }) => assert.equal(text, 'It is Monday 5 January 2026 at 09:00 UTC.'),
};

for (const { title, text } of behaviours) {
  test(`“${text}” → ${title}`, async (t) => {
    assert.equal(behaviourFor({ text }).title, title, 'its own message leads to it');
    const check = expected[title];
    assert.ok(check, 'every behaviour has a case here');
    const model = await start(t);
    model.skipPacing();
    check(await ask(model, text));
  });
}

test('docs/playground.md tells every message that the model understands', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/playground.md'), 'utf8');
  for (const { text } of behaviours) assert.ok(page.includes(`\`${text}\``), text);
});

test('what it was told it tells again, from the conversation alone', async (t) => {
  const earlier = ['remember the code is heron', 'hello'];
  const { text } = await ask(await start(t), 'what did I tell you?', { earlier });
  assert.equal(text, 'You told me:\n\n- remember the code is heron');
});

test('“for 1 second”: the words arrive over that time, and not a pause and then all', async (t) => {
  const { pieces, text } = await stream(await start(t), 'Tell me something for 1 second');
  assert.ok(Math.abs(text.length - slowCharactersPerSecond) < 15, `${text.length} characters`);
  const [first, last] = [pieces[0]?.atMs ?? 0, pieces.at(-1)?.atMs ?? 0];
  assert.ok(last - first > 500, `${pieces.length} pieces within ${last - first} ms`);
  const moments = new Set(pieces.map(({ atMs }) => Math.round(atMs / 20)));
  assert.ok(moments.size > 3, `came at ${moments.size} moments`);
});

test('a lively model talks instead of dropping its answer; skipping the pace brings all at once', async (t) => {
  const model = await start(t, true);
  const spoken = await stream(model, 'Hello!');
  assert.ok(new Set(spoken.pieces.map(({ atMs }) => Math.round(atMs / 10))).size > 3);
  model.skipPacing();
  const from = clock.monotonicMs();
  const { text } = await stream(model, 'Tell me something for 300 seconds');
  assert.ok(text.length > 299 * slowCharactersPerSecond && clock.monotonicMs() - from < 20_000);
});

test('“use tools for 2 seconds”: a call a second, then the answer; one long command where there is a shell', async (t) => {
  const model = await start(t);
  const from = clock.monotonicMs();
  const words = 'use tools for 2 seconds';
  const results: string[] = [];
  for (;;) {
    const { calls, text } = await ask(model, words, { results });
    if (calls.length === 0) {
      assert.equal(text, 'I worked for 2 seconds and took 1 step.');
      break;
    }
    results.push('done');
  }
  assert.ok(clock.monotonicMs() - from >= 1_900);
  model.skipPacing();
  const shell = await ask(model, words, { tools: ['Bash'] });
  assert.match(String(shell.calls[0]?.input.command), /^timeout 2 /);
  const after = await ask(model, words, { tools: ['Bash'], results: ['waited'] });
  assert.equal(after.text, 'I waited for 2 seconds in a shell.');
});

test('errors in a row, each conversation by itself: the next try gets the answer', async (t) => {
  const model = await start(t);
  const statuses: number[] = [];
  for (const words of [
    'error 500 twice',
    'error 500 twice',
    'error 500 twice',
    'error 429 once',
    'error 429 once',
  ])
    statuses.push((await ask(model, words)).status);
  assert.deepEqual(statuses, [500, 500, 200, 429, 200]);
  assert.match((await ask(model, 'error 500 3 times', { earlier: ['hi'] })).text, /^$/);
});

test('“break off”: the connection breaks within the answer, and only the first time', async (t) => {
  const model = await start(t);
  const first = await stream(model, 'break off in the middle');
  assert.ok(first.cut && first.text.length > 0 && first.text.length < 100, first.text);
  const second = await stream(model, 'break off in the middle');
  assert.ok(!second.cut && second.text.startsWith(first.text) && second.text.length > 200);
});

test('a file is handed over with the tool that is offered, and its refusal is passed on', async (t) => {
  const model = await start(t);
  const tools = ['Write', 'mcp__campfire__save_file', 'mcp__campfire__save_html_presentation'];
  const words = 'make me a report to download';
  const results = ['File created'];
  const call = (await ask(model, words, { tools, results })).calls[0];
  assert.deepEqual(call, {
    name: 'mcp__campfire__save_file',
    input: { file_path: 'harbours.csv', title: 'Harbours' },
  });
  const done = await ask(model, words, { tools, results: [...results, 'Shared.'] });
  assert.equal(done.text, 'The report is ready.');
  const refused = await ask(model, words, { tools, results: [...results, 'Error: it is too large.'] });
  assert.equal(refused.text, '`save_file` answered: Error: it is too large.');
  assert.match((await ask(model, words, { results })).text, /`save_file`, but this service does not offer/);
  const [slides] = (await ask(model, 'a presentation, please', { tools })).calls;
  assert.equal(slides?.name, 'mcp__campfire__save_html_presentation');
});
