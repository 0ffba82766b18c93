import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { type TestContext, test } from 'node:test';
import { campfireChecks } from '../../src/cli/doctor/campfire.ts';
import { claudeApiChecks } from '../../src/cli/doctor/claude-api.ts';
import type { Check, Finding } from '../../src/cli/doctor/finding.ts';
import { memoryCheck } from '../../src/cli/doctor/memory.ts';
import { createBot } from '../../src/config/bot.ts';
import { readSettings, type Settings } from '../../src/config/settings.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import type { Face } from '../../src/playground/records.ts';
import { startSimulator } from '../../src/playground/simulator.ts';
import { tempFolder } from '../support/temp.ts';

/** What doctor finds outside of its machine: the Claude API, Campfire, and how much memory there is for sessions. */

const key = 'sk-ant-api-of-the-tests';
const ann = createBot({
  ...{ id: 'ann', key: '2-abcDEF123456', name: 'Ann', systemPrompt: '', file: 'ann.json' },
});
const stranger = createBot({
  ...{ id: 'eve', key: '3-abcDEF123456', name: 'Eve', systemPrompt: '', file: 'eve.json' },
});
const withModel = (model: string) => createBot({ ...ann, key: ann.key, model });

function settingsOf(t: TestContext, env: Record<string, string>): Settings {
  return readSettings({ CAMPFIRE_URL: 'http://127.0.0.1:9', DATA_DIR: tempFolder(t), ...env });
}

async function look(checks: readonly Check[], name: string): Promise<Finding> {
  const check = checks.find((each) => each.name === name);
  assert.ok(check, name);
  return check.run();
}

/** A server that answers everything with this. */
async function serve(t: TestContext, status: number, body: string, headers: Record<string, string> = {}) {
  const requests: Array<{ headers: IncomingMessage['headers']; body: Record<string, unknown> }> = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const isJson = text.startsWith('{');
    requests.push({
      headers: request.headers,
      body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
    });
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, requests };
}

const error = (type: string, message: string) => JSON.stringify({ type: 'error', error: { type, message } });
const message = JSON.stringify({ type: 'message', content: [{ type: 'text', text: '!' }] });

const answers: Array<
  [status: number, body: string, verdict: Finding['verdict'], says: RegExp, does: RegExp]
> = [
  [200, message, 'ok', /claude-x answers with ANTHROPIC_API_KEY/, /^$/],
  [200, '<html>', 'fail', /not the Claude API/, /ANTHROPIC_BASE_URL/],
  [
    401,
    error('authentication_error', 'invalid x-api-key'),
    'fail',
    /refused \(invalid x-api-key\)/,
    /Copy it anew/,
  ],
  [403, error('permission_error', 'no'), 'fail', /may not use claude-x/, /rights/],
  [404, error('not_found_error', 'model: claude-x'), 'fail', /no model claude-x/, /Correct "model"/],
  [429, error('rate_limit_error', 'slow'), 'warn', /limit is reached/, /raise the limit/],
  [
    400,
    error('invalid_request_error', 'Your credit balance is too low'),
    'fail',
    /credit balance/,
    /Add credit/,
  ],
  [529, error('overloaded_error', 'Overloaded'), 'warn', /not well just now: HTTP 529/, /Try again/],
  [302, '', 'fail', /not the Claude API: HTTP 302/, /ANTHROPIC_BASE_URL/],
];

for (const [status, body, verdict, says, does] of answers) {
  test(`claude api: ${status} ${body.slice(0, 50)} is ${verdict}, with what to do`, async (t) => {
    const { url, requests } = await serve(t, status, body);
    const settings = settingsOf(t, { ANTHROPIC_API_KEY: key, ANTHROPIC_BASE_URL: url });
    const found = await look(claudeApiChecks(settings, [withModel('claude-x')]), 'claude api');
    assert.equal(found.verdict, verdict, found.detail);
    assert.match(found.detail, says);
    assert.match(found.remedy ?? '', does);
    assert.doesNotMatch(JSON.stringify(found), new RegExp(key));
    assert.equal(requests[0]?.headers['x-api-key'], key);
    assert.deepEqual([requests[0]?.body.max_tokens, requests[0]?.body.model], [1, 'claude-x']);
  });
}

