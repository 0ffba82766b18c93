import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openPage, startBrowser } from '../support/browser.ts';
import { startDemo } from '../support/demo.ts';
import { eventually } from '../support/eventually.ts';
import type { Service } from '../support/service.ts';

/** What a newcomer does on the page of `bin/dev`, in Chromium: one browser and one service for all of it. */

/** Long enough to ask twice and to be measured on a slow machine, short enough to wait for. */
const ttlSeconds = '8';

const answers = (page: Page) => page.locator('.message[data-creator="900"] [data-testid=body]');
/** Waits for what it says at last: a slow turn shows first that it is at work. */
const answered = (page: Page, index: number, words: RegExp) =>
  eventually(
    `answer ${index} to say ${words}`,
    async () =>
      (await answers(page).count()) > index && words.test(await answers(page).nth(index).innerText()),
    60_000,
  );
const suggest = (page: Page, title: string) => page.getByRole('button', { name: title, exact: true }).click();
const inTrace = (page: Page, words: string) =>
  page.getByTestId('trace').getByText(words, { exact: true }).first().waitFor({ timeout: 60_000 });

// One browser and one service for all of it: together they may take longer than a single test.
test('the page of bin/dev', { timeout: 300_000 }, async (t) => {
  const { service, url } = await startDemo(t, { SESSION_TTL_SECONDS: ttlSeconds });
  const browser = await startBrowser(t);
  await t.test('a newcomer sees a session open, answer, idle out and come back with its memory', () =>
    newcomer(browser, url, service),
  );
  await t.test('what the page shows is what Campfire would show, and the switch tells what was lost', () =>
    looks(browser, url),
  );
  await t.test('an agent that is killed while it answers: its answer arrives, and the page tells how', () =>
    crash(browser, url, service),
  );
  await t.test('Campfire goes wrong and comes back: the answer waits and arrives', () =>
    trouble(browser, url),
  );
  await t.test('a phone: nothing is wider than it, and drawers open what has no room', () =>
    phone(browser, url),
  );
  assert.equal(await service.stop(), 0);
});

async function newcomer(browser: Browser, url: string, service: Service): Promise<void> {
  const { page, complaints } = await openPage(browser, url);
  await page.getByText('Ask @Assistant something').waitFor();
  await page.getByTestId('composer').pressSequentially('@Ass');
  await page.getByTestId('complete-900').waitFor();
  await page.keyboard.press('Enter');
  await page.keyboard.type('remember the harbour code is heron');
  await page.keyboard.press('Enter');
  await answered(page, 0, /remember/);
  await inTrace(page, 'Accepted: it is on disk');
  await inTrace(page, 'A new session opens');
  await inTrace(page, 'claude is up');
  await inTrace(page, 'Posted to Campfire');
  const card = page.getByTestId('session-1:personal_assistant');
  await card.getByText('idle', { exact: true }).waitFor();
  await card.getByText(/^\d+ MB · pid \d+ · 1 turn$/).waitFor();
  await card.getByText(/^closes in 0:0\d$/).waitFor();

  await suggest(page, 'Say hello');
  await answered(page, 1, /Hello Ann! Good to see you in All Talk/);
  await inTrace(page, 'The live session takes it');
  await page.locator('.fate', { hasText: /^answered in .* · live session$/ }).waitFor();

  await page.getByTestId('sessions').getByText('asleep').waitFor({ timeout: 20_000 });
  await page.getByTestId('sessions').getByText('No process, 0 MB · remembers 2 turns').waitFor();
  await suggest(page, 'Ask what it remembers');
  await answered(page, 2, /heron/);
  await inTrace(page, 'Resumes with its memory');
  const unfinished = async () => (await service.health()).messages_without_outcome;
  await eventually('every message to have its outcome', async () => (await unfinished()) === 0, 60_000);
  assert.deepEqual(complaints, []);
  const { conversation, all } = await shiftsOf(page);
  assert.equal(conversation, 0, 'nothing moves in the conversation');
  assert.ok(all < 0.05, `${all}: new turns move the older ones down, and nothing else moves`);
  await page.close();
}

/** How much moved on the page that nobody had asked to move (Chromium's layout shift scores). */
function shiftsOf(page: Page): Promise<{ conversation: number; all: number }> {
  return page.evaluate(`new Promise((resolve) => {
    const sums = { conversation: 0, all: 0 };
    new PerformanceObserver((list) => {
      for (const { value, hadRecentInput, sources } of list.getEntries()) {
        if (hadRecentInput) continue;
        sums.all += value;
        if (sources.some(({ node }) => node?.parentElement?.closest('.room, .rooms'))) sums.conversation += value;
      }
    }).observe({ type: 'layout-shift', buffered: true });
    setTimeout(() => resolve(sums), 50);
  })`);
}

