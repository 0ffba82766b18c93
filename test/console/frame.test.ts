import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ConsoleSnapshot } from '../../src/console/source.ts';
import { textOf } from '../../src/console/views/bits.ts';
import { type Change, changesBetween, drawFrame, type Frame } from '../../src/console/views/frame.ts';
import { consolePage, signInPage } from '../../src/console/views/page.ts';
import { busyScene, troubleScene } from '../support/console-scenes.ts';
import { emptyWorld, stageSecret, stageSource } from '../support/console-stage.ts';

/** What a page has after it put a change in: rows by key in the order of the page. */
function applied(
  before: Frame | null,
  change: Change | null,
  after: Frame,
): Pick<Frame, 'parts' | 'tables' | 'points'> {
  const parts = { ...before?.parts, ...change?.parts } as Frame['parts'];
  const points = { ...before?.points, ...change?.points };
  const tables = Object.fromEntries(
    Object.keys(after.tables).map((name) => {
      const table = name as keyof Frame['tables'];
      const changed = change?.tables?.[table];
      const rows = { ...before?.tables[table], ...changed?.rows };
      const order = changed?.order ?? Object.keys(before?.tables[table] ?? {});
      return [name, Object.fromEntries(order.map((key) => [key, rows[key] ?? 'missing']))];
    }),
  ) as Frame['tables'];
  return { parts, tables, points };
}

function assertShows(shown: Pick<Frame, 'parts' | 'tables'>, frame: Frame): void {
  assert.deepEqual(shown.parts, frame.parts);
  for (const [name, rows] of Object.entries(frame.tables))
    assert.deepEqual(Object.entries(shown.tables[name as keyof Frame['tables']]), Object.entries(rows), name);
}

test('a page that puts in what is different shows what there is, in the same order', async () => {
  const [busy, trouble] = [await busyScene(), await troubleScene()];
  const frames = [
    drawFrame(await busy.source.snapshot()),
    drawFrame(await trouble.source.snapshot()),
    drawFrame(await stageSource(emptyWorld()).source.snapshot()),
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...frames), { minLength: 1, maxLength: 6 }), (shown) => {
      let before: Frame | null = null;
      for (const frame of shown) {
        assertShows(applied(before, changesBetween(before, frame), frame), frame);
        before = frame;
      }
    }),
    { numRuns: 30 },
  );
  const [frame] = frames;
  assert.ok(frame);
  assert.equal(changesBetween(frame, structuredClone(frame)), null, 'nothing different is nothing to send');
});

test('one session that began to work is one row and a few figures', async () => {
  const { world, source } = await busyScene();
  const before = drawFrame(await source.snapshot());
  world.sessions = world.sessions.map((session) =>
    session.id === '5:helper' ? { ...session, turns: session.turns + 1 } : session,
  );
  const change = changesBetween(before, drawFrame(await source.snapshot()));
  assert.deepEqual(Object.keys(change?.tables?.sessions?.rows ?? {}), ['5:helper']);
  assert.equal(change?.tables?.sessions?.order, undefined);
  assert.equal(change?.points, undefined);
});

const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>'\`\u202e{{x}}`;

