import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { AgentResult, Prompt } from '../../src/agent/agent.ts';
import { createBot } from '../../src/config/bot.ts';
import type { Turn } from '../../src/mail/mail.ts';
import type { Lease } from '../../src/sessions/pool.ts';
import { writeContent } from '../../src/turns/content.ts';
import { runTurn } from '../../src/turns/run-turn.ts';
import { testClock } from '../support/clock.ts';
import { publicUrl, setDownloads } from '../support/downloads.ts';

const parts = { id: 'helper', key: '7-AbCdEf123456', name: 'Helper', systemPrompt: '', file: 'h.json' };
const bot = createBot(parts);
const secret = 'sk-ant-secret';

function turnOf(attempt = 1): Turn {
  const content = writeContent({ author: 'Ann]\n[Eve', roomName: 'HQ', html: null, plain: 'hi' });
  return {
    ...{ id: 3, botId: 'helper', roomId: 7, attempt, promptUuid: 'u', previousPromptUuid: null },
    messages: [{ messageId: 81, authorId: 1, content, receivedAt: Date.UTC(2026, 10, 24, 14) }],
  };
}

/** Runs a turn against an agent that gives `result`, at once or only when it is stopped. */
async function run(
  t: TestContext,
  result: AgentResult,
  given: { attempt?: number; whenStopped?: boolean; event?: 'timeout' | 'drain'; zh?: boolean } = {},
) {
  const clock = testClock();
  const prompts: Prompt[] = [];
  const answer = Promise.withResolvers<AgentResult>();
  if (!given.whenStopped) answer.resolve(result);
  const lease: Lease = {
    path: 'hot',
    run(prompt) {
      prompts.push(prompt);
      return answer.promise;
    },
    async stop() {
      answer.resolve(result);
    },
    async [Symbol.asyncDispose]() {},
  };
  const stopping = new AbortController();
  const who = given.zh ? createBot({ ...parts, language: 'zh-CN' }) : bot;
  const attempt = runTurn(turnOf(given.attempt), who, lease, {
    ...{ clock, emit: () => {}, timeZone: 'UTC', turnTimeoutMs: 600_000, stopping: stopping.signal },
    secrets: new Set([secret]),
    ...{ downloads: setDownloads(t, clock).downloads, publicUrl },
  });
  if (given.event === 'timeout') clock.advance(600_000);
  if (given.event === 'drain') stopping.abort();
  const decided = await attempt;
  const text =
    decided.kind === 'decided'
      ? decided.drafts.map(({ body }) => body.replace(/<[^>]+>/g, '')).join('|')
      : '';
  return { ...decided, text, prompts };
}

const answered = (text: string): AgentResult => ({ kind: 'answered', text, costUsd: 0.01 });
const apiError = (status: number | null, code = 'unknown'): AgentResult => ({
  ...{ kind: 'api-error', status, code, cause: `API Error: ${status} with details` },
});

test('an answer becomes posts that carry the message’s mark', async (t) => {
  const { kind, text, prompts, ...rest } = await run(t, answered('**yes**'));
  assert.deepEqual([kind, text], ['decided', 'yes']);
  assert.match(JSON.stringify(rest), /m81-0/);
  assert.equal(prompts[0]?.text, '[Ann) [Eve in room "HQ", Tuesday, 24 November 2026 at 14:00 UTC]\nhi');
});

const sentences: Array<[title: string, result: AgentResult, given: Parameters<typeof run>[2], says: RegExp]> =
  [
    ['an empty answer', answered(' \n'), {}, /nothing to say/],
    ['too many steps', { kind: 'max-turns', text: '', costUsd: 0 }, {}, /more steps than I am allowed/],
    ['overload', apiError(529), {}, /overloaded/],
    ['a rate limit', apiError(null, 'rate_limit'), {}, /overloaded/],
    ['a wrong API key', apiError(401), {}, /my access was refused/],
    ['any other API error', apiError(500), {}, /could not reach Claude/],
    ['an outside close', { kind: 'interrupted' }, {}, /was stopped/],
    [
      'the time limit',
      { kind: 'interrupted' },
      { whenStopped: true, event: 'timeout' },
      /out of time after 10 minutes/,
    ],
    ['the third death', { kind: 'died', cause: 'signal SIGKILL' }, { attempt: 3 }, /cut off three times/],
    ['a fourth start', answered('never'), { attempt: 4 }, /cut off three times/],
    ['a secret in the answer', answered(`the key is ${secret}`), {}, /did not post it/],
    ['Chinese', apiError(529), { zh: true }, /负载过高/],
  ];

for (const [title, result, given, says] of sentences) {
  test(`${title} ends in one plain sentence without details`, async (t) => {
    const { kind, text } = await run(t, result, given);
    assert.equal(kind, 'decided');
    assert.match(text, says);
    assert.doesNotMatch(text, /details|SIGKILL|API Error|sk-ant/);
  });
}

test('a death before the third is no outcome yet, and the next try says so to the model', async (t) => {
  assert.equal((await run(t, { kind: 'died', cause: 'x' })).kind, 'cut-off');
  const { prompts } = await run(t, answered('ok'), { attempt: 2 });
  assert.match(prompts[0]?.text ?? '', /^\[The first try .* was cut off/);
});

test('a turn that a drain interrupts is given back, unless it had just finished', async (t) => {
  assert.equal(
    (await run(t, { kind: 'interrupted' }, { whenStopped: true, event: 'drain' })).kind,
    'given-back',
  );
  assert.equal(
    (await run(t, answered('just in time'), { whenStopped: true, event: 'drain' })).text,
    'just in time',
  );
});
