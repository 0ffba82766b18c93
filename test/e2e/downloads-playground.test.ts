import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openPage, startBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { serviceHome, startService } from '../support/service.ts';

const root = join(import.meta.dirname, '../..');

test('from a mention to the open page: the button in the room shows the slides, and the second link saves them', async (t) => {
  const port = await freePort();
  const home = { dataDir: serviceHome(t, {}).dataDir, botsDir: join(root, 'bots') };
  const main = join(root, 'src/cli/main.ts');
  const service = await startService(t, home, {}, [
    process.execPath,
    '--no-warnings',
    main,
    'dev',
    '--port',
    `${port}`,
  ]);
  const { page, complaints } = await openPage(await startBrowser(t), `http://localhost:${port}/playground`);
  await page.getByTestId('room-10').click();
  await page.getByTestId('composer').fill('请做一个演示');
  await page.keyboard.press('Enter');
  const button = page.locator('.message .body a.btn');
  await button.waitFor({ timeout: 20_000 });
  assert.equal(await button.innerText(), '港口 季度报告');
  const look = await page.evaluate(
    "(({ borderTopLeftRadius, textDecorationLine, display }) => ({ borderTopLeftRadius, textDecorationLine, display }))(getComputedStyle(document.querySelector('.message .body a.btn')))",
  );
  assert.deepEqual(look, {
    borderTopLeftRadius: '32px',
    textDecorationLine: 'none',
    display: 'inline-flex',
  });

  const opening = page.context().waitForEvent('page');
  await button.click({ modifiers: ['Control'] });
  const slides = await opening;
  await slides.getByText('Slide 1 of 3').click();
  await slides.getByText('Slide 2 of 3').waitFor();
  assert.match(slides.url(), new RegExp(`^http://localhost:${port}/files/view/`));

  const saving = page.waitForEvent('download');
  await page.getByRole('link', { name: '下载' }).click();
  const saved = await saving;
  assert.equal(saved.suggestedFilename(), '港口 季度报告.html');
  const served = await (await fetch(slides.url())).text();
  assert.equal(readFileSync((await saved.path()) ?? '', 'utf8'), served);
  assert.deepEqual(complaints, []);
  assert.equal(await service.stop(), 0);
});
