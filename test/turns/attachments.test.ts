import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Downloads } from '../../src/downloads/downloads.ts';
import type { WorkFolder } from '../../src/downloads/work-file.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { readFile, writeFile } from '../../src/turns/content.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';
import { setDelivery } from './delivery-stage.ts';

/** Keeps a file and gives the body of its row. */
async function keepFile(
  downloads: Downloads,
  name: string,
  folder: WorkFolder,
  path: string,
): Promise<string> {
  const owner = { botId: 'assistant', roomId: 1, turnId: '1' };
  const kept = await downloads.keep({ from: 'file', folder, path }, owner, {
    as: 'attachment',
    name,
    title: null,
  });
  assert.ok(kept.kind === 'kept');
  return writeFile({ id: kept.file.id, filename: kept.file.name, type: kept.file.mediaType });
}

/** Every byte there is, in an order in which UTF-8 or line ends would not survive. */
const binary = Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 167 + 13) % 256));

test('files arrive as attachments behind the answer: binary, with a Chinese name, in order, and are dropped here', async (t) => {
  const { campfire, delivery, decide, posted, settled, downloads } = await setDelivery(t);
  const work = { path: tempFolder(t), anchor: tmpdir() };
  writeFileSync(join(work.path, 'a.bin'), binary);
  const first = await keepFile(downloads, '季度 报告 "Q3".bin', work, 'a.bin');
  const second = await keepFile(downloads, 'zweite.png', work, 'a.bin');
  await decide(1, 5, [
    { kind: 'post', body: '<div class="m5-0">a</div>' },
    { kind: 'file', body: first },
    { kind: 'file', body: second },
  ]);
  delivery.wake();
  await settled();
  assert.deepEqual(posted(), ['<div class="m5-0">a</div>', '季度 报告 -Q3-.bin', 'zweite.png']);
  const [, attached] = campfire.campfire.messagesIn(1);
  const received = campfire.campfire.files.get(attached?.attachment?.fileId ?? '')?.bytes;
  assert.deepEqual(Buffer.from(received ?? []), binary);
  assert.equal(await downloads.open(readFile(first).id), null);
});

test('a file whose answer was lost is found again, and one of the same name before it is not taken for it', async (t) => {
  const { campfire, mail, delivery, decide, posted, settled, downloads } = await setDelivery(t);
  const work = { path: tempFolder(t), anchor: tmpdir() };
  writeFileSync(join(work.path, 'a.csv'), 'a');
  const rows = async () => [
    { kind: 'post' as const, body: '<div class="m5-0">a</div>' },
    { kind: 'file' as const, body: await keepFile(downloads, 'a.csv', work, 'a.csv') },
  ];
  await decide(1, 5, await rows());
  delivery.wake();
  await settled();
  await decide(1, 6, await rows());
  // An earlier life posted the text, took the file's row, and ended before anything was sent.
  const text = await mail.takeOutbox({ botId: 'assistant', roomId: 1 }, clock.now());
  assert.ok(text);
  const { id } = campfire.campfire.post(900, 1, { html: text.body });
  await mail.settleOutbox(text, { kind: 'sent', campfireId: id });
  await mail.takeOutbox({ botId: 'assistant', roomId: 1 }, clock.now());
  delivery.wake();
  await settled();
  assert.equal(posted().filter((name) => name === 'a.csv').length, 2);
});

test('a file that Campfire stored but could not preview is a 500, and is not posted again', async (t) => {
  const { campfire, delivery, decide, posted, settled, downloads } = await setDelivery(t);
  const work = { path: tempFolder(t), anchor: tmpdir() };
  writeFileSync(join(work.path, 'a.png'), binary);
  campfire.faults.set({ ...campfire.faults.current, loseAnswers: true });
  await decide(1, 5, [{ kind: 'file', body: await keepFile(downloads, '图.png', work, 'a.png') }]);
  delivery.wake();
  await eventually('the file to arrive', () => posted().length === 1);
  campfire.faults.set({ ...campfire.faults.current, loseAnswers: false });
  await settled();
  assert.deepEqual(posted(), ['图.png']);
});

test('a file that is not kept any more becomes a sentence', async (t) => {
  const { delivery, decide, posted, settled } = await setDelivery(t);
  const gone = writeFile({ id: randomUUID(), filename: 'a.csv', type: 'text/csv' });
  await decide(1, 5, [{ kind: 'file', body: gone }]);
  delivery.wake();
  await settled();
  assert.match(posted().join(), /could not post a\.csv in time/);
});
