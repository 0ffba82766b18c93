import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { createCampfireClient } from '../../src/campfire/client.ts';
import { renderReply } from '../../src/campfire/html/render.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import type { Face } from '../../src/playground/records.ts';
import { type Simulator, startSimulator } from '../../src/playground/simulator.ts';
import { type AwkwardAnswer, awkwardAnswers } from '../campfire/html/awkward-answers.ts';
import { openPage, startBrowser } from '../support/browser.ts';
import { keepScreenshots } from '../support/screenshots.ts';

/**
 * The reference page: awkward answers as people see them, on both kinds of Campfire. Its pictures are for looking at;
 * what this test itself compares is that nothing is cut off, that both Campfires show the same, and that nothing of an
 * answer makes the page complain.
 */

const key = '900-Ab1Cd2Ef3Gh4';
const bodyIn = '#messages [data-testid=body]';
const answersPerRoom = 9;
const rooms = Array.from({ length: Math.ceil(awkwardAnswers.length / answersPerRoom) }, (_, index) => ({
  id: index + 1,
  answers: awkwardAnswers.slice(index * answersPerRoom, (index + 1) * answersPerRoom),
}));

/** Ann names each case, the bot answers through the API of that Campfire: at once, or by an edit of a first line. */
async function showAnswers(t: TestContext, face: Face): Promise<Simulator> {
  const simulator = await startSimulator({
    ...{ clock, face, people: [{ id: 1, name: 'Ann', role: 'member' as const }] },
    bots: [{ id: 900, name: 'Assistant', key, webhookUrl: null }],
    rooms: rooms.map(({ id }) => ({ id, name: `Answers ${id}`, kind: 'open' as const })),
  });
  t.after(() => simulator.close());
  const client = createCampfireClient({ baseUrl: simulator.url, version: 'test', clock });
  for (const { id, answers } of rooms) {
    for (const { name, markdown } of answers) {
      simulator.campfire.post(1, id, { html: `<div>${name}</div>` });
      for (const body of bodiesOf(simulator, markdown)) {
        const posted = await client.post(key, id, face === 'full' ? '<div>…</div>' : body);
        assert.equal(posted.kind, 'posted');
        if (face !== 'full' || posted.kind !== 'posted') continue;
        assert.equal((await client.edit(key, id, posted.id ?? 0, body)).kind, 'done');
      }
    }
  }
  return simulator;
}

function bodiesOf({ campfire }: Simulator, markdown: string): string[] {
  const mention = campfire.mentions.sgidOf(1);
  return renderReply(markdown, { marker: (part) => `m1-${part}`, language: 'en', mention }).bodies;
}

/** Opens one room after the other and gives what each shows, once it is all there. */
async function readRooms(
  browser: Browser,
  { url, campfire }: Simulator,
  look: (page: Page, id: number) => unknown,
) {
  const { page, complaints } = await openPage(browser, `${url}/playground`, { width: 1400, height: 900 });
  const shown: string[][] = [];
  for (const { id } of rooms) {
    await page.getByTestId(`room-${id}`).click();
    const bodies = page.locator(bodyIn);
    const count = campfire.messagesIn(id).length;
    await bodies.nth(count - 1).waitFor();
    assert.equal(await bodies.count(), count);
    shown.push(await bodies.allInnerTexts());
    const wide = await page.evaluate(
      `[...document.querySelectorAll('${bodyIn}')].filter((body) => body.scrollWidth > body.clientWidth + 1).map((body) => body.innerText)`,
    );
    assert.deepEqual(wide, [], 'nothing reaches beyond its bubble');
    await look(page, id);
  }
  assert.deepEqual(complaints, []);
  await page.close();
  return shown;
}

function assertShown(texts: string[], answers: readonly AwkwardAnswer[]): void {
  const text = texts.join('\n');
  let position = 0;
  for (const { name, shows } of answers) {
    for (const piece of shows.flatMap((shown) => shown.match(/[\p{L}\p{N}]+/gu) ?? [])) {
      const found = text.indexOf(piece, position);
      assert.ok(found >= 0, `${name}: ${piece}`);
      position = found + piece.length;
    }
  }
}

test('awkward answers look the same on both Campfires, and as in the pictures', async (t) => {
  const browser = await startBrowser(t);
  const full = await showAnswers(t, 'full');
  const shown = await readRooms(browser, full, () => {});
  for (const [index, { answers }] of rooms.entries()) assertShown(shown[index] ?? [], answers);
  const postOnly = await showAnswers(t, 'v1.4.9');
  assert.deepEqual(await readRooms(browser, postOnly, () => {}), shown);
  const sources = ['src/playground/chat', 'src/campfire/html', 'test/campfire/html/awkward-answers.ts'];
  await keepScreenshots('answers', sources, async (folder) => {
    await readRooms(browser, postOnly, (page, id) => takePicture(page, join(folder, `answers-${id}.png`)));
  });
});

/** The whole conversation, whatever its height. */
async function takePicture(page: Page, path: string): Promise<void> {
  const list = "document.querySelector('#messages')";
  const missing = (await page.evaluate(`${list}.scrollHeight - ${list}.clientHeight`)) as number;
  await page.setViewportSize({ width: 1400, height: 900 + missing });
  await page.evaluate(`${list}.scrollTop = 0`);
  await page.locator('#messages').screenshot({ path, animations: 'disabled' });
  await page.setViewportSize({ width: 1400, height: 900 });
}
