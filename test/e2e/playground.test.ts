import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openPage, startBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { keepScreenshots } from '../support/screenshots.ts';
import { type Service, serviceHome, startService } from '../support/service.ts';

const root = join(import.meta.dirname, '../..');
const main = join(root, 'src/cli/main.ts');

/** `bin/dev` as a newcomer gets it: the example bot, the look-alike and the scripted model. */
async function startDemo(t: TestContext): Promise<{ service: Service; url: string }> {
  const port = await freePort();
  const home = { dataDir: serviceHome(t, {}).dataDir, botsDir: join(root, 'bots') };
  const command = [process.execPath, '--no-warnings', main, 'dev', '--port', `${port}`];
  const service = await startService(t, home, { SESSION_TTL_SECONDS: '4' }, command);
  return { service, url: `http://127.0.0.1:${port}/playground` };
}

const answers = (page: Page) => page.locator('.message[data-creator="900"]:not(.mine) [data-testid=body]');
const answer = async (page: Page, index: number) => {
  await answers(page).nth(index).waitFor({ timeout: 20_000 });
  return answers(page).nth(index).innerText();
};
const prompt = (page: Page, title: string) => page.getByRole('button', { name: title, exact: true }).click();

test('a newcomer mentions the bot, sees the session open, answer, idle out and come back with its memory', async (t) => {
  const { service, url } = await startDemo(t);
  const { page, complaints } = await openPage(await startBrowser(t), url);
  await page.getByTestId('room-1').click();

  await page.getByTestId('composer').pressSequentially('@Ass');
  await page.getByTestId('complete-900').waitFor();
  await page.keyboard.press('Enter');
  await page.keyboard.type('remember the harbour code is heron');
  await page.keyboard.press('Enter');
  assert.match(await answer(page, 0), /remember/);
  await page.getByTestId('sessions').getByText('idle', { exact: true }).waitFor();
  await page.getByTestId('trace').getByText('session opens').waitFor();

  await prompt(page, 'Say hello');
  assert.match(await answer(page, 1), /Hello Ann! Good to see you in All Talk/);
  await page.getByTestId('trace').getByText('session is hot').waitFor();
  const [first, second] = service.events('turn.decided').map(({ durationMs }) => Number(durationMs));
  assert.ok((second ?? 0) < (first ?? 0), 'the second answer is faster');

  await page.getByTestId('sessions').getByText('No live session').waitFor({ timeout: 15_000 });
  await prompt(page, 'Ask what it remembers');
  assert.match(await answer(page, 2), /heron/);
  await page.getByTestId('trace').getByText('session resumes with its memory').waitFor();
  assert.deepEqual(complaints, []);
  assert.equal(await service.stop(), 0);
});

test('what the page shows is what Campfire would show, and the switch tells what was lost', async (t) => {
  const { service, url } = await startDemo(t);
  const browser = await startBrowser(t);
  const { page, complaints } = await openPage(browser, url);
  await page.getByTestId('room-10').click();
  for (const [index, title] of ['A table in Chinese', 'Some code', 'Use a tool', 'Markup soup'].entries()) {
    await prompt(page, title);
    await answer(page, index);
  }
  assert.match(await answer(page, 0), /青岛\s+47/);
  assert.match(await answer(page, 1), /List<String> survives/);
  assert.match(await answer(page, 2), /412 m long/);
  assert.match(await answer(page, 3), /cell.*alert\(1\).*List<String> & more bold/s);
  await page.getByTestId('raw-toggle').check();
  await page.locator('.raw').first().waitFor();
  assert.match(
    await page
      .locator('.raw')
      .allInnerTexts()
      .then((all) => all.join('\n')),
    /class="m\d+-0/,
  );
  await page.getByTestId('raw-toggle').uncheck();

  await page.getByTestId('person-switch').selectOption('2');
  await page.getByTestId('room-1').waitFor();
  assert.equal(await page.getByTestId('room-10').count(), 0, 'somebody else’s direct room is not theirs');
  await page.getByTestId('person-switch').selectOption('1');
  await page.getByTestId('room-10').click();
  await answers(page).nth(3).waitFor();
  await keepScreenshots('page', ['src/playground/chat'], (folder) => takePictures(page, folder));

  const phone = await openPage(browser, url, { width: 390, height: 844 });
  await phone.page.getByTestId('composer').waitFor();
  assert.ok(((await phone.page.evaluate('document.documentElement.scrollWidth')) as number) <= 390);
  assert.deepEqual([...complaints, ...phone.complaints], []);
  assert.equal(await service.stop(), 0);
});

/** Takes the pictures of the page that README and docs show. */
async function takePictures(page: Page, folder: string): Promise<void> {
  await page.locator('#messages').evaluate('(list) => { list.scrollTop = 0 }');
  await page.screenshot({ path: join(folder, 'playground-light.png') });
  await page.getByTestId('theme-toggle').click();
  await page.screenshot({ path: join(folder, 'playground-dark.png') });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.screenshot({ path: join(folder, 'playground-phone.png') });
}
