import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { AgentResult, Slot, TurnHooks } from '../../src/agent/agent.ts';
import type { ToolAnswer } from '../../src/agent/tools.ts';
import { createBot } from '../../src/config/bot.ts';
import { linksTo, newToken } from '../../src/downloads/links.ts';
import type { Turn } from '../../src/mail/mail.ts';
import { showBody } from '../../src/playground/sanitiser.ts';
import type { Lease } from '../../src/sessions/lease.ts';
import { readFile, writeContent } from '../../src/turns/content.ts';
import { runTurn } from '../../src/turns/run-turn.ts';
import { createProgress } from '../../src/turns/steps.ts';
import { testClock } from '../support/clock.ts';
import { publicUrl, setDownloads } from '../support/downloads.ts';

type Work = (use: (call: Parameters<TurnHooks['useTool']>[0]) => Promise<ToolAnswer>) => Promise<AgentResult>;

const answer = (text: string): AgentResult => ({ kind: 'answered', text, spent: null });
const page = (title: string, html = '<p>x</p>') =>
  ({ tool: 'save_html_presentation', html, filename: 'r.html', title }) as const;
const file = (path: string, title: string | null = null) =>
  ({ tool: 'save_file', path, filename: null, title }) as const;
const attach = (path: string) => ({ tool: 'attach_file', path, filename: null }) as const;
const urlIn = ({ text }: ToolAnswer) => /https:\S+/.exec(text)?.[0] ?? '';

/** A conversation whose agent does what a test says, attempt by attempt. */
function setTurn(t: TestContext, given: Parameters<typeof setDownloads>[2] & { zh?: boolean } = {}) {
  const clock = testClock(Date.UTC(2026, 10, 24, 15, 40));
  const stage = setDownloads(t, clock, given);
  const slot = { root: dirname(stage.work.path), work: stage.work.path } as Slot;
  const parts = { id: 'helper', key: '7-AbCdEf123456', name: 'Helper', systemPrompt: '', file: 'h.json' };
  const bot = createBot({ ...parts, ...(given.zh ? { language: 'zh-CN' as const } : {}) });
  let hooks: TurnHooks | null = null;
  const attempt = async (number: number, work: Work, turnId = 3) => {
    const content = writeContent({ author: 'Ann', roomName: null, html: null, plain: 'hi' });
    const turn: Turn = {
      ...{
        id: turnId,
        botId: 'helper',
        roomId: 7,
        attempt: number,
        promptUuid: 'u',
        previousPromptUuid: null,
      },
      ...{ postponements: 0, startedAt: clock.now() },
      messages: [{ id: 1, messageId: 81, authorId: 1, content, receivedAt: clock.now(), replays: 0 }],
    };
    const lease: Lease = {
      path: 'hot',
      slot,
      run(_, given) {
        hooks = given;
        return work((call) => given.useTool(call, slot));
      },
      startOver: async () => null,
      async stop() {},
      async [Symbol.asyncDispose]() {},
    };
    const result = await runTurn(
      turn,
      bot,
      lease,
      {
        ...{
          clock,
          emit: () => {},
          timeZone: 'UTC',
          turnTimeoutMs: 600_000,
          stopping: new AbortController().signal,
        },
        ...{
          secrets: new Set<string>(),
          mentions: { learn() {}, sgidOf: () => null, search: async () => {} },
          postedFiles: { bring: async () => ({ note: null, images: [] }) },
          downloads: stage.downloads,
          publicUrl: given.publicUrl === undefined ? publicUrl : given.publicUrl,
        },
      },
      { progress: createProgress(), halt: new AbortController().signal },
    );
    const drafts = result.kind === 'decided' ? result.drafts : [];
    const shown = drafts
      .filter(({ kind }) => kind === 'post')
      .map(({ body }) => showBody(body, { resolveMention: () => undefined }));
    return {
      ...{ kind: result.kind, shown, text: shown.map(({ text }) => text).join('\n') },
      links: shown.flatMap(({ html }) =>
        [...html.matchAll(/<a (?:class="btn" )?href="([^"]+)"[^>]*>([^<]*)</g)].map(
          ([, href = '', label = '']) => ({ href, label }),
        ),
      ),
      buttons: shown.flatMap(({ html }) =>
        [...html.matchAll(/class="btn"[^>]*>([^<]*)</g)].map(([, label]) => label),
      ),
      attached: drafts.filter(({ kind }) => kind === 'file').map(({ body }) => readFile(body).filename),
    };
  };
  const write = (name: string, content = 'x'.repeat(12_300)) =>
    writeFileSync(join(stage.work.path, name), content);
  return { ...stage, attempt, write, clock, late: () => hooks?.useTool(file('a.csv'), slot) };
}

