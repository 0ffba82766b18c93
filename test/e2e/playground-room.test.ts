import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { type Simulator, startSimulator } from '../../src/playground/simulator.ts';
import { openPage, startBrowser } from '../support/browser.ts';
import { type Cuttable, cuttable } from '../support/cuttable.ts';
import { eventually } from '../support/eventually.ts';

/** What people do in a room, in Chromium, on a look-alike whose bot never answers. */

const bot = 5;

async function startRoom(t: TestContext): Promise<Simulator> {
  const simulator = await startSimulator({
    ...{ clock, face: 'full' },
    people: [
      { id: 1, name: 'Ann', role: 'administrator' },
      { id: 2, name: 'Ben', role: 'member' },
    ],
    bots: [{ id: bot, name: 'Parrot', key: '5-abcDEF123456', webhookUrl: null }],
    rooms: [
      { id: 1, name: 'HQ', kind: 'open' },
      { id: 2, name: null, kind: 'direct', members: [1, bot] },
      { id: 3, name: null, kind: 'direct', members: [1, 2] },
    ],
  });
  t.after(() => simulator.close());
  return simulator;
}

const message = (page: Page, words: string) => page.locator('.message', { hasText: words });
const write = async (page: Page, words: string) => {
  await page.getByTestId('composer').fill(words);
  await page.keyboard.press('Enter');
  await message(page, words).first().waitFor();
};
/** One of the tools that appear on a message. */
const tool = async (page: Page, words: string, name: string) => {
  await message(page, words).hover();
  await message(page, words).getByRole('button', { name, exact: true }).click();
};

test('a room', { timeout: 300_000 }, async (t) => {
  const campfire = await startRoom(t);
  const browser = await startBrowser(t);
  const open = () => openPage(browser, `${campfire.url}/playground`);
  await t.test('messages are boosted, quoted, changed in place and deleted', () => changes(open, campfire));
  await t.test(
    'files go up with the text and come down as they were; one pasted or dropped waits to be sent',
    () => files(open, campfire),
  );
  await t.test('people: each sees their own rooms, unread marks and pushes', () => people(open));
  await t.test('keys: write, mention, change the last message, change the room', () => keys(open, campfire));
  await t.test('a storm of 100 messages in a second is drawn to its last message', () =>
    storm(open, campfire),
  );
  await t.test('light and dark: chosen, kept, and there from the first paint', () =>
    themes(browser, campfire),
  );
  await t.test('what people write cannot run', () => safety(open, campfire));
  const way = await cuttable(t, campfire.url);
  await t.test('nothing is missed in a gap of the connection, or while the state is asked for', () =>
    gaps(() => openPage(browser, `${way.url}/playground`), campfire, way),
  );
});

type Open = () => ReturnType<typeof openPage>;

async function changes(open: Open, { campfire }: Simulator): Promise<void> {
  const { page, complaints } = await open();
  await write(page, 'the wall is 400 m');
  const stored = () => campfire.messagesIn(1).at(-1);
  const box = await message(page, 'the wall').boundingBox();
  await tool(page, 'the wall', 'Boost');
  await page.getByRole('button', { name: 'Boost with 🎉' }).click();
  await message(page, 'the wall')
    .getByRole('button', { name: /^🎉 from Ann/ })
    .waitFor();
  assert.deepEqual(
    stored()?.boosts.map(({ content }) => content),
    ['🎉'],
  );
  await tool(page, 'the wall', 'Boost');
  await page.getByLabel('Your own boost').fill('bravo');
  await page.keyboard.press('Enter');
  await message(page, 'the wall')
    .getByRole('button', { name: /^bravo/ })
    .click();
  await eventually('the boost to be taken back', () => stored()?.boosts.length === 1);

  await tool(page, 'the wall', 'Edit');
  const field = page.getByTestId('edit');
  assert.equal(await field.inputValue(), 'the wall is 400 m');
  await field.fill('never mind');
  await page.keyboard.press('Escape');
  await message(page, 'the wall is 400 m').waitFor();
  await tool(page, 'the wall', 'Edit');
  await field.fill('the wall is 412 m');
  await page.keyboard.press('Enter');
  await message(page, 'the wall is 412 m').waitFor();
  assert.equal(stored()?.plain, 'the wall is 412 m');
  assert.equal((await message(page, 'the wall').boundingBox())?.y, box?.y, 'nothing jumped');

  await tool(page, 'the wall', 'Quote it in a reply');
  await page.getByText('Ann: the wall is 412 m').waitFor();
  await write(page, 'are you sure?');
  assert.match(stored()?.html ?? '', /<blockquote>.*412 m.*<\/blockquote><cite>Ann .*are you sure\?/s);
  await tool(page, 'are you sure?', 'Delete');
  await message(page, 'are you sure?').waitFor({ state: 'detached' });
  assert.deepEqual(complaints, []);
  await page.close();
}

