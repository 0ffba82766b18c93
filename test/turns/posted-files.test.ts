import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openCampfireStorage } from '../../src/campfire/storage.ts';
import { createBot } from '../../src/config/bot.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import type { Turn } from '../../src/mail/mail.ts';
import { createSlots } from '../../src/sessions/slots.ts';
import { openStore } from '../../src/store/sqlite.ts';
import type { LifecycleEvent } from '../../src/telemetry/events.ts';
import { type MessageContent, writeContent } from '../../src/turns/content.ts';
import { decideLook, isAboutFile, quotedIds } from '../../src/turns/file-talk.ts';
import { createPostedFiles, postedFilesMigrations } from '../../src/turns/posted-files.ts';
import { campfireStorage } from '../support/campfire-storage.ts';
import { tempFolder } from '../support/temp.ts';

const bot = createBot({ id: 'a', key: '900-AbCdEf123456', name: 'A', systemPrompt: '', file: 'a.json' });
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** Room 7 of Ann and the bot; `ask` is a turn over her message `id`, which Campfire has. */
function setRoom(t: TestContext, { withStorage = true } = {}) {
  const campfire = campfireStorage(t, { 7: [1, 2, 900] });
  const slot = createSlots(tempFolder(t)).open('slot');
  const events: LifecycleEvent[] = [];
  const posted = createPostedFiles({
    storage: withStorage ? openCampfireStorage(campfire.folder) : null,
    ...{ store: openStore(':memory:', postedFilesMigrations), clock, emit: (event) => events.push(event) },
  });
  const ask = (id: number, plain: string, given: Partial<MessageContent> & { attempt?: number } = {}) => {
    const { attempt = 1, ...content } = given;
    const known = campfire.database.prepare('SELECT 1 FROM messages WHERE id = ?').get(id);
    if (!known) campfire.say({ id, roomId: 7, creatorId: 1, at: clock.now() });
    const said = { author: 'Ann', roomName: 'HQ', html: `<div>${plain}</div>`, plain, ...content };
    const message = {
      id,
      messageId: id,
      authorId: 1,
      content: writeContent(said),
      receivedAt: clock.now(),
      replays: 0,
    };
    const turn: Turn = {
      ...{ id, botId: 'a', roomId: 7, attempt, promptUuid: 'u', previousPromptUuid: null },
      ...{ postponements: 0, startedAt: clock.now() },
      messages: [message],
    };
    return posted.bring(turn, bot, slot, new AbortController().signal);
  };
  const post = (id: number, name: string, bytes: Uint8Array | number, pixels?: [number, number]) =>
    campfire.postFile(
      { id, roomId: 7, creatorId: 1, at: clock.now() - 3_000 },
      { name, type: pixels ? 'image/png' : 'text/csv', bytes, ...(pixels ? { pixels } : {}) },
    );
  return { campfire, slot, events, ask, post };
}

test('a file is named to the model where it lies, once, and again when its turn begins again', async (t) => {
  const { slot, ask, post, events } = setRoom(t);
  post(10, '销售.csv', Buffer.from('a,b\n1,2\n'));
  const first = await ask(50, 'sum up, please');
  assert.match(
    first.note ?? '',
    /^\[Files posted .*\n- room-files\/销售\.csv \(text\/csv, 8 bytes, from Ann\)\]$/,
  );
  assert.equal(readFileSync(join(slot.work, 'room-files/销售.csv'), 'utf8'), 'a,b\n1,2\n');
  assert.deepEqual(await ask(51, 'and the other column?'), { note: null, images: [] });
  assert.equal((await ask(50, 'sum up, please', { attempt: 2 })).note, first.note);
  assert.deepEqual(
    events.map((event) => event.type === 'turn.files' && [event.handed, event.refused]),
    [
      [1, 0],
      [1, 0],
    ],
  );
});

test('pictures are shown to the model, unless the API would refuse them', async (t) => {
  const { ask, post } = setRoom(t);
  post(10, 'small.png', png, [1, 1]);
  post(11, 'huge.png', png, [9_000, 1]);
  post(12, 'no.png', Buffer.from('<svg>'), [1, 1]);
  const { images, note } = await ask(50, 'what is this?');
  assert.deepEqual(images, [{ mediaType: 'image/png', base64: png.toString('base64') }]);
  assert.match(note ?? '', /small\.png.*huge\.png.*no\.png/s);
});

