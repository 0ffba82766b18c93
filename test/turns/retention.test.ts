import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Conversation, Turn } from '../../src/mail/mail.ts';
import { soleOwnership } from '../../src/mail/ownership.ts';
import { mailMigrations } from '../../src/mail/schema.ts';
import { createSqliteMail } from '../../src/mail/sqlite.ts';
import { createSqliteHistory, historyMigrations } from '../../src/mail/sqlite-history.ts';
import { createKeptConversations } from '../../src/sessions/kept.ts';
import { conversationMigrations, createConversations } from '../../src/sessions/resume.ts';
import { createSlots } from '../../src/sessions/slots.ts';
import { openStore } from '../../src/store/sqlite.ts';
import type { LifecycleEvent } from '../../src/telemetry/events.ts';
import { createRetention, type RetentionParts, retentionMigrations } from '../../src/turns/retention.ts';
import { testClock } from '../support/clock.ts';
import { tempFolder } from '../support/temp.ts';

const dayMs = 86_400_000;

/** Retention over a real database and real folders; time, bots and sessions are the test's. */
function keep(
  t: TestContext,
  given: Partial<RetentionParts> = {},
  kept: Partial<RetentionParts['kept']> = {},
) {
  const clock = testClock();
  const dataDir = tempFolder(t);
  const migrations = [
    ...[...mailMigrations, ...historyMigrations],
    ...[...conversationMigrations, ...retentionMigrations],
  ];
  const store = openStore(join(dataDir, 'service.db'), migrations);
  t.after(() => store.close());
  const mail = createSqliteMail(store, clock);
  const history = createSqliteHistory(store, clock);
  const slots = createSlots(dataDir);
  const conversations = createConversations(store, slots, clock);
  const events: LifecycleEvent[] = [];
  const bots = new Map<string, ReturnType<RetentionParts['findBot']>>([['helper', {}]]);
  const closed: string[] = [];
  const live = new Set<string>();
  const forgotten: Conversation[] = [];
  // Rounds are called here, and pauses are for others to get a word in.
  const impatient = { ...clock, after: () => () => {}, every: () => () => {}, sleep: async () => {} };
  const retention = createRetention({
    ...{ store, history, kept: { ...createKeptConversations(store, dataDir), ...kept }, clock: impatient },
    pool: {
      snapshot: () =>
        [...live].map((id) => ({ id }) as ReturnType<RetentionParts['pool']['snapshot']>[number]),
      close: async (name) => closed.push(name) > 0,
    },
    ownership: soleOwnership('test'),
    findBot: (id) => bots.get(id) ?? 'gone',
    spending: { forgetBefore: async () => {} },
    foldersInUse: () => new Set(),
    onForgotten: (conversation) => forgotten.push(conversation),
    ...{ retentionMs: 30 * dayMs, conversationRetentionMs: 180 * dayMs },
    emit: (event) => events.push(event),
    ...given,
  });
  t.after(() => retention.stop());
  let nextId = 1;
  /** One message, answered; its post is delivered unless `waits`. */
  const answer = async (roomId: number, botId = 'helper', waits = false) => {
    const conversation = { botId, roomId };
    await history.see({ ...conversation, name: null });
    await mail.accept({ ...conversation, messageId: nextId++, authorId: 1, content: '{}' });
    const turn = (await mail.begin(conversation)) as Turn;
    const { slot, memory } = await conversations.recall(conversation);
    await conversations.begin(conversation, slots.open(slot.id), memory);
    writeFileSync(join(slot.work, 'notes'), 'kept');
    await mail.decide(turn, { kind: 'answered' }, [{ kind: 'post', body: 'b' }]);
    if (waits) return slot.root;
    const row = await mail.takeOutbox(conversation, clock.now());
    assert.ok(row);
    await mail.settleOutbox(row, { kind: 'sent', campfireId: 1 });
    return slot.root;
  };
  const rows = (table: string) => store.all(`SELECT * FROM ${table}`).length;
  return {
    clock,
    dataDir,
    store,
    mail,
    history,
    retention,
    events,
    bots,
    closed,
    live,
    forgotten,
    answer,
    rows,
  };
}

test('settled mail is pruned after its time, however much there is; a repeat of younger mail is still known', async (t) => {
  const { clock, retention, mail, answer, rows } = keep(t);
  for (let room = 1; room <= 230; room++) await answer(room);
  clock.advance(20 * dayMs);
  await answer(1);
  clock.advance(11 * dayMs);
  await retention.round();
  assert.deepEqual([rows('turns'), rows('messages'), rows('outbox'), rows('conversations')], [1, 1, 1, 230]);
  const repeat = { botId: 'helper', roomId: 1, messageId: 231, authorId: 1, content: '{}' };
  assert.equal((await mail.accept(repeat)).kind, 'duplicate');
});

test('nothing is pruned of a conversation that has something to send, nor what is not settled', async (t) => {
  const { clock, retention, answer, rows } = keep(t);
  await answer(1);
  await answer(1, 'helper', true);
  clock.advance(31 * dayMs);
  await retention.round();
  assert.deepEqual([rows('turns'), rows('messages'), rows('outbox')], [2, 2, 2]);
});