test('claude api: a token of a subscription is tried as Claude Code uses it', async (t) => {
  const { url, requests } = await serve(t, 200, message);
  const env = { CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat-1', ANTHROPIC_BASE_URL: url };
  const found = await look(claudeApiChecks(settingsOf(t, env), [withModel('sonnet')]), 'claude api');
  assert.match(found.detail, /claude-haiku-4-5 answers with CLAUDE_CODE_OAUTH_TOKEN/);
  assert.equal(requests[0]?.headers.authorization, 'Bearer sk-ant-oat-1');
  assert.equal(requests[0]?.headers['x-api-key'], undefined);
  assert.match(String(requests[0]?.body.system), /^You are Claude Code/);
});

test('claude api: without a key, and without a network', async (t) => {
  const none = await look(claudeApiChecks(settingsOf(t, {}), []), 'claude api');
  assert.deepEqual([none.verdict, /Neither/.test(none.detail)], ['fail', true]);
  const env = { ANTHROPIC_API_KEY: key, ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' };
  const away = await look(claudeApiChecks(settingsOf(t, env), []), 'claude api');
  assert.match(away.detail, /cannot be reached \(ECONNREFUSED\)/);
  assert.match(away.remedy ?? '', /HTTPS_PROXY/);
});

async function campfire(t: TestContext, face: Face) {
  const simulator = await startSimulator({
    ...{ clock, face, workers: 1, people: [{ id: 1, name: 'Dai', role: 'member' }] },
    bots: [{ id: 2, name: 'Ann', key: ann.key, webhookUrl: null }],
    rooms: [
      { id: 1, name: 'HQ', kind: 'open' },
      { id: 2, name: 'Closed', kind: 'closed', members: [1] },
    ],
  });
  t.after(() => simulator.close());
  const settings = settingsOf(t, { CAMPFIRE_URL: simulator.url });
  const checks = (roomId: number | null = null) => campfireChecks(settings, [ann, stranger], roomId);
  const posts = () => [1, 2].flatMap((room) => simulator.campfire.messagesIn(room)).length;
  return { checks, posts };
}

test('campfire: what it lets bots do, whose key it knows, and who is in the room; nothing is posted', async (t) => {
  const { checks, posts } = await campfire(t, 'full');
  assert.match((await look(checks(), 'campfire')).detail, /read, post, edit/);
  assert.equal((await look(checks(), 'bot ann')).verdict, 'ok');
  const bad = await look(checks(), 'bot eve');
  assert.equal(bad.verdict, 'fail');
  assert.match(bad.remedy ?? '', /Copy the key again .* eve\.json, or in BOT_KEY_EVE/);
  assert.match((await look(checks(1), 'bot ann')).detail, /is in room 1/);
  assert.match((await look(checks(2), 'bot ann')).detail, /not in room 2/);
  assert.equal(posts(), 0);
});

test('campfire: one that lets bots only post is recognised, and knows keys all the same', async (t) => {
  const { checks, posts } = await campfire(t, 'v1.4.9');
  assert.match((await look(checks(), 'campfire')).detail, /post and nothing else/);
  assert.equal((await look(checks(), 'bot ann')).verdict, 'ok');
  assert.equal((await look(checks(), 'bot eve')).verdict, 'fail');
  assert.equal(posts(), 0);
});

const wrongPlaces: Array<[title: string, status: number, headers: Record<string, string>, says: RegExp]> = [
  ['a page', 200, { 'content-type': 'text/html' }, /not Campfire \(HTTP 200\)/],
  ['a server that knows nothing', 404, {}, /not Campfire \(HTTP 404\)/],
  [
    'a redirect to https',
    301,
    { location: 'https://chat.example.com/x' },
    /on to https:\/\/chat\.example\.com/,
  ],
  ['a proxy without Campfire', 502, {}, /cannot be reached .* \(HTTP 502\)/],
];

for (const [title, status, headers, says] of wrongPlaces) {
  test(`campfire: ${title} is none, and keys wait for one`, async (t) => {
    const { url } = await serve(t, status, '', headers);
    const checks = campfireChecks(settingsOf(t, { CAMPFIRE_URL: url }), [ann], null);
    const found = await look(checks, 'campfire');
    assert.equal(found.verdict, 'fail');
    assert.match(found.detail, says);
    assert.notEqual(found.remedy ?? '', '');
    assert.equal((await look(checks, 'bot ann')).verdict, 'warn');
  });
}

test('memory: how many sessions fit by the policy’s formula, and when that is too few', (t: TestContext) => {
  const heavy = createBot({
    ...{ ...ann, key: ann.key, id: 'heavy', tools: ['Bash'] },
    mcpServers: { x: { type: 'stdio', command: 'x', args: [], env: {} } },
  });
  const find = (env: Record<string, string>) =>
    memoryCheck(settingsOf(t, env), [ann, heavy]).run() as Finding;
  // 2,000 - 80 (4 %) = 1,920 MB for sessions of 250 + 60 + 50 MB.
  const roomy = find({ MEMORY_LIMIT_MB: '2000' });
  assert.match(
    roomy.detail,
    /2,000 of 2,000 MB \(setting\) .* 5 sessions fit, each with the 360 MB that heavy/,
  );
  assert.equal(roomy.verdict, 'ok');
  assert.equal(find({ MEMORY_LIMIT_MB: '2000', MAX_SESSIONS: '6' }).verdict, 'warn');
  assert.match(find({ MEMORY_LIMIT_MB: '300' }).detail, /1 session fits/);
  const tight = find({ MEMORY_LIMIT_MB: '150' });
  assert.deepEqual([tight.verdict, /130 MB/.test(tight.remedy ?? '')], ['fail', true]);
});
