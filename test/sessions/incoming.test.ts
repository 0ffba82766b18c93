import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { safeName, takeIn } from '../../src/sessions/incoming.ts';
import { createSlots } from '../../src/sessions/slots.ts';
import { tempFolder } from '../support/temp.ts';

const cap = 1_000;

function setSlot(t: TestContext) {
  const root = tempFolder(t);
  const source = join(root, 'blob');
  writeFileSync(source, 'bytes');
  const outside = join(root, 'outside');
  mkdirSync(outside);
  return { slot: createSlots(root).open('slot'), source, outside };
}

test('a file lands in the working folder under its name, the next of that name beside it', async (t) => {
  const { slot, source } = setSlot(t);
  assert.equal(await takeIn(slot, '季度 报告.xlsx', source, cap), 'room-files/季度 报告.xlsx');
  assert.equal(await takeIn(slot, '季度 报告.xlsx', source, cap), 'room-files/季度 报告 (2).xlsx');
  assert.equal(await takeIn(slot, '../../etc/passwd', source, cap), 'room-files/passwd');
  assert.equal(readFileSync(join(slot.work, 'room-files/季度 报告 (2).xlsx'), 'utf8'), 'bytes');
});

test('names are made harmless and stay readable', () => {
  for (const [name, safe] of [
    ['report.xlsx', 'report.xlsx'],
    ['C:\\Users\\ann\\Q3 report.pdf', 'Q3 report.pdf'],
    ['..', '_'],
    ['.bashrc', '_bashrc'],
    ['a\nb\u0000c\u202etxt.exe', 'a_b_c_txt.exe'],
    ['', 'file'],
    ['///', 'file'],
    ['a   b .txt', 'a b .txt'],
    ['"x"<y>|?*.md', '_x__y____.md'],
    ['👩‍👩‍👧.png', '👩‍👩‍👧.png'],
  ] as const)
    assert.equal(safeName(name), safe);
  const long = safeName(`${'汉'.repeat(400)}.docx`);
  assert.match(long, /^汉+\.docx$/);
  assert.ok(Buffer.byteLength(long) <= 220);
});

test('nothing is written where an agent has put a link in the way', async (t) => {
  for (const place of ['work', 'room-files', 'file'] as const) {
    const { slot, source, outside } = setSlot(t);
    if (place === 'work') rmSync(slot.work, { recursive: true });
    else if (place === 'file') mkdirSync(join(slot.work, 'room-files'));
    const link = {
      work: slot.work,
      'room-files': join(slot.work, 'room-files'),
      file: join(slot.work, 'room-files/a'),
    };
    symlinkSync(place === 'file' ? join(outside, 'a') : outside, link[place]);
    if (place === 'file') assert.equal(await takeIn(slot, 'a', source, cap), 'room-files/a (2)');
    else await assert.rejects(takeIn(slot, 'a', source, cap), /ENOTDIR|ELOOP/);
    assert.deepEqual(readdirSync(outside), [], place);
  }
});

test('what is no plain file, or longer than was said, is not there afterwards', async (t) => {
  const { slot, source, outside } = setSlot(t);
  await assert.rejects(takeIn(slot, 'a', outside, cap), /no plain file/);
  symlinkSync(source, join(outside, 'link'));
  await assert.rejects(takeIn(slot, 'a', join(outside, 'link'), cap), /ELOOP/);
  await assert.rejects(takeIn(slot, 'a', source, 4), /longer/);
  assert.deepEqual(readdirSync(join(slot.work, 'room-files')), []);
});
