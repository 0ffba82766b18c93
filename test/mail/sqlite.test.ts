import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Mail } from '../../src/mail/mail.ts';
import { mailMigrations } from '../../src/mail/schema.ts';
import { createSqliteMail } from '../../src/mail/sqlite.ts';
import { createSqliteHistory, historyMigrations } from '../../src/mail/sqlite-history.ts';
import { createSqliteMarks, markMigrations } from '../../src/mail/sqlite-marks.ts';
import { openStore, type Store } from '../../src/store/sqlite.ts';
import { mailContract } from '../contract/mail.ts';
import { testClock } from '../support/clock.ts';
import { tempFolder } from '../support/temp.ts';

mailContract('sqlite', async (clock) => {
  const folder = mkdtempSync(join(tmpdir(), 'campfire-ai-bot-'));
  const path = join(folder, 'service.db');
  let store = openStore(path, mailMigrations);
  return {
    mail: createSqliteMail(store, clock),
    async reopen() {
      store.close();
      store = openStore(path, mailMigrations);
      return createSqliteMail(store, clock);
    },
    async close() {
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

test('sqlite: how many wait in all is kept right, whatever is taken, deleted or asked again', async (t) => {
  const store = openStore(':memory:', mailMigrations);
  t.after(() => store.close());
  const clock = testClock();
  const mail = createSqliteMail(store, clock);
  const kept = () => store.get<{ queued: number }>('SELECT queued FROM mail_totals')?.queued;
  const counted = () =>
    store.get<{ n: number }>('SELECT count(*) AS n FROM messages WHERE turn_id IS NULL AND at_once = 0')?.n;
  const seen: unknown[] = [];
  const look = () => {
    assert.equal(kept(), counted());
    seen.push(kept());
  };
  const say = (roomId: number, messageId: number, atOnce = false) =>
    mail.accept({ botId: 'helper', roomId, messageId, authorId: messageId, content: 'x', atOnce });
  for (const [room, id] of [
    [1, 1],
    [1, 2],
    [2, 3],
  ] as const)
    await say(room, id);
  await say(2, 4, true);
  await say(1, 1);
  look();
  const turn = await mail.begin({ botId: 'helper', roomId: 1 });
  assert.ok(turn);
  look();
  await mail.decide(turn, { kind: 'failed', cause: 'x' }, []);
  store.run('DELETE FROM messages WHERE room_id = 2');
  look();
  store.run('UPDATE messages SET turn_id = NULL WHERE turn_id = ?', turn.id);
  look();
  assert.deepEqual(seen, [3, 2, 1, 2]);
});

test('sqlite: a notice that nobody knows what it was about holds back nothing', async (t) => {
  const store = openStore(':memory:', mailMigrations);
  t.after(() => store.close());
  const clock = testClock();
  const mail = createSqliteMail(store, clock);
  await mail.accept(question(1));
  const { waiting } = await mail.situation(room);
  await mail.notice(room, waiting, { ordinal: 900, body: 'waits' });
  const turn = await mail.begin(room);
  assert.ok(turn);
  await mail.giveBack(turn, { until: 0, notice: { ordinal: 901, body: 'later' } });
  // As before the schema knew of it.
  store.run('UPDATE turns SET about = NULL');
  assert.equal((await mail.takeOutbox(room, clock.now()))?.body, 'later');
  assert.deepEqual(
    store.all(`SELECT outbox.state, turns.state AS turn FROM outbox JOIN turns ON turns.id = turn_id`),
    [
      { state: 'undeliverable', turn: 'settled' },
      { state: 'sending', turn: 'decided' },
    ],
  );
});

/** The store, and the steps in which SQLite would carry out what is asked of it. */
function withPlans(store: Store): { store: Store; plans: () => string[] } {
  const steps: string[] = [];
  const note = (sql: string, values: (null | number | bigint | string | NodeJS.ArrayBufferView)[]) => {
    for (const { detail } of store.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...values))
      steps.push(detail);
  };
  const watched: Store = {
    ...store,
    run(sql, ...values) {
      note(sql, values);
      return store.run(sql, ...values);
    },
    get(sql, ...values) {
      note(sql, values);
      return store.get(sql, ...values);
    },
    all(sql, ...values) {
      note(sql, values);
      return store.all(sql, ...values);
    },
  };
  return { store: watched, plans: () => steps.splice(0) };
}

test('sqlite: a turn reads what waits and not what was said before; forgetting reads one conversation', async (t) => {
  const kept = openStore(':memory:', [...mailMigrations, ...historyMigrations]);
  t.after(() => kept.close());
  const { store, plans } = withPlans(kept);
  const clock = testClock();
  const mail = createSqliteMail(store, clock);
  await mail.accept(question(1));
  plans();
  const { waiting } = await mail.situation(room);
  await mail.notice(room, waiting, { ordinal: 900, body: 'waits' });
  const turn = await mail.begin(room);
  assert.ok(turn);
  await mail.decide(turn, { kind: 'answered' }, answer);
  for (
    let row = await mail.takeOutbox(room, clock.now());
    row;
    row = await mail.takeOutbox(room, clock.now())
  )
    await mail.settleOutbox(row, { kind: 'sent', campfireId: row.id });
  const ofTurn = plans();
  assert.ok(ofTurn.length > 10);
  assert.deepEqual(
    ofTurn.filter((step) => /^SCAN (?!CONSTANT|json_each)|_of_conversation/.test(step)),
    [],
  );
  assert.equal(await createSqliteHistory(store, clock).forget(room), true);
  assert.deepEqual(
    plans().filter((step) => /^SCAN (?!CONSTANT)/.test(step)),
    [],
  );
  assert.equal(kept.get<{ n: number }>('SELECT count(*) AS n FROM outbox')?.n, 0);
});

test('sqlite: marks that are over are found in one conversation or in all', async (t) => {
  const store = openStore(':memory:', [...mailMigrations, ...markMigrations]);
  t.after(() => store.close());
  const marks = createSqliteMarks(store);
  const mark = (message: number, roomId: number) => ({
    ...{ message, roomId, botId: 'helper', messageId: message, markId: message, setAt: 0 },
  });
  for (const [message, room] of [
    [1, 1],
    [2, 2],
  ] as const)
    await marks.put(mark(message, room));
  assert.deepEqual(await marks.over({ botId: 'helper', roomId: 2 }), [mark(2, 2)]);
  assert.equal((await marks.over()).length, 2);
});

/** Mail over a real database whose next syncs fail as often as `disk.failures` says. */
function mailOnBadDisk(t: TestContext) {
  const path = join(tempFolder(t), 'service.db');
  const store = openStore(path, mailMigrations);
  t.after(() => store.close());
  const clock = testClock();
  const disk = { failures: 0 };
  const synced = async () => {
    await store.synced();
    if (disk.failures-- > 0) throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
  };
  const mail = createSqliteMail({ ...store, synced }, clock);
  /** As the next life of the service finds it. */
  const reopened = () => {
    const again = openStore(path, mailMigrations);
    t.after(() => again.close());
    return createSqliteMail(again, clock);
  };
  return { mail, disk, reopened, now: () => clock.now() };
}

const room = { botId: 'helper', roomId: 1 };
const question = (messageId: number) => ({ ...room, messageId, authorId: messageId, content: 'x' });
const answer = [{ kind: 'post' as const, body: 'x' }];

async function decideOne(mail: Mail) {
  await mail.accept(question(1));
  const turn = await mail.begin(room);
  assert.ok(turn);
  await mail.decide(turn, { kind: 'answered' }, answer);
}

test('sqlite: a row whose mark did not reach the disk was not posted, so it is in no doubt', async (t) => {
  const { mail, disk, now, reopened } = mailOnBadDisk(t);
  await decideOne(mail);
  disk.failures = 2;
  await assert.rejects(mail.takeOutbox(room, now()), { code: 'EIO' });
  await assert.rejects(mail.takeOutbox(room, now()), { code: 'EIO' });
  assert.equal((await mail.takeOutbox(room, now()))?.inDoubt, false);
  disk.failures = 1;
  await assert.rejects(mail.takeOutbox(room, now()), { code: 'EIO' });
  assert.equal((await reopened().takeOutbox(room, now()))?.inDoubt, true, 'what was in doubt stays so');
});

test('sqlite: a row that was not posted is in no doubt after a restart', async (t) => {
  const { mail, disk, now, reopened } = mailOnBadDisk(t);
  await decideOne(mail);
  disk.failures = 1;
  await assert.rejects(mail.takeOutbox(room, now()), { code: 'EIO' });
  assert.equal((await reopened().takeOutbox(room, now()))?.inDoubt, false);
});

test('sqlite: what was decided on a bad disk is told as decided; only accepting and posting wait', async (t) => {
  const { mail, disk, now } = mailOnBadDisk(t);
  const stop = { ...question(2), atOnce: true };
  await mail.accept(question(1));
  await mail.accept(stop);
  const turn = await mail.begin(room);
  assert.ok(turn);
  disk.failures = 2;
  await mail.decide(turn, { kind: 'answered' }, answer);
  const { atOnce: messages } = await mail.situation(room);
  const outcome = { kind: 'answered' as const };
  assert.equal(await mail.settle(room, { messages, stopTurn: null, outcome, drafts: [] }), true);
  await assert.rejects(mail.accept(question(3)), { code: 'EIO' });
  await assert.rejects(mail.takeOutbox(room, now()), { code: 'EIO' });
});