const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
);

async function files(open: Open, { campfire }: Simulator): Promise<void> {
  const { page, complaints } = await open();
  const csv = { name: '季度 报告.csv', mimeType: 'text/csv', buffer: Buffer.from('a,b\n1,2\n') };
  await page
    .getByTestId('files')
    .setInputFiles([csv, { name: 'x.png', mimeType: 'image/png', buffer: pixel }]);
  await page.getByRole('button', { name: 'Leave x.png out' }).waitFor();
  assert.equal(
    campfire.messagesIn(1).some(({ attachment }) => attachment),
    false,
    'nothing is sent yet',
  );
  await write(page, 'two files');
  await message(page, '季度 报告.csv').waitFor();
  await page.locator('img.preview').waitFor();
  await eventually('the picture to be shown', () =>
    page
      .locator('img.preview')
      .evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth === 1),
  );
  const downloading = page.waitForEvent('download');
  await message(page, '季度 报告.csv').getByRole('link').click();
  const download = await downloading;
  assert.equal(download.suggestedFilename(), '季度 报告.csv');
  assert.equal(readFileSync(await download.path(), 'utf8'), 'a,b\n1,2\n');
  assert.deepEqual(complaints, []);
  await page.close();
}

async function people(open: Open): Promise<void> {
  const ann = await open();
  const ben = await open();
  await ben.page.getByTestId('person-2').check();
  assert.equal(await ben.page.getByTestId('room-2').count(), 0, 'somebody else’s direct room is not his');
  await ben.page.getByTestId('room-3').click();
  await ann.page.getByTestId('room-1').click();
  await ann.page.getByTestId('composer').pressSequentially('@Be');
  await ann.page.keyboard.press('Tab');
  await ann.page.keyboard.type('look');
  await ann.page.keyboard.press('Enter');
  // He is looking at another room: there is a mark, and his telephone rings because he is named.
  await ben.page.locator('[data-testid=room-1][data-unread=true]').waitFor();
  await ann.page.getByTestId('pushes').getByText('Ann: @Ben look').waitFor();
  await ann.page.locator('.person[data-person="2"][data-unread=true]').waitFor();
  assert.match(await ben.page.title(), /^\(1\) /);
  await ben.page.getByTestId('room-1').click();
  await ben.page.locator('[data-testid=room-1][data-unread=false]').waitFor();
  await ann.page.locator('.person[data-person="2"][data-unread=false]').waitFor();
  assert.equal(await message(ben.page, 'look').locator('.mention').innerText(), 'Ben');
  assert.deepEqual([...ann.complaints, ...ben.complaints], []);
  await ann.page.close();
  await ben.page.close();
}

