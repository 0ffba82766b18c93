import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { AgentResult, AgentStep, Prompt } from '../../src/agent/agent.ts';
import { createBot } from '../../src/config/bot.ts';
import type { Turn } from '../../src/mail/mail.ts';
import type { Lease } from '../../src/sessions/lease.ts';
import { writeContent } from '../../src/turns/content.ts';
import { runTurn } from '../../src/turns/run-turn.ts';
import { createProgress } from '../../src/turns/steps.ts';
import { testClock } from '../support/clock.ts';
import { publicUrl, setDownloads } from '../support/downloads.ts';

const persona = { id: 'helper', key: '7-AbCdEf123456', name: 'Helper', systemPrompt: '', file: 'h.json' };
const bot = createBot(persona);
const secret = 'sk-ant-secret';

function turnOf(attempt = 1): Turn {
  const content = writeContent({ author: 'Ann]\n[Eve', roomName: 'HQ', html: null, plain: 'hi' });
  return {
    ...{
      id: 3,
      botId: 'helper',
      roomId: 7,
      attempt,
      promptUuid: 'u',
      previousPromptUuid: null as string | null,
    },
    ...{ postponements: 0, startedAt: Date.UTC(2026, 10, 24, 14) },
    messages: [
      { id: 1, messageId: 81, authorId: 1, content, receivedAt: Date.UTC(2026, 10, 24, 14), replays: 0 },
    ],
  };
}

interface Given {
  attempt?: number;
  postponements?: number;
  /** The result comes only when the agent is stopped. */
  whenStopped?: boolean;
  event?: 'timeout' | 'silence' | 'drain' | 'halt';
  zh?: boolean;
  /** Reported at once. */
  steps?: AgentStep[];
  /** What a second run gives, and a fresh session; null when there is no history to give up. */
  next?: { again?: AgentResult; fresh?: AgentResult | null };
}

/** Runs a turn against an agent that gives `result`. */
async function run(t: TestContext, result: AgentResult, given: Given = {}) {
  const clock = testClock();
  const prompts: Prompt[] = [];
  const answer = Promise.withResolvers<AgentResult>();
  if (!given.whenStopped) answer.resolve(result);
  const lease: Lease = {
    path: 'hot',
    slot: { id: 's', root: '/s', config: '/s/config', work: '/s/work', temp: '/s/temp' },
    run(prompt, hooks) {
      prompts.push(prompt);
      for (const step of given.steps ?? []) hooks.onStep(step);
      return prompts.length > 1 && given.next?.again ? Promise.resolve(given.next.again) : answer.promise;
    },
    async startOver(prompt, hooks) {
      const fresh = given.next?.fresh ?? null;
      if (fresh) prompts.push(prompt);
      if (fresh) hooks.onStep({ kind: 'started-over', exchanges: 2 });
      return fresh;
    },
    async stop() {
      answer.resolve(result);
    },
    async [Symbol.asyncDispose]() {},
  };
  const stopping = new AbortController();
  const who = given.zh ? createBot({ ...persona, language: 'zh-CN' }) : bot;
  const halt = new AbortController();
  const { attempt: number = 1, postponements = 0 } = given;
  const previousPromptUuid = number + postponements > 1 ? 'earlier' : null;
  const turn = { ...turnOf(number), postponements, previousPromptUuid };
  const parts = {
    ...{ clock, emit: () => {}, timeZone: 'UTC', turnTimeoutMs: 600_000, stopping: stopping.signal },
    secrets: new Set([secret]),
    mentions: { learn() {}, sgidOf: () => null, search: async () => {} },
    postedFiles: { bring: async () => ({ note: null, images: [] }) },
    ...{ downloads: setDownloads(t, clock).downloads, publicUrl },
  };
  const attempt = runTurn(turn, who, lease, parts, { progress: createProgress(), halt: halt.signal });
  await settle();
  if (given.event === 'timeout') {
    // The silence of a tool that runs is not that of an agent.
    clock.advance(300_000);
    await settle();
    clock.advance(300_000);
  }
  if (given.event === 'silence') clock.advance(300_000);
  if (given.event === 'drain') stopping.abort();
  if (given.event === 'halt') halt.abort();
  const decided = await attempt;
  const text =
    decided.kind === 'decided'
      ? decided.drafts.map(({ body }) => body.replace(/<[^>]+>/g, '')).join('|')
      : '';
  return { ...decided, text, prompts };
}