async function looks(browser: Browser, url: string): Promise<void> {
  const { page, complaints } = await openPage(browser, url);
  await page.getByTestId('room-10').click();
  for (const [index, title] of ['A table in Chinese', 'Some code', 'Use a tool'].entries()) {
    await suggest(page, title);
    await answered(page, index, /[^…]$/);
  }
  await page.getByTestId('all-prompts').click();
  await suggest(page, 'Show me raw HTML soup');
  await answered(page, 0, /青岛\s+47/);
  await answered(page, 1, /List<String> survives/);
  await answered(page, 2, /412 m long/);
  await answered(page, 3, /cell.*alert\(1\).*List<String> & more bold/s);
  await answers(page).nth(1).locator('.hljs-keyword', { hasText: 'def' }).waitFor();
  await page.getByTestId('trace').locator('.row.step', { hasText: 'Write' }).waitFor({ state: 'attached' });

  await page.getByTestId('raw-toggle').check();
  const raw = await page.getByTestId('raw').last().innerText();
  assert.match(raw, /Stored\s+<div class="m\d+-0/);
  await page.getByTestId('raw-toggle').uncheck();

  // A bot that does not know the room's rules loses text there: the switch tells what.
  const lossy = { personId: 1, html: '<table><tr><td>secret cell</td></tr></table><p>kept</p>' };
  const body = JSON.stringify(lossy);
  await page.request.post(`${url}/api/rooms/2/messages`, { data: body });
  await page.getByTestId('room-2').click();
  await page.getByTestId('raw-toggle').check();
  await page.locator('.raw-part.lost', { hasText: '<table> secret cell' }).waitFor();
  assert.deepEqual(complaints, []);
  await page.close();
}

async function crash(browser: Browser, url: string, service: Service): Promise<void> {
  const { page, complaints } = await openPage(browser, url);
  await page.getByTestId('room-2').click();
  await suggest(page, 'A crash in the middle');
  await inTrace(page, 'The process died');
  await inTrace(page, 'Cut off: tries again');
  await inTrace(page, 'try 2');
  await answered(page, 0, /^Harbours are built twice/);
  assert.equal(await answers(page).count(), 1, 'one answer');
  assert.equal(service.events('turn.retried').length, 1);
  assert.deepEqual(complaints, []);
  await page.close();
}

async function trouble(browser: Browser, url: string): Promise<void> {
  const { page, complaints } = await openPage(browser, url);
  await page.getByTestId('room-10').click();
  await answers(page).filter({ hasText: '青岛' }).waitFor();
  const before = await answers(page).count();
  await page.getByTestId('open-stage').click();
  await page.getByTestId('face-v1.4.9').check();
  await page.getByTestId('fault-badGateway').check();
  await page.keyboard.press('Escape');
  await page.getByTestId('trouble').getByText('Its proxy answers 502').waitFor();
  await suggest(page, 'Say hello');
  await page
    .getByTestId('trace')
    .locator('.row.wait', { hasText: 'tries again' })
    .first()
    .waitFor({ state: 'attached' });
  assert.equal(await answers(page).count(), before);
  await page.getByRole('button', { name: 'Back to normal' }).click();
  // Not by its place: where bots cannot edit, a slow turn leaves a line above its answer.
  await answers(page)
    .filter({ hasText: /Hello Ann/ })
    .waitFor({ timeout: 60_000 });
  await page.getByTestId('open-stage').click();
  await page.getByTestId('face-full').check();
  await page.getByTestId('fault-webhookBadGateway').check();
  await page.keyboard.press('Escape');
  await page.getByTestId('trouble').getByText('The bot’s proxy answers 502').waitFor();
  await suggest(page, 'Say hello');
  await page.getByText('its webhook got 502, which Campfire posted').waitFor();
  // Not by its place: a slow turn shows the beginning of its answer, and moves it below what is written meanwhile.
  await answers(page)
    .filter({ hasText: /^attachment\.html/ })
    .waitFor();
  await page.getByRole('button', { name: 'Back to normal' }).click();
  await page.getByTestId('trouble').waitFor({ state: 'hidden' });
  assert.deepEqual(complaints, []);
  await page.close();
}

async function phone(browser: Browser, url: string): Promise<void> {
  const { page, complaints } = await openPage(browser, url, { width: 390, height: 844 });
  const width = () => page.evaluate('document.documentElement.scrollWidth');
  await page.getByTestId('open-inside').click();
  await page.getByTestId('trace').locator('.turn').first().waitFor();
  assert.equal(await width(), 390);
  await page.getByLabel('Back to the conversation').first().click();
  await page.getByTestId('trace').waitFor({ state: 'hidden' });
  await page.locator('#open-rooms').click();
  await page.getByTestId('room-10').click();
  await answers(page).first().waitFor();
  await eventually('the drawer to be closed', () => page.getByTestId('room-10').isHidden());
  assert.equal(await width(), 390);
  await page.getByTestId('open-stage').click();
  await page.getByTestId('storm').scrollIntoViewIfNeeded();
  assert.equal(await width(), 390);
  assert.deepEqual(complaints, []);
  await page.close();
}
