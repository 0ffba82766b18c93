import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { openPage } from './browser.ts';

/** The pictures of the page in docs/screenshots; pixels differ between machines, so they are not compared. */

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'docs/screenshots');
const desktop = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };

type Scheme = 'light' | 'dark';
interface Picture {
  name: string;
  viewport: typeof desktop;
  scheme: Scheme;
  /** Brings the page, which shows the direct conversation, to what is to be seen. */
  pose(page: Page): Promise<void>;
}

/** What is used of the page's elements: these tests are compiled without a browser's types. */
interface Box {
  scrollTop: number;
  scrollIntoView(): void;
}
interface TurnCard {
  dataset: Record<string, string>;
  open: boolean;
  textContent: string;
}

const scrollTo = (words: string) => async (page: Page) => {
  await page
    .locator('.message', { hasText: words })
    .last()
    .evaluate((node) => (node as unknown as Box).scrollIntoView());
};
const table = scrollTo('请给我一个中文表格');
const code = scrollTo('Show me some code');
const inRoom =
  (id: number, pose: (page: Page) => Promise<void> = async () => {}) =>
  async (page: Page) => {
    if (await page.locator('#open-rooms').isVisible()) await page.locator('#open-rooms').click();
    await page.getByTestId(`room-${id}`).click();
    await pose(page);
  };
const drawer = async (page: Page) => page.getByTestId('open-inside').click();
const stage = async (page: Page) => {
  await page.getByTestId('open-stage').click();
};
/** A body that the room shows only half of. */
const lossy =
  '<div>Boats by harbour:</div><table><tr><td>Shanghai</td><td>128</td></tr><tr><td>Qingdao</td><td>47</td></tr></table>';
const raw = async (page: Page) => {
  await page.getByTestId('raw-toggle').check();
  await scrollTo('请给我一个中文表格')(page);
  await page.locator('.raw').first().waitFor();
};

const lost = async (page: Page) => {
  await page.getByTestId('raw-toggle').check();
  await page.locator('.raw-part.lost').waitFor();
};

const pictures: readonly Picture[] = [
  ...both('playground', desktop, inRoom(1)),
  ...both('table', desktop, table),
  ...both('code', desktop, code),
  { name: 'welcome-light', viewport: desktop, scheme: 'light', pose: inRoom(20) },
  ...both('stage', desktop, stage),
  { name: 'raw-light', viewport: desktop, scheme: 'light', pose: inRoom(2, lost) },
  {
    name: 'everything-dark',
    viewport: desktop,
    scheme: 'dark',
    pose: (page) => page.getByTestId('all-prompts').click(),
  },
  ...both('phone', phone, code),
  ...both('phone-inside', phone, drawer),
  { name: 'phone-table-light', viewport: phone, scheme: 'light', pose: table },
  { name: 'phone-raw-dark', viewport: phone, scheme: 'dark', pose: raw },
  { name: 'phone-stage-dark', viewport: phone, scheme: 'dark', pose: stage },
];

function both(name: string, viewport: typeof desktop, pose: Picture['pose']): Picture[] {
  return (['light', 'dark'] as const).map((scheme) => ({
    name: `${name}-${scheme}`,
    viewport,
    scheme,
    pose,
  }));
}

/** Brings about what is to be seen: a conversation that slept and came back, and one with a table and code. */
export async function playScenes(browser: Browser, url: string): Promise<void> {
  const { page } = await openPage(browser, url, desktop);
  await page.request.post(`${url}/api/rooms`, { data: { id: 20, name: 'Harbour', kind: 'open' } });
  const suggest = async (room: number, ...titles: string[]) => {
    await page.getByTestId(`room-${room}`).click();
    for (const title of titles) {
      const before = await page.locator('.message[data-creator="900"]').count();
      await page.getByRole('button', { name: title, exact: true }).click();
      await page.locator('.message[data-creator="900"]').nth(before).waitFor();
    }
  };
  const said = (personId: number, written: object) =>
    page.request.post(`${url}/api/rooms/2/messages`, { data: { personId, ...written } });
  await said(1, { text: 'How many boats were there?' });
  await said(2, { html: lossy });
  await suggest(1, 'Remember something');
  await page.getByTestId('sessions').getByText('asleep').first().waitFor();
  await suggest(10, 'Use a tool', 'A table in Chinese', 'Some code');
  await suggest(1, 'Ask what it remembers');
  await page.close();
}

/** Takes every picture of the page as it then is. */
export async function takePictures(browser: Browser, url: string): Promise<void> {
  for (const picture of pictures) await take(browser, url, picture);
}

async function take(browser: Browser, url: string, { name, viewport, scheme, pose }: Picture): Promise<void> {
  const { page } = await openPage(browser, url, viewport, scheme);
  await inRoom(10)(page);
  await page.getByTestId('sessions').locator('.session').first().waitFor({ state: 'attached' });
  await showResumedTurn(page);
  await pose(page);
  await page.mouse.move(0, 0);
  await page.evaluate('document.fonts.ready.then(() => new Promise(requestAnimationFrame))');
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await page.close();
}

/** Opens the turn that shows the most, and closes the others. */
async function showResumedTurn(page: Page): Promise<void> {
  await page.locator('.turn').evaluateAll((turns) => {
    for (const turn of turns as unknown as TurnCard[]) {
      turn.dataset.touched = '';
      turn.open = turn.textContent.startsWith('What did I tell');
    }
  });
}

/** @throws AssertionError when a picture is missing, or there is one too many. */
export function checkPictures(): void {
  const there = new Set(readdirSync(folder));
  for (const { name, viewport } of pictures) {
    assert.ok(there.delete(`${name}.png`), `docs/screenshots/${name}.png is missing`);
    const png = readFileSync(join(folder, `${name}.png`));
    assert.equal(png.readUInt32BE(16), viewport.width, name);
  }
  const ofOthers = (name: string) => /^answers-\d\.png$|^console-|\.sha256$/.test(name);
  assert.deepEqual(
    [...there].filter((name) => !ofOthers(name)),
    [],
    'pictures that nobody takes',
  );
}