test('an idle conversation goes as a whole: session, mail, record, folder, and whoever keeps more is told', async (t) => {
  const { clock, retention, answer, rows, closed, live, forgotten } = keep(t);
  const old = await answer(1);
  live.add('1:helper');
  clock.advance(100 * dayMs);
  const young = await answer(2);
  clock.advance(81 * dayMs);
  await retention.round();
  assert.deepEqual([existsSync(old), existsSync(young)], [false, true]);
  assert.deepEqual([rows('conversations'), rows('rooms_seen')], [1, 1]);
  assert.deepEqual([closed, forgotten], [['1:helper'], [{ botId: 'helper', roomId: 1 }]]);
});

test('a folder that cannot be deleted is told, and holds up no other', async (t) => {
  const deleted: string[] = [];
  const deleteFolder = async (folder: string) => {
    if (deleted.push(folder) === 1) throw new Error('EIO: i/o error');
  };
  const { clock, retention, answer, rows, events } = keep(t, {}, { deleteFolder });
  for (const room of [1, 2]) await answer(room);
  clock.advance(181 * dayMs);
  await retention.round();
  assert.deepEqual([rows('conversations'), new Set(deleted).size], [0, 2]);
  assert.deepEqual(
    events.filter(({ type }) => type === 'part.failed' || type === 'retention.done').map(({ type }) => type),
    ['part.failed', 'retention.done'],
  );
});

test('a conversation in which somebody waits, or something has to be sent, is not idle', async (t) => {
  const { clock, retention, mail, answer, rows } = keep(t);
  await answer(1);
  await answer(2, 'helper', true);
  clock.advance(181 * dayMs);
  await mail.accept({ botId: 'helper', roomId: 1, messageId: 99, authorId: 1, content: '{}' });
  await retention.round();
  assert.equal(rows('conversations'), 2);
  assert.equal(await retention.forgetConversation({ botId: 'helper', roomId: 1 }), false);
});

test('a session that does not end keeps its conversation', async (t) => {
  const failing = { snapshot: () => [{ id: '1:helper' }] as never, close: async () => false };
  const { clock, retention, answer, rows } = keep(t, { pool: failing });
  await answer(1);
  clock.advance(181 * dayMs);
  await retention.round();
  assert.equal(rows('conversations'), 1);
});

test('the conversations of a bot that is gone are kept for a week, and while any file is unclear', async (t) => {
  const { clock, retention, bots, answer, rows } = keep(t);
  bots.set('other', {});
  await answer(1);
  await answer(1, 'other', true);
  bots.delete('other');
  await retention.round();
  clock.advance(8 * dayMs);
  bots.set('helper', 'unclear');
  await retention.round();
  assert.equal(rows('conversations'), 2, 'a broken file makes every absence doubtful');
  bots.set('helper', {});
  bots.set('other', {});
  await retention.round();
  bots.delete('other');
  await retention.round();
  clock.advance(6 * dayMs);
  await retention.round();
  assert.equal(rows('conversations'), 2, 'back in between: the week begins anew');
  clock.advance(2 * dayMs);
  await retention.round();
  assert.equal(rows('conversations'), 1);
  assert.equal(rows('outbox'), 1, 'what it had to say has no way out any more');
});

test('the conversations of a bot whose file another machine may have are kept', async (t) => {
  const { clock, retention, bots, answer, rows } = keep(t);
  bots.set('other', {});
  await answer(1, 'other', true);
  bots.set('other', 'elsewhere');
  await retention.round();
  clock.advance(8 * dayMs);
  await retention.round();
  assert.equal(await retention.forgetConversation({ botId: 'other', roomId: 1 }), false);
  assert.deepEqual([rows('conversations'), rows('outbox')], [1, 1]);
});

test('folders that nobody names are deleted after a day, unless a process lives there', async (t) => {
  const used = new Set<string>();
  const { clock, dataDir, retention, answer } = keep(t, { foldersInUse: () => used });
  await answer(1);
  const folder = (name: string, ageMs: number) => {
    const path = join(dataDir, 'sessions', name);
    mkdirSync(join(path, 'work'), { recursive: true });
    const time = new Date(clock.now() - ageMs);
    for (const each of [join(path, 'work'), path]) utimesSync(each, time, time);
    return path;
  };
  folder('young', dayMs / 2);
  folder('old', 2 * dayMs);
  used.add(folder('spare', 2 * dayMs));
  await retention.round();
  const left = readdirSync(join(dataDir, 'sessions')).filter((name) => name.length < 10);
  assert.deepEqual(left.sort(), ['spare', 'young']);
});

test('a transcript that was given up goes with the mail of its time, and leaves the conversation alone', async (t) => {
  const { clock, retention, answer, rows, events } = keep(t);
  const slot = await answer(1);
  const project = join(slot, 'config/projects/p');
  mkdirSync(project, { recursive: true });
  const written = (name: string, days: number) => {
    const path = join(project, name);
    writeFileSync(path, '{}');
    const seconds = (clock.now() - days * dayMs) / 1000;
    utimesSync(path, seconds, seconds);
  };
  written('old.jsonl.set-aside', 31);
  written('young.jsonl.set-aside', 29);
  written('current.jsonl', 100);
  await retention.round();
  assert.deepEqual(readdirSync(project).sort(), ['current.jsonl', 'young.jsonl.set-aside']);
  assert.equal(rows('conversations'), 1);
  assert.deepEqual(events, [
    { type: 'retention.done', turns: 0, conversations: 0, folders: 0, transcripts: 1 },
  ]);
});
