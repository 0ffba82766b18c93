import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { migrations } from '../../src/app/migrations.ts';
import type { SharedParts } from '../../src/app/shared.ts';
import { redisState } from '../../src/app/shared-redis.ts';
import { refuseUnfinishedMove } from '../../src/app/unfinished-move.ts';
import { migrateToRedis } from '../../src/cli/migrate.ts';
import { createDiskBytes } from '../../src/downloads/bytes.ts';
import type { KeptFile } from '../../src/downloads/kept.ts';
import { createRedisBytes } from '../../src/downloads/redis-bytes.ts';
import { createRedisFileIndex } from '../../src/downloads/redis-index.ts';
import { createSqliteFileIndex } from '../../src/downloads/sqlite.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { OperatorError } from '../../src/lib/errors.ts';
import type { Mail, Turn } from '../../src/mail/mail.ts';
import { createRedisMail } from '../../src/mail/redis.ts';
import { createRedisHistory } from '../../src/mail/redis-history.ts';
import { createRedisUsage } from '../../src/mail/redis-usage.ts';
import { createSqliteMail } from '../../src/mail/sqlite.ts';
import { createSqliteHistory } from '../../src/mail/sqlite-history.ts';
import { createSqliteUsage } from '../../src/mail/sqlite-usage.ts';
import { createConversations } from '../../src/sessions/resume.ts';
import { createSlots } from '../../src/sessions/slots.ts';
import { holdDataFolder } from '../../src/store/lock.ts';
import { openStore } from '../../src/store/sqlite.ts';
import { exchange, turn } from '../contract/conversations.ts';
import { redisServer, redisStore } from '../support/redis.ts';
import { machine } from '../support/redis-memory.ts';
import { tempFolder } from '../support/temp.ts';
import { writeLocally } from '../support/transcripts.ts';

const [one, two] = [
  { botId: 'helper', roomId: 1 },
  { botId: 'helper', roomId: 2 },
];
const said = (conversation: typeof one, messageId: number | null, content: string) => ({
  ...{ ...conversation, messageId, authorId: 7, content },
});
const spent = {
  ...{ day: '2026-11-24', ...one, authorId: 7, roomName: 'HQ', authorName: 'Ann', turns: 1, microUsd: 1500 },
  tokens: { input: 1, output: 2, cacheRead: 3, cacheWrite: 4 },
};
const fileId = '11111111-1111-4111-8111-111111111111';

async function answer(mail: Mail, conversation: typeof one, posted: boolean): Promise<void> {
  const begun = (await mail.begin(conversation)) as Turn;
  await mail.decide(begun, { kind: 'answered' }, [{ kind: 'post', body: 'b' }]);
  const row = posted && (await mail.takeOutbox(conversation, systemClock.now()));
  if (row) await mail.settleOutbox(row, { kind: 'sent', campfireId: 1 });
}

/** What a machine that was alone leaves behind: an answered message, two that wait, one cut off, a file, memory. */
async function setFolder(t: { after(undo: () => unknown): void }, { posted = true } = {}) {
  const dataDir = tempFolder(t);
  const folder = holdDataFolder(dataDir);
  const store = openStore(join(dataDir, 'service.db'), migrations);
  const mail = createSqliteMail(store, systemClock);
  await createSqliteHistory(store, systemClock).see({ ...one, name: 'HQ' });
  await createSqliteUsage(store).record(spent);
  await mail.accept(said(one, 10, 'answered'));
  await answer(mail, one, posted);
  await mail.accept(said(one, 11, 'cut off'));
  await mail.begin(one);
  await mail.accept(said(one, 12, 'waits'));
  await mail.accept({ ...said(one, 13, 'stop'), atOnce: true });
  await mail.accept(said(two, null, 'without an id'));
  const slots = createSlots(dataDir);
  const conversations = createConversations(store, slots, systemClock);
  const { slot, memory } = await turn(
    {
      ...{ conversations, slots },
      speak: async (where, { id }, lines) => writeLocally(where, id, lines),
    },
    one,
    exchange('the code is heron', 'Noted.'),
  );
  writeFileSync(join(slot.work, 'notes'), 'n');
  const bytes = createDiskBytes(join(dataDir, 'downloads'));
  const put = await bytes.put(fileId, chunk('harbour'), 100);
  const times = { createdAt: 1, expiresAt: 9e12, usedAt: 2, hits: 3 };
  const file: KeptFile = {
    ...{ ...one, ...times, id: fileId, turnId: '1', as: 'link', source: 's', name: 'a.txt', title: 'A' },
    ...{ mediaType: 'text/plain', bytes: 7, digest: put?.digest ?? '' },
  };
  await createSqliteFileIndex(store).add(file, 'hash');
  store.close();
  folder.release();
  return { dataDir, slot, memory, file };
}