async function keys(open: Open, { campfire }: Simulator): Promise<void> {
  const { page, complaints } = await open();
  await page.locator('#messages').focus();
  await page.keyboard.press('/');
  await page.keyboard.type('@');
  await page.getByTestId('complete-5').waitFor();
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.locator('#completion [aria-selected=true] .name').innerText(), 'Ben');
  await page.keyboard.press('Escape');
  await page.getByTestId('complete-5').waitFor({ state: 'hidden' });
  await page.keyboard.type('Parrot is only typed');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('second line');
  await page.keyboard.press('Enter');
  await message(page, 'second line').waitFor();
  assert.match(
    campfire.messagesIn(1).at(-1)?.html ?? '',
    /^<div>@Parrot is only typed<br>second line<\/div>$/,
  );
  await page.keyboard.press('ArrowUp');
  await page.getByTestId('edit').fill('changed by keys');
  await page.keyboard.press('Enter');
  await message(page, 'changed by keys').waitFor();
  await page.keyboard.press('Alt+ArrowDown');
  await page.locator('#room-name', { hasText: 'Parrot' }).waitFor();
  await page.keyboard.press('Alt+ArrowUp');
  await page.locator('#room-name', { hasText: 'HQ' }).waitFor();
  assert.deepEqual(complaints, []);
  await page.close();
}

async function storm(open: Open, { campfire }: Simulator): Promise<void> {
  const { page, complaints } = await open();
  await page.getByTestId('room-2').click();
  await page.getByTestId('open-stage').click();
  await page.getByTestId('storm').click();
  await message(page, 'storm 100').waitFor();
  assert.equal(campfire.messagesIn(2).length, 100);
  assert.equal(await page.locator('.message').count(), 100);
  const end =
    'const list = document.getElementById("messages"); list.scrollHeight - list.scrollTop - list.clientHeight';
  assert.ok(Number(await page.evaluate(end)) < 4, 'it stays at the newest');
  assert.deepEqual(complaints, []);
  await page.close();
}

async function themes(browser: Browser, { url }: Simulator): Promise<void> {
  const context = await browser.newContext({ colorScheme: 'light' });
  const page = await context.newPage();
  const paper = () => page.evaluate('getComputedStyle(document.body).backgroundColor') as Promise<string>;
  await page.goto(`${url}/playground`);
  const light = await paper();
  await page.getByTestId('theme-toggle').click();
  const dark = await paper();
  assert.notEqual(dark, light);
  await page.reload({ waitUntil: 'commit' });
  await page.waitForSelector('body');
  assert.equal(await paper(), dark);
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.equal(await paper(), dark);
  await context.close();
}

async function safety(open: Open, { campfire }: Simulator): Promise<void> {
  const { page, complaints } = await open();
  const hostile =
    '<b onclick="x()">bold</b><img src=x onerror="document.title=1"><script>document.title=2</script>';
  campfire.post(2, 1, { html: `${hostile}<a href="javascript:document.title=3">link</a>` });
  await message(page, 'bold').waitFor();
  await message(page, 'bold').getByText('link').click();
  assert.match(await page.title(), /Playground/);
  assert.deepEqual(
    complaints.filter((words) => !words.includes('javascript:')),
    [],
  );
  await page.close();
}

async function gaps(open: Open, { campfire }: Simulator, way: Cuttable): Promise<void> {
  const { page, complaints } = await open();
  await connected(page, 1);
  await way.cut();
  campfire.post(2, 1, { html: 'said in the dark' });
  await way.mend();
  // The page connects again by itself, and what it was not told is in the state that it asks for.
  await connected(page, 2);
  assert.equal(await message(page, 'said in the dark').count(), 1);
  await page.route('**/playground/api/state', async (route) => {
    const response = await route.fetch();
    campfire.post(2, 1, { html: 'said meanwhile' });
    await message(page, 'said meanwhile').waitFor();
    await route.fulfill({ response });
  });
  await page.reload();
  await connected(page, 1);
  assert.equal(await message(page, 'said meanwhile').count(), 1);
  assert.deepEqual(
    complaints.filter((words) => !words.includes('net::ERR_')),
    [],
  );
  await page.close();
}

/** Waits until the page has connected for the `nth` time since it was loaded, and shows the state. */
const connected = (page: Page, nth: number) => page.locator(`body[data-connected="${nth}"]`).waitFor();