test('each file is a button below the answer, with what it is and how long, as Campfire shows it', async (t) => {
  const { attempt, write } = setTurn(t);
  write('a.csv');
  const { text, buttons, shown } = await attempt(1, async (use) => {
    await use(file('a.csv', 'Boats & <b>piers</b>'));
    await use(page('Slides'));
    return answer('Both are done.');
  });
  assert.equal(
    text,
    'Both are done.\n\nBoats & <b>piers</b>\na.csv · 12 kB · until 16:40\n\nSlides\nr.html · 8 bytes · until 16:40 · Download',
  );
  assert.equal(buttons.length, 2);
  assert.deepEqual(shown[0]?.lost, []);
});

test('in Chinese', async (t) => {
  const { attempt } = setTurn(t, { zh: true, limits: { linkTtlMs: 24 * 3_600_000 } });
  const { text } = await attempt(1, async (use) => {
    await use(page('季度报告'));
    return answer('完成。');
  });
  assert.match(text, /季度报告\nr\.html · 8 ?字节 · 11月25日 15:40 前有效 · 下载$/);
});

test('a link that the answer holds is not repeated; a made-up, an altered and somebody else’s are taken out', async (t) => {
  const { attempt, downloads } = setTurn(t);
  const foreign = await downloads.keep(
    { from: 'text', text: 'x' },
    { botId: 'helper', roomId: 8, turnId: '1' },
    { as: 'link', name: 'x', title: null },
  );
  assert.ok(foreign.kind === 'kept');
  const madeUp = linksTo(publicUrl, newToken(), '').download;
  const { text, links, buttons } = await attempt(1, async (use) => {
    const url = urlIn(await use(page('Slides')));
    return answer(
      `[open](${url}) [a](${madeUp}) [b](${url.slice(0, -1)}) [c](${foreign.links?.download}) ${madeUp}, <a href="${madeUp}">d</a> ![e](${madeUp}) \`${madeUp}\` [site](https://example.org/files)`,
    );
  });
  assert.deepEqual(
    links.map(({ label }) => label),
    ['open', 'site'],
  );
  assert.deepEqual(buttons, []);
  assert.match(text, /^open a b c \(invalid link\), d e \(invalid link\) site$/);
});

test('an earlier file of the same room may be linked to as long as it lives', async (t) => {
  const { attempt, clock } = setTurn(t);
  let url = '';
  await attempt(1, async (use) => {
    url = urlIn(await use(page('Slides')));
    return answer('Done.');
  });
  const again = await attempt(1, async () => answer(`[slides](${url})`), 4);
  assert.deepEqual(
    again.links.map(({ label }) => label),
    ['slides'],
  );
  clock.advance(3_600_000);
  assert.deepEqual((await attempt(1, async () => answer(`[slides](${url})`), 5)).links, []);
});