async function* chunk(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

async function setRedis(t: { after(undo: () => unknown): void }) {
  const server = await redisServer(t);
  return { redisUrl: server.url, store: await redisStore(t, server.url) };
}

test('everything goes where another machine goes on with it, and again moves nothing', async (t) => {
  const { dataDir, slot, memory, file } = await setFolder(t);
  const { redisUrl, store } = await setRedis(t);
  const moved = await migrateToRedis({ dataDir, redisUrl, dryRun: false });
  assert.equal(
    moved,
    'Moved 1 conversations with their transcripts, 4 waiting and 1 settled messages, 1 shared files, 1 rooms and the usage of 1 days.',
  );
  const again = await migrateToRedis({ dataDir, redisUrl, dryRun: false });
  assert.match(
    again,
    /^Moved 0 .* 0 waiting and 0 settled .* 0 shared files.* usage of 0 days\. 7 were there already\.$/,
  );

  const other = machine(t, store, 'other');
  const mail = createRedisMail(store, systemClock, other.ownership);
  const { waiting, atOnce, turn: running } = await mail.situation(one);
  assert.deepEqual(
    [waiting.map(({ content }) => content), atOnce.map(({ content }) => content), running],
    [['cut off', 'waits'], ['stop'], null],
  );
  assert.equal((await mail.situation(two)).waiting.length, 1);
  assert.equal((await mail.accept(said(one, 10, 'answered'))).kind, 'duplicate');
  assert.deepEqual(await createRedisHistory(store, systemClock).rooms('helper', 9), [{ ...one, name: 'HQ' }]);
  assert.deepEqual(await createRedisUsage(store).since(''), [spent]);
  await other.ownership.give([one]);
  const recall = await other.conversations.recall(one);
  assert.deepEqual(
    [recall.memory, recall.missing, recall.slot.id],
    [{ kind: 'resume', id: memory.id }, ['files'], slot.id],
  );
  assert.match((await other.conversations.transcript(one)) ?? '', /heron/);
  assert.equal((await other.conversations.describe(one))?.turns, 1);
  const index = createRedisFileIndex(store);
  assert.deepEqual(await index.byToken('hash'), file);
  const disk = createDiskBytes(tempFolder(t));
  const bytes = createRedisBytes({ store, disk, clock: systemClock, graceMs: 0 });
  assert.equal(await (await bytes.open(fileId))?.text(), 'harbour');
});

test('what went on in Redis since is left as it is', async (t) => {
  const { dataDir } = await setFolder(t);
  const { redisUrl, store } = await setRedis(t);
  await migrateToRedis({ dataDir, redisUrl, dryRun: false });
  const other = machine(t, store, 'other');
  await other.ownership.give([one]);
  await turn(other, one, exchange('and more', 'More.'));
  await store.call('DEL', store.key('own', one.botId, one.roomId));
  await migrateToRedis({ dataDir, redisUrl, dryRun: false });
  assert.match((await other.conversations.transcript(one)) ?? '', /heron.*and more/s);
  assert.equal((await other.conversations.describe(one))?.turns, 2);
});

test('a try that ended in the middle is finished, and what was answered is not answered again', async (t) => {
  const { dataDir } = await setFolder(t);
  const { redisUrl, store } = await setRedis(t);
  const other = machine(t, store, 'other');
  const mail = createRedisMail(store, systemClock, other.ownership);
  // As if it had ended between accepting and settling.
  await mail.accept(said(one, 10, 'answered'));
  await migrateToRedis({ dataDir, redisUrl, dryRun: false });
  const { waiting } = await mail.situation(one);
  assert.deepEqual(
    waiting.map(({ content }) => content),
    ['cut off', 'waits'],
  );
});

test('usage is added to what is in Redis; of what was moved before only what came since', async (t) => {
  const { dataDir } = await setFolder(t);
  const { redisUrl, store } = await setRedis(t);
  const usage = createRedisUsage(store);
  await usage.record({ ...spent, roomName: 'Headquarters', microUsd: 100 });
  for (const more of [true, false]) {
    await migrateToRedis({ dataDir, redisUrl, dryRun: false });
    if (!more) continue;
    const local = openStore(join(dataDir, 'service.db'), migrations);
    await createSqliteUsage(local).record(spent);
    local.close();
  }
  const sums = { turns: 3, microUsd: 3100, tokens: { input: 3, output: 6, cacheRead: 9, cacheWrite: 12 } };
  assert.deepEqual(await usage.since(''), [{ ...spent, ...sums, roomName: 'Headquarters' }]);
  assert.deepEqual(
    [await usage.spentOn(spent.day, 'helper'), await usage.spentOn(spent.day, null)],
    [3100, 3100],
  );
  await usage.forgetBefore('2026-11-25');
  assert.deepEqual(await store.call('KEYS', store.key('usage', '*')), []);
});

test('a dry run counts and changes nothing', async (t) => {
  const { dataDir } = await setFolder(t);
  const { redisUrl, store } = await setRedis(t);
  assert.match(
    await migrateToRedis({ dataDir, redisUrl, dryRun: true }),
    /^Would move 1 .* 4 waiting and 1 settled .*, 1 shared files, 1 rooms and the usage of 1 days\. Nothing was changed\.$/,
  );
  assert.equal(await store.call('DBSIZE'), 0);
});

test('it refuses beside a service, with posts to be sent, without a database and without an address', async (t) => {
  const { dataDir } = await setFolder(t, { posted: false });
  const { redisUrl, store } = await setRedis(t);
  const refuses = (given: Parameters<typeof migrateToRedis>[0], code: string) =>
    assert.rejects(migrateToRedis(given), (error) => error instanceof OperatorError && error.code === code);
  await refuses({ dataDir, redisUrl, dryRun: false }, 'posts_unsent');
  await refuses({ dataDir, redisUrl: undefined, dryRun: false }, 'redis_url_missing');
  await refuses({ dataDir: tempFolder(t), redisUrl, dryRun: false }, 'nothing_to_migrate');
  const folder = holdDataFolder(dataDir);
  await refuses({ dataDir, redisUrl, dryRun: true }, 'data_dir_in_use');
  folder.release();
  const whole = await setFolder(t);
  await store.call('HSET', store.key('own', one.botId, one.roomId), 'machine', 'somebody', 'fence', 1);
  await refuses({ dataDir: whole.dataDir, redisUrl, dryRun: false }, 'conversation_held');
});

test('no service starts on a Redis into which a move was begun and not finished', async (t) => {
  const { dataDir } = await setFolder(t);
  const { redisUrl, store } = await setRedis(t);
  const held = store.key('own', two.botId, two.roomId);
  await store.call('HSET', held, 'machine', 'other', 'fence', 1);
  await assert.rejects(migrateToRedis({ dataDir, redisUrl, dryRun: false }), { code: 'conversation_held' });
  const start = () => redisState(redisUrl, {} as SharedParts);
  await assert.rejects(start(), (error) => {
    assert.ok(error instanceof OperatorError);
    assert.equal(error.code, 'migration_unfinished');
    assert.ok(error.message.includes(dataDir) && error.remedy.includes('migrate --to redis'));
    return true;
  });
  await store.call('DEL', held);
  await migrateToRedis({ dataDir, redisUrl, dryRun: false });
  await refuseUnfinishedMove(store);
});
