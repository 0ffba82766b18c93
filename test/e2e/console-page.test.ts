import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { openPage, startBrowser } from '../support/browser.ts';
import { busyScene, crowdScene, quietScene } from '../support/console-scenes.ts';
import { signIn } from '../support/console-signin.ts';
import { type ConsoleStage, serveStage } from '../support/console-stage.ts';
import { eventually } from '../support/eventually.ts';

/** The pages of the console in a browser, over staged hours of a service. */

async function open(
  t: Parameters<typeof serveStage>[0],
  browser: Browser,
  stage: ConsoleStage,
  path = '/console',
) {
  const url = await serveStage(t, stage);
  const opened = await openPage(browser, `${url}${path}`);
  await signIn(opened.page);
  return { ...opened, url };
}

describe('the console in a browser', () => {
  test('signing in, looking, finding, closing and signing out, by keyboard alone', async (t) => {
    const browser = await startBrowser(t);
    const stage = await busyScene();
    const { page, complaints, url } = await open(t, browser, stage);
    await eventually('the charts', async () => (await page.locator('.chart canvas').count()) === 4);

    await page.keyboard.press('/');
    await page.keyboard.type('运营 clerk');
    const shown = page.locator('[data-table="turns"] > li:visible');
    await eventually('fewer turns', async () => {
      const texts = await shown.allTextContents();
      return texts.length > 0 && texts.every((text) => text.includes('运营周会') && text.includes('clerk'));
    });
    await page.keyboard.type(' nobody');
    await page.locator('#panel-turns .nothing-found').waitFor();
    await page.locator('#find').fill('');

    await page.locator('#tab-turns').focus();
    await page.keyboard.press('ArrowRight');
    await page.locator('#panel-sessions').waitFor();
    assert.equal(new URL(page.url()).hash, '#sessions');
    const close = page.getByRole('button', { name: 'Close the session of 5:helper' });
    await close.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('keeps its memory').waitFor();
    await page.keyboard.press('Escape');
    assert.deepEqual(stage.world.asked, [], 'asked, and answered no');
    await close.focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('The session of 5:helper is closed.').waitFor();
    // The stage does not tell of it, as a service does.
    stage.sample();
    await page.locator('[data-key="5:helper"]').waitFor({ state: 'detached' });
    assert.deepEqual(stage.world.asked, ['close 5:helper']);

    await page.locator('#tab-bots').click();
    await page.getByRole('button', { name: 'Read the bot files again' }).click();
    await page.getByText('The bot files were read.').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Admin token').waitFor();
    await page.goto(`${url}/console`);
    assert.match(page.url(), /sign-in$/);
    assert.deepEqual(complaints, []);
  });

  test('what happens appears by itself: nothing jumps, what is open stays open', async (t) => {
    const browser = await startBrowser(t);
    const stage = await busyScene();
    const { page, complaints } = await open(t, browser, stage);
    const turn = page.locator('[data-key="t981"]');
    await turn.locator('summary').click();
    await turn.locator('.why').waitFor();
    await page.evaluate(
      `window.shift = 0; new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
      }).observe({ type: 'layout-shift' })`,
    );
    const session = '2:researcher' as const;
    stage.source.hear({ type: 'turn.step', session, turn: '981', tool: 'Write' });
    stage.source.hear({ type: 'turn.retried', session, turn: '981', cause: 'exit code 137' });
    stage.world.usedMb = 1700;
    stage.sample();
    await turn.getByText('exit code 137').waitFor();
    await page.locator('[data-part="memory"]', { hasText: '89' }).waitFor();
    assert.ok(await turn.locator('.why').isVisible(), 'it was open');
    stage.world.campfire = {
      ...{ state: 'unhealthy', problem: 'Campfire is not there', remedy: 'Start it.', since: Date.now() },
      ...{ probes: 1, probeAt: 0 },
    };
    stage.sample();
    await page.getByText('Campfire is not there.').waitFor();
    const shift = (await page.evaluate('window.shift')) as number;
    assert.ok(shift < 0.05, `layout shift ${shift}`);
    assert.deepEqual(complaints, []);
  });

  test('five hundred sessions: shown, found and kept up to date without a stall', async (t) => {
    const browser = await startBrowser(t);
    const stage = await crowdScene();
    const { page, complaints } = await open(t, browser, stage, '/console#sessions');
    await page.locator('#tab-sessions').click();
    assert.equal(await page.locator('[data-table="sessions"] > tr').count(), 501);
    await page.evaluate(
      `window.stall = 0; new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.stall = Math.max(window.stall, entry.duration);
      }).observe({ type: 'longtask' })`,
    );
    for (let round = 1; round <= 3; round++) {
      stage.world.sessions = stage.world.sessions.map((session) => ({ ...session, turns: 1000 + round }));
      stage.sample();
      await page.locator('[data-key="500:researcher"]', { hasText: `${1000 + round}` }).waitFor();
    }
    const stall = (await page.evaluate('window.stall')) as number;
    assert.ok(stall < 1_000, `a task of ${stall} ms`);
    await page.locator('#find').fill('room 499 helper');
    await eventually(
      'one',
      async () => (await page.locator('[data-table="sessions"] > tr:visible').count()) === 1,
    );
    assert.deepEqual(complaints, []);
  });

  test('a service that goes away is shown as such, and the page comes back with it', async (t) => {
    const browser = await startBrowser(t);
    const stage = await quietScene();
    const { page } = await open(t, browser, stage);
    await page.route('**/console/live*', (route) => route.abort());
    await page.reload();
    await page.locator('#live[data-state="away"]').waitFor();
    await page.unroute('**/console/live*');
    await page.locator('#live[data-state="live"]').waitFor();
  });
});