/** Lets promises that are already settled run. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

const answered = (text: string): AgentResult => ({ kind: 'answered', text, spent: null });
const apiError = (status: number | null, code = 'unknown'): AgentResult => ({
  ...{ kind: 'api-error', status, code, cause: `API Error: ${status} with details`, spent: null },
});

test('an answer becomes posts that carry the message’s mark', async (t) => {
  const { kind, text, prompts, ...rest } = await run(t, answered('**yes**'));
  assert.deepEqual([kind, text], ['decided', 'yes']);
  assert.match(JSON.stringify(rest), /m81-0/);
  assert.equal(prompts[0]?.text, '[Ann) [Eve in room "HQ", Tuesday, 24 November 2026 at 14:00 UTC]\nhi');
});

const tooLong = { ...apiError(null), code: 'prompt_too_long' } as AgentResult;

const sentences: Array<[title: string, result: AgentResult, given: Parameters<typeof run>[2], says: RegExp]> =
  [
    ['an empty answer', answered(' \n'), {}, /nothing to say/],
    ['too many steps', { kind: 'max-turns', text: '', spent: null }, {}, /more steps than I am allowed/],
    ['overload for the third time', apiError(529), { postponements: 2 }, /overloaded right now/],
    ['a rate limit for the third time', apiError(null, 'rate_limit'), { postponements: 2 }, /overloaded/],
    ['a wrong API key', apiError(401), {}, /my access was refused/],
    ['any other API error', apiError(500), {}, /could not reach Claude/],
    ['an outside close', { kind: 'interrupted', spent: null }, {}, /was stopped/],
    [
      'the time limit',
      { kind: 'interrupted', spent: null },
      {
        ...{ whenStopped: true, event: 'timeout' },
        steps: [
          { kind: 'tool', name: 'Read', target: 'report.xlsx' },
          { kind: 'tool-ended' },
          { kind: 'tool', name: 'Bash', target: null },
        ],
      },
      /out of time after 10 minutes. So far I read report.xlsx and ran a command./,
    ],
    [
      'the time limit, after a step on a file that is called like a secret',
      { kind: 'interrupted', spent: null },
      {
        ...{ whenStopped: true, event: 'timeout' },
        steps: [{ kind: 'tool', name: 'Write', target: `/srv/files/${secret}.txt` }, { kind: 'tool-ended' }],
      },
      /So far I wrote a file\./,
    ],
    [
      'five silent minutes',
      { kind: 'interrupted', spent: null },
      { whenStopped: true, event: 'silence', steps: [{ kind: 'activity' }] },
      /stuck: nothing moved for 5 minutes/,
    ],
    [
      'the third death',
      { kind: 'died', death: 'killed', began: true, cause: 'signal SIGKILL' },
      { attempt: 3 },
      /cut off three times/,
    ],
    ['a secret in the answer', answered(`the key is ${secret}`), {}, /did not post it/],
    ['Chinese', apiError(529), { zh: true, postponements: 2 }, /负载过高/],
    ['a history that only a fresh session could mend, without one', tooLong, {}, /could not reach Claude/],
    [
      'a bad request that a fresh session makes, too',
      apiError(400),
      { next: { again: apiError(400), fresh: apiError(400) } },
      /could not reach Claude/,
    ],
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
  assert.equal((await run(t, { kind: 'died', death: 'killed', began: true, cause: 'x' })).kind, 'cut-off');
  const { prompts } = await run(t, answered('ok'), { attempt: 2 });
  assert.match(prompts[0]?.text ?? '', /^\[The first try .* was cut off/);
});

test('a turn that a drain interrupts is given back, unless it had just finished', async (t) => {
  assert.equal(
    (await run(t, { kind: 'interrupted', spent: null }, { whenStopped: true, event: 'drain' })).kind,
    'given-back',
  );
  assert.equal(
    (await run(t, answered('just in time'), { whenStopped: true, event: 'drain' })).text,
    'just in time',
  );
});

test('overload is waited for twice, and the room is told', async (t) => {
  const first = await run(t, apiError(529));
  assert.ok(first.kind === 'postponed');
  assert.equal(first.delayMs, 20_000);
  assert.equal(first.wasTold, false);
  assert.match(first.notice.body, /m81-901.*Claude is overloaded, I’ll try again in 20 seconds/s);
  const second = await run(t, apiError(null, 'overloaded'), { postponements: 1 });
  assert.ok(second.kind === 'postponed');
  assert.deepEqual([second.delayMs, second.wasTold], [60_000, true]);
  assert.match(second.notice.body, /try again in 60 seconds/);
  assert.match((await run(t, answered('ok'), { postponements: 1 })).prompts[0]?.text ?? '', /was cut off/);
});

test('a history that the model refuses: a fresh session answers, and says so in the same post', async (t) => {
  for (const [refused, next] of [
    [tooLong, {}],
    [apiError(400), { again: apiError(400) }],
  ] as const) {
    const { text, prompts } = await run(t, refused, { next: { ...next, fresh: answered('**yes**') } });
    assert.equal(
      text,
      'My memory of this conversation could not be used any more, so I go on with only its last 2 exchanges.yes',
    );
    assert.equal(prompts.at(-1)?.uuid, 'u');
  }
});

test('one bad request is asked again in the same session', async (t) => {
  const { text, prompts } = await run(t, apiError(400), {
    next: { again: answered('yes'), fresh: answered('no') },
  });
  assert.equal(text, 'yes');
  assert.match(prompts[1]?.text ?? '', /^\[The first try/);
});

test('a turn that a person ends is left to whoever ended it, unless it had just finished', async (t) => {
  assert.equal(
    (await run(t, { kind: 'interrupted', spent: null }, { whenStopped: true, event: 'halt' })).kind,
    'halted',
  );
  assert.equal((await run(t, answered('done'), { whenStopped: true, event: 'halt' })).text, 'done');
});
