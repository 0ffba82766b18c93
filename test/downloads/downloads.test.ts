import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Kept } from '../../src/downloads/downloads.ts';
import { tokenIn } from '../../src/downloads/links.ts';
import { testClock } from '../support/clock.ts';
import { type DownloadsStage, setDownloads } from '../support/downloads.ts';

const turn = { botId: 'helper', roomId: 7, turnId: '1' };

function set(t: TestContext, given: Parameters<typeof setDownloads>[2] = {}) {
  const clock = testClock();
  const stage = setDownloads(t, clock, given);
  return { ...stage, clock, share: (...args: ShareArguments) => share(stage, ...args) };
}

type ShareArguments = [name: string, content: string, owner?: typeof turn, as?: 'link' | 'attachment'];

/** Writes a file into the working folder and shares it. */
async function share({ downloads, work }: DownloadsStage, ...[name, content, owner, as]: ShareArguments) {
  writeFileSync(join(work.path, name), content);
  return downloads.keep({ from: 'file', folder: work, path: name }, owner ?? turn, {
    ...{ as: as ?? 'link', name: null, title: null },
  });
}

function kept(result: Awaited<ReturnType<typeof share>>): Kept & { token: string } {
  assert.ok(result.kind === 'kept', result.kind);
  return { ...result, token: tokenIn(result.links?.download ?? '') ?? '' };
}

const shared = async (stage: ReturnType<typeof set>, ...args: ShareArguments) =>
  kept(await stage.share(...args));

test('what was shared is a copy: later edits of the file do not reach it, and its end does not reach the file', async (t) => {
  const stage = set(t);
  const { token, file } = await shared(stage, 'a.txt', 'first');
  writeFileSync(join(stage.work.path, 'a.txt'), 'second');
  assert.equal((await stage.downloads.find(token))?.id, file.id);
  assert.equal(await (await stage.downloads.open(file.id))?.content.text(), 'first');
  stage.clock.advance(3_600_000);
  assert.equal(await stage.downloads.find(token), null, 'it ends at its time, before any sweep');
  await stage.downloads.sweep();
  assert.deepEqual(readdirSync(stage.store), []);
  assert.equal(readFileSync(join(stage.work.path, 'a.txt'), 'utf8'), 'second');
  assert.equal(stage.events.at(-1)?.type, 'download.expired');
});

test('only the whole token opens, and no record holds it', async (t) => {
  const stage = set(t);
  const { token } = await shared(stage, 'a.txt', 'x');
  for (const wrong of ['', token.slice(1), `${token}x`, token.toLowerCase(), 'x'.repeat(10_000)])
    assert.equal(await stage.downloads.find(wrong), null);
  assert.equal(JSON.stringify([stage.events, await stage.downloads.list()]).includes(token), false);
});

test('the same thing shared again in a turn replaces the first copy; in another turn it does not', async (t) => {
  const stage = set(t);
  const first = await shared(stage, 'a.txt', 'one');
  const second = await shared(stage, 'a.txt', 'two');
  const later = await shared(stage, 'a.txt', 'three', { ...turn, turnId: '2' });
  assert.equal(await stage.downloads.find(first.token), null);
  const alive = await stage.downloads.ofTurn(turn);
  assert.deepEqual(
    alive.map(({ id }) => id),
    [second.file.id],
  );
  assert.ok(await stage.downloads.find(later.token));
  assert.equal(readdirSync(stage.store).length, 2);
});

test('a file as a link and as an attachment are two things', async (t) => {
  const stage = set(t);
  await shared(stage, 'a.txt', 'one');
  await shared(stage, 'a.txt', 'one', turn, 'attachment');
  const asWhat = (await stage.downloads.ofTurn(turn)).map(({ as }) => as);
  assert.deepEqual(asWhat, ['link', 'attachment']);
});

test('a name or a title with a secret is refused, however short the secret is', async (t) => {
  const { downloads, work, store } = set(t, { secrets: ['7-AbC'] });
  writeFileSync(join(work.path, 'a.txt'), 'x');
  writeFileSync(join(work.path, '7-AbC.txt'), 'x');
  for (const { path = 'a.txt', name = null, title = null } of [
    { path: '7-AbC.txt' },
    { name: 'the key 7-AbC' },
    { name: '7-\u200bAbC.txt' },
    { title: `${'long '.repeat(30)}7-AbC` },
  ]) {
    const wish = { as: 'link' as const, name, title };
    const result = await downloads.keep({ from: 'file', folder: work, path }, turn, wish);
    assert.equal(result.kind, 'secret', JSON.stringify(wish));
  }
  const text = { from: 'text' as const, text: 'x' };
  assert.equal(
    (await downloads.keep(text, turn, { as: 'link', name: 'a.html', title: '7-AbC' })).kind,
    'secret',
  );
  assert.deepEqual([await downloads.ofTurn(turn), existsSync(store) ? readdirSync(store) : []], [[], []]);
});

test('without PUBLIC_URL everything is attached', async (t) => {
  const stage = set(t, { publicUrl: null });
  const { file, links } = await shared(stage, 'a.txt', 'one');
  assert.deepEqual([file.as, links], ['attachment', null]);
});