test('a file that cannot be handed over is told, and costs nothing else', async (t) => {
  const { ask, post } = setRoom(t);
  post(10, 'movie]\n.mov', 60 * 1024 * 1024);
  post(11, 'gone.csv', 8);
  post(12, 'here.csv', Buffer.from('x'));
  const { note } = await ask(50, 'look');
  assert.match(
    note ?? '',
    /- movie\) \.mov \(text\/csv, 60\.0 MB, from Ann\): not available, it is too large\n/,
  );
  assert.match(
    note ?? '',
    /- gone\.csv \(.*\): not available, it could not be read\n- room-files\/here\.csv/,
  );
});

test('an upload that lands after its text is waited for; a question without a file is not', async (t) => {
  const { ask, campfire } = setRoom(t);
  const startedMs = clock.monotonicMs();
  assert.deepEqual(await ask(50, 'what time is it?'), { note: null, images: [] });
  const quickMs = clock.monotonicMs() - startedMs;
  clock.after(quickMs + 300, () =>
    campfire.postFile(
      { id: 61, roomId: 7, creatorId: 1, at: clock.now() },
      { name: 'late.pdf', type: 'application/pdf', bytes: Buffer.from('%PDF') },
    ),
  );
  assert.match((await ask(60, 'please read the attached PDF')).note ?? '', /room-files\/late\.pdf/);
});

test('without the storage, the model hears how a bot could see files, when it seems to be about one', async (t) => {
  const { ask } = setRoom(t, { withStorage: false });
  assert.equal((await ask(50, 'what time is it?')).note, null);
  assert.match(
    (await ask(51, 'please read the attached PDF')).note ?? '',
    /cannot see posted files.*CAMPFIRE_STORAGE/,
  );
  assert.match((await ask(52, 'scan.pdf', { html: null, roomName: null })).note ?? '', /CAMPFIRE_STORAGE/);
});

test('a storage that cannot be read costs no answer', async (t) => {
  const { ask, campfire, events } = setRoom(t);
  campfire.database.exec('DROP TABLE active_storage_blobs');
  assert.equal((await ask(50, 'what time is it?')).note, null);
  assert.match((await ask(51, 'see the attached file')).note ?? '', /cannot be read at the moment/);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['part.failed', 'part.failed'],
  );
});

test('what is about a file', () => {
  const about = (plain: string, html: string | null = '', roomName: string | null = 'HQ') =>
    isAboutFile({ author: null, roomName, html, plain });
  for (const text of [
    ...[
      'What is in the attached file?',
      'sum up this spreadsheet',
      'look at report.xlsx',
      'see my last screenshot',
    ],
    ...['请看附件', '总结一下这个文件', '我刚才发的图是什么', '帮我看看 合同.pdf', '这张截图里写了什么？'],
  ])
    assert.ok(about(text), text);
  for (const text of [
    'write a note into a file',
    'make a table',
    '请给我一个中文表格',
    'What is a PDF?',
    'hello',
    'v1.4',
  ])
    assert.ok(!about(text), text);
  assert.ok(about('IMG_2041.HEIC', null, null), 'an upload in a direct room');
  assert.ok(!about('IMG 2041', null, null));
});

test('only quotations of this room point at files', () => {
  const link = (path: string) => `<cite>Ann <a href="${path}">#</a></cite>`;
  const html =
    link('https://chat.x.org/rooms/7/@12') +
    link('/rooms/8/@13') +
    link('/rooms/7/@14') +
    link('/rooms/7/@14');
  assert.deepEqual(quotedIds(html, 7), [12, 14]);
  assert.deepEqual(quotedIds(null, 7), []);
});

test('how long uploads are waited for', () => {
  const look = (aboutFile: boolean, youngestMs: number | null, sinceMs: number) =>
    decideLook({ aboutFile, youngestMs, sinceMs }).kind;
  assert.equal(look(false, null, 0), 'enough');
  assert.equal(look(true, null, 0), 'again');
  assert.equal(look(true, null, 5_000), 'enough');
  assert.equal(look(false, -100, 500), 'again', 'others of the same drop may follow');
  assert.equal(look(false, -100, 1_500), 'enough');
  assert.equal(look(true, 60_000, 0), 'enough');
});