test('a turn that was cut off shows what it had made, once', async (t) => {
  const { attempt, write, downloads } = setTurn(t);
  write('a.csv');
  write('b.png');
  const cutOff = await attempt(1, async (use) => {
    await use(page('Slides'));
    await use(file('a.csv'));
    await use(attach('b.png'));
    return { kind: 'died', death: 'killed', began: true, cause: 'SIGKILL' };
  });
  assert.equal(cutOff.kind, 'cut-off');
  const second = await attempt(2, async (use) => {
    await use(file('a.csv'));
    return answer('Done.');
  });
  assert.deepEqual(second.buttons.sort(), ['Slides', 'a.csv']);
  assert.deepEqual(second.attached, ['b.png']);
  for (const { href } of second.links)
    assert.ok(await downloads.find(href.split('/').at(-1) ?? ''), 'every link works');
});

test('a turn that fails after sharing says so and gives what was made', async (t) => {
  const { attempt, write } = setTurn(t);
  write('b.png');
  const { text, buttons, attached } = await attempt(1, async (use) => {
    await use(page('Slides'));
    await use(attach('b.png'));
    return { kind: 'max-turns', text: '', spent: null };
  });
  assert.match(text, /^This took more steps.*\nWhat I had made until then:\n\nSlides\n/s);
  assert.deepEqual([buttons, attached], [['Slides'], ['b.png']]);
});

test('attachments follow the answer in the order of the calls, behind an answer that is a file itself', async (t) => {
  const { attempt, write } = setTurn(t);
  for (const name of ['1.png', '2.png', '3.png']) write(name);
  const { attached } = await attempt(1, async (use) => {
    await Promise.all(['2.png', '1.png', '3.png'].map((name) => use(attach(name))));
    return answer('# Long\n\n'.repeat(5000));
  });
  assert.deepEqual(attached, ['answer-m81-1.md', '2.png', '1.png', '3.png']);
});

test('no words and a file is no empty answer', async (t) => {
  const { attempt, write } = setTurn(t);
  write('a.png');
  const shared = await attempt(1, async (use) => {
    await use(file('a.png'));
    return answer(' ');
  });
  assert.match(shared.text, /^a\.png\n12 kB · until/);
  const attached = await attempt(
    1,
    async (use) => {
      await use(attach('a.png'));
      return answer('');
    },
    4,
  );
  assert.deepEqual([attached.text, attached.attached], ['', ['a.png']]);
});

test('what had to end is told to the room and to the model', async (t) => {
  const { attempt, write } = setTurn(t, { limits: { conversationMaxBytes: 20_000 } });
  write('old.csv');
  write('new.csv');
  await attempt(1, async (use) => {
    await use(file('old.csv'));
    return answer('Done.');
  });
  let told = '';
  const { text } = await attempt(
    1,
    async (use) => {
      told = (await use(file('new.csv'))).text;
      return answer('Done.');
    },
    4,
  );
  assert.match(told, /links to these earlier files .* have ended: old\.csv/);
  assert.match(text, /To make room, the links to these earlier files have ended: old\.csv\.$/);
});

test('a page that wants to load something is shared, and the model hears what will be missing', async (t) => {
  const { attempt } = setTurn(t);
  let told = '';
  await attempt(1, async (use) => {
    told = (await use(page('X', '<script src="https://cdn.example/x.js"></script>'))).text;
    return answer('Done.');
  });
  assert.match(told, /refers to https:\/\/cdn\.example\/x\.js, which browsers will not load/);
});

test('a page of nothing but beginnings of tags costs no time', async (t) => {
  const { attempt } = setTurn(t);
  const started = performance.now();
  await attempt(1, async (use) => {
    await use(page('X', '<img '.repeat(100_000)));
    return answer('Done.');
  });
  assert.ok(performance.now() - started < 5_000);
});

test('a call after the turn is refused in a sentence', async (t) => {
  const { attempt, late, write } = setTurn(t);
  write('a.csv');
  await attempt(1, async () => answer('Done.'));
  const refused = await late();
  assert.deepEqual([refused?.isError, /nobody to give a file to/.test(refused?.text ?? '')], [true, true]);
});