test('too large a file is refused while it is copied, and leaves nothing', async (t) => {
  const stage = set(t, { limits: { fileMaxBytes: 3 * 1024 * 1024 } });
  await shared(stage, 'fits.bin', 'x'.repeat(3 * 1024 * 1024));
  const refused = await stage.share('large.bin', 'x'.repeat(3 * 1024 * 1024 + 1));
  assert.deepEqual(refused, { kind: 'too-large', maxMegabytes: 3 });
  assert.equal(readdirSync(stage.store).length, 1);
});

test('a file with a secret of the service is refused, even where chunks meet', async (t) => {
  const stage = set(t, { secrets: ['sk-ant-0123456789', 'short'] });
  const chunk = 256 * 1024;
  for (const at of [0, chunk - 5, chunk, 2 * chunk - 1])
    assert.equal((await stage.share('a.txt', `${'x'.repeat(at)}sk-ant-0123456789`)).kind, 'secret', `${at}`);
  await shared(stage, 'b.txt', 'sk-ant-012345678 and a short one');
  assert.equal(readdirSync(stage.store).length, 1);
});

test('a full conversation loses its least recently used links, and only they are told', async (t) => {
  const stage = set(t, { limits: { conversationMaxBytes: 1000 } });
  const [a, b] = [
    await shared(stage, 'a.txt', 'x'.repeat(400)),
    await shared(stage, 'b.txt', 'x'.repeat(400)),
  ];
  stage.clock.advance(1000);
  await stage.downloads.served(a.file, 400);
  const c = await shared(stage, 'c.txt', 'x'.repeat(400));
  assert.deepEqual(
    c.ended.map(({ name }) => name),
    ['b.txt'],
  );
  assert.equal(await stage.downloads.find(b.token), null);
  assert.ok(await stage.downloads.find(a.token));
  const ends = stage.events.filter((event) => event.type === 'download.expired');
  assert.deepEqual(
    ends.map((event) => event.why),
    ['space'],
  );
});

test('when all is full, other conversations lose theirs, unnamed; what waits to be posted stays', async (t) => {
  const stage = set(t, { limits: { totalMaxBytes: 1000 } });
  const other = await shared(stage, 'other.txt', 'x'.repeat(500), { ...turn, roomId: 8 });
  const waiting = await shared(stage, 'waiting.txt', 'x'.repeat(400), turn, 'attachment');
  const mine = await shared(stage, 'mine.txt', 'x'.repeat(500));
  assert.deepEqual(mine.ended, []);
  assert.equal(await stage.downloads.find(other.token), null);
  assert.ok(await stage.downloads.open(waiting.file.id));
  assert.equal((await stage.share('last.txt', 'x'.repeat(700))).kind, 'full');
  assert.ok(await stage.downloads.find(mine.token), 'nothing ends for a file that does not fit anyway');
});

test('many at once never exceed the limit', async (t) => {
  const stage = set(t, { limits: { conversationMaxBytes: 1000, totalMaxBytes: 1000 } });
  const names = Array.from({ length: 20 }, (_, index) => `${index}.txt`);
  await Promise.all(names.map((name) => stage.share(name, 'x'.repeat(300))));
  const alive = await stage.downloads.list();
  assert.equal(alive.length, 3);
  assert.equal(readdirSync(stage.store).length, 3);
});

test('bytes without a record are swept; what is not ours, or only linked to, stays', async (t) => {
  const stage = set(t);
  const { file } = await shared(stage, 'a.txt', 'x');
  const precious = join(stage.work.path, 'precious.txt');
  writeFileSync(precious, 'x');
  const [orphan, half, link] = [randomUUID(), `${randomUUID()}.part`, randomUUID()];
  for (const name of [orphan, half, 'notes.txt']) writeFileSync(join(stage.store, name), 'x');
  symlinkSync(precious, join(stage.store, link));
  mkdirSync(join(stage.store, randomUUID()));
  await stage.downloads.sweep();
  const left = readdirSync(stage.store, { withFileTypes: true });
  assert.deepEqual(
    left
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
      .sort(),
    [file.id, 'notes.txt'].sort(),
  );
  assert.equal(readFileSync(precious, 'utf8'), 'x');
});

test('a file that is just being copied is no orphan', async (t) => {
  const stage = set(t);
  const sharing = stage.share('a.txt', 'x'.repeat(1_000_000));
  for (let round = 0; round < 20; round++) await stage.downloads.sweep();
  const { token } = kept(await sharing);
  await stage.downloads.sweep();
  assert.ok(await stage.downloads.find(token));
});

test('a revoked link and a deleted conversation open nothing and leave no bytes', async (t) => {
  const stage = set(t);
  const [a, b] = [await shared(stage, 'a.txt', 'a'), await shared(stage, 'b.txt', 'b')];
  const other = await shared(stage, 'c.txt', 'c', { ...turn, roomId: 8 });
  const waiting = await shared(stage, 'd.txt', 'd', turn, 'attachment');
  assert.equal(await stage.downloads.revoke(a.file.id), true);
  assert.equal(await stage.downloads.revoke(a.file.id), false);
  assert.equal(await stage.downloads.revoke(waiting.file.id), false, 'an attachment is no link');
  assert.equal(await stage.downloads.find(a.token), null);
  await stage.downloads.forgetConversation({ botId: 'helper', roomId: 7 });
  assert.equal(await stage.downloads.find(b.token), null);
  assert.deepEqual(readdirSync(stage.store), [other.file.id]);
});