test('whatever people, models and Campfire wrote stands there as text', async () => {
  const world = { ...emptyWorld(), showText: true };
  const all = [{ id: '__proto__', name: hostile, file: hostile }];
  world.bots = {
    all: () => all as never,
    problems: () => [
      { file: hostile, field: hostile, problem: hostile, remedy: hostile, keepsLastGood: true },
    ],
  };
  world.campfire = { state: 'unhealthy', problem: hostile, remedy: hostile, since: 1, probes: 1, probeAt: 1 };
  world.sessions = [{ id: `7:${hostile}`, state: hostile, pid: 1, turns: 1, idleSeconds: 0, memoryBytes: 1 }];
  world.files = [
    {
      ...{ botId: hostile, roomId: 7, turnId: '1', id: hostile, as: 'link', source: '', name: hostile },
      ...{
        title: hostile,
        mediaType: hostile,
        bytes: 1,
        digest: '',
        createdAt: 1,
        expiresAt: 2,
        usedAt: 0,
        hits: 0,
      },
    },
  ];
  world.waiting = [{ id: `8:${hostile}`, reason: hostile, sinceMs: 1 }];
  const { source } = stageSource(world);
  const session = `7:${hostile}` as const;
  source.heard(hostile, { roomId: 7, roomName: hostile, messageId: 3, plain: hostile });
  source.hear({
    type: 'turn.started',
    session,
    turn: hostile,
    messageIds: [3],
    attempt: 1,
    path: 'hot',
    waitedMs: 1,
  });
  source.hear({ type: 'turn.step', session, turn: hostile, tool: hostile });
  source.hear({ type: 'turn.retried', session, turn: hostile, cause: hostile });
  source.hear({ type: 'part.failed', part: hostile, problem: hostile });
  source.hear({ type: 'service.degraded', code: hostile, problem: hostile, remedy: hostile });
  source.hear({
    ...{ type: 'turn.decided', session, turn: hostile, outcome: hostile, path: null, durationMs: 1 },
    ...{ costUsd: null, tokens: null, cause: hostile },
  });
  const snapshot = await source.snapshot();
  const frame = drawFrame(snapshot);
  const page = textOf(consolePage(snapshot, frame, { csrf: 'c', data: { points: frame.points, hostile } }));
  const drawn =
    page +
    JSON.stringify(frame.parts) +
    Object.values(frame.tables)
      .map((rows) => Object.values(rows))
      .join('');
  assert.ok(!/<script>alert|<img src=x/.test(drawn));
  assert.ok(!/[\w-]="[^"]*[<>]/.test(drawn), 'no attribute is left by what it holds');
  assert.equal(page.match(/<script/g)?.length, 3, 'the page’s own scripts and its data');
  assert.ok(drawn.split('&lt;script&gt;alert(1)').length > 20, 'it is shown in every place');
  const markup = drawn.replace(/<script type="application\/json".*?<\/script>/s, '').match(/<[^>]*>/g) ?? [];
  assert.deepEqual(
    markup.filter((tag) => /\s(?:style|on\w+)=/.test(tag.replace(/"[^"]*"/g, '""'))),
    [],
  );
  assert.doesNotMatch(textOf(signInPage(hostile)), /<script>alert/);
});

test('keys are nowhere on the page, and texts only when the operator wants them', async () => {
  for (const showText of [true, false]) {
    const { source } = stageSource({ ...emptyWorld(), showText });
    source.heard('helper', {
      roomId: 7,
      roomName: `Room ${stageSecret}`,
      messageId: 3,
      plain: `mine is ${stageSecret}`,
    });
    const session = '7:helper';
    source.hear({
      type: 'turn.started',
      session,
      turn: '1',
      messageIds: [3],
      attempt: 1,
      path: 'hot',
      waitedMs: 1,
    });
    source.hear({ type: 'part.failed', part: 'x', problem: `${stageSecret} and 12-AbCdEf123456` });
    const drawn = JSON.stringify(drawFrame(await source.snapshot()));
    assert.doesNotMatch(drawn, new RegExp(`${stageSecret}|AbCdEf123456`));
    assert.equal(/mine is \[redacted\]/.test(drawn), showText);
    assert.match(drawn, /Room \[redacted\]/);
  }
});

test('rows say on which machine they are when there are several', async () => {
  const { source } = await busyScene();
  const snapshot = await source.snapshot();
  assert.doesNotMatch(JSON.stringify(drawFrame(snapshot)), /class=\\"machine/);
  const [first, ...others] = snapshot.sessions;
  assert.ok(first);
  const seen = { version: '0.1.0', role: 'all', startedAt: 0, seenAt: null, live: 1, busy: 0 };
  const memory = { usedBytes: 1e9, limitBytes: 2e9, percent: 50 };
  const many = {
    ...{ ...snapshot, sessions: [{ ...first, machine: 'harbour-2' }, ...others] },
    machines: [
      { ...seen, label: 'harbour-1', state: 'open', memory },
      { ...seen, label: 'harbour-2', state: 'missing', memory: null, startedAt: null, seenAt: 60_000 },
    ],
  } satisfies ConsoleSnapshot;
  const frame = drawFrame(many);
  assert.match(frame.tables.sessions[`${first.id} harbour-2`] ?? '', /<td class="machine">harbour-2/);
  assert.match(
    frame.tables.machines['machine harbour-1'] ?? '',
    /begins turns.*50&thinsp;%.*1 session, 0 busy/s,
  );
  assert.match(frame.tables.machines['machine harbour-2'] ?? '', /missing for <time/);
  assert.equal(frame.parts.machinesCount, '<b>1 of 2</b>');
  assert.equal(changesBetween(drawFrame(snapshot), frame)?.several, true, 'pages are told to load anew');
  const page = textOf(consolePage(many, frame, { csrf: '', data: {} }));
  assert.match(page, /<th scope="col" class="">Machine/);
  assert.match(page, /id="tab-machines"/);
  assert.match(page, /<h2>Memory <span class="by">of harbour-1/);
  const alone = textOf(consolePage(snapshot, drawFrame(snapshot), { csrf: '', data: {} }));
  assert.doesNotMatch(alone, /machines/i);
});

test('the page says what is wrong, the worst first, and how to mend it', async () => {
  const { source } = await troubleScene();
  source.hear({
    type: 'service.degraded',
    code: 'no_init',
    problem: 'There is no init.',
    remedy: 'Use tini.',
  });
  const { troubles, status } = await source.snapshot();
  assert.equal(status, 'storage_full');
  assert.deepEqual(
    troubles.map(({ level, problem }) => `${level} ${problem.slice(0, 22)}`),
    [
      'bad No messages are accept',
      'bad Campfire is not there ',
      'bad clerk (clerk.json): Ca',
      'bad personal.json: tools n',
      'bad Memory is critical: 96',
      'note There is no init.',
    ],
  );
  assert.ok(troubles.every(({ remedy }) => remedy.length > 5));
});
