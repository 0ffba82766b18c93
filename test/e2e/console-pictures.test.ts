import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { openPage, startBrowser } from '../support/browser.ts';
import { busyScene, crowdScene, machinesScene, quietScene, troubleScene } from '../support/console-scenes.ts';
import { signIn } from '../support/console-signin.ts';
import { type ConsoleStage, serveStage } from '../support/console-stage.ts';
import { keepScreenshots } from '../support/screenshots.ts';

const root = join(import.meta.dirname, '../..');
const desktop = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };

interface Picture {
  scene: () => Promise<ConsoleStage>;
  viewport: typeof desktop;
  scheme: 'light' | 'dark';
  pose?: (page: Page) => Promise<void>;
}

const tab = (name: string) => (page: Page) => page.locator(`#tab-${name}`).click();
const why = async (page: Page) => {
  await page.locator('[data-key="t980"] summary').click();
  await page.locator('[data-key="t980"]').scrollIntoViewIfNeeded();
};

const pictures: Record<string, Picture> = {
  'console-busy-light': { scene: busyScene, viewport: desktop, scheme: 'light' },
  'console-busy-dark': { scene: busyScene, viewport: desktop, scheme: 'dark' },
  'console-why-light': { scene: busyScene, viewport: desktop, scheme: 'light', pose: why },
  'console-sessions-dark': { scene: crowdScene, viewport: desktop, scheme: 'dark', pose: tab('sessions') },
  'console-events-light': { scene: busyScene, viewport: desktop, scheme: 'light', pose: tab('events') },
  'console-trouble-light': { scene: troubleScene, viewport: desktop, scheme: 'light', pose: tab('bots') },
  'console-trouble-dark': { scene: troubleScene, viewport: desktop, scheme: 'dark' },
  'console-machines-light': {
    ...{ scene: machinesScene, viewport: desktop, scheme: 'light', pose: tab('machines') },
  },
  'console-machines-turns-dark': { scene: machinesScene, viewport: desktop, scheme: 'dark' },
  'console-empty-light': { scene: quietScene, viewport: desktop, scheme: 'light' },
  'console-phone-light': { scene: busyScene, viewport: phone, scheme: 'light' },
  'console-phone-why-dark': { scene: busyScene, viewport: phone, scheme: 'dark', pose: why },
  'console-phone-sessions-dark': { scene: busyScene, viewport: phone, scheme: 'dark', pose: tab('sessions') },
  'console-phone-machines-light': {
    ...{ scene: machinesScene, viewport: phone, scheme: 'light', pose: tab('machines') },
  },
  'console-phone-trouble-light': { scene: troubleScene, viewport: phone, scheme: 'light' },
};

const options = process.env.UPDATE_SCREENSHOTS === '1' ? { timeout: 300_000 } : {};

test('the pictures of the console are all there, and of the pages as they are', options, async (t) => {
  await keepScreenshots('console', ['src/console/page', 'src/console/views'], async (folder) => {
    const browser = await startBrowser(t);
    for (const [name, { scene, viewport, scheme, pose }] of Object.entries(pictures)) {
      const url = await serveStage(t, await scene());
      const { page, complaints } = await openPage(browser, `${url}/console`, viewport, scheme);
      if (name.endsWith('empty-light')) await page.screenshot({ path: join(folder, 'console-sign-in.png') });
      await signIn(page);
      await pose?.(page);
      await page.mouse.move(0, 0);
      await page.evaluate('document.fonts.ready.then(() => new Promise(requestAnimationFrame))');
      await page.screenshot({ path: join(folder, `${name}.png`) });
      assert.deepEqual(complaints, [], name);
      await page.close();
    }
  });
  const there = readdirSync(join(root, 'docs/screenshots')).filter((name) => /^console-.*png$/.test(name));
  const wanted = [...Object.keys(pictures), 'console-sign-in'].map((name) => `${name}.png`);
  assert.deepEqual(there.sort(), wanted.sort());
  for (const [name, { viewport }] of Object.entries(pictures)) {
    const png = readFileSync(join(root, 'docs/screenshots', `${name}.png`));
    assert.equal(png.readUInt32BE(16), viewport.width, name);
  }
});
