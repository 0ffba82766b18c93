import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { mailMigrations } from '../../src/mail/schema.ts';
import { createSqliteMail } from '../../src/mail/sqlite.ts';
import { createSqliteMarks, markMigrations } from '../../src/mail/sqlite-marks.ts';
import { openStore } from '../../src/store/sqlite.ts';
import { mailContract } from '../contract/mail.ts';
import { testClock } from '../support/clock.ts';

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
