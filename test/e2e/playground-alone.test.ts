import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { StateView } from '../../src/playground/page-views.ts';
import { openPage, startBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';

const program = join(import.meta.dirname, '../../bin/campfire-ai-bot');

interface Webhook {
  user: { name: string };
  room: { path: string };
  message: { body: { plain: string } };
}

/** Somebody else's bot: acknowledges without a word, then posts. Keeps the statuses that it got. */
async function startBot(t: TestContext, campfire: () => string) {
  const statuses: number[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { user, room, message } = JSON.parse(Buffer.concat(chunks).toString()) as Webhook;
    response.writeHead(204).end();
    const body = `<b>${user.name}</b> said: ${message.body.plain}`;
    const headers = { 'content-type': 'text/html; charset=utf-8' };
    const url = `${campfire()}${room.path}`;
    const answer = await fetch(url, { method: 'POST', headers, body, redirect: 'manual' });
    statuses.push(answer.status);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { statuses, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?secret=1` };
}

/** The command, as a bot's author types it; ends with the test. */
async function startAlone(t: TestContext, args: string[]) {
  const child = spawn(program, ['playground', '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.exitCode === null && child.kill('SIGKILL'));
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const url = await eventually('its address', () => /Open (http:\S+)\/playground/.exec(printed)?.[1], 20_000);
  const api = async <T>(method: string, path: string, json?: unknown): Promise<T> => {
    const body = json === undefined ? {} : { body: JSON.stringify(json) };
    const response = await fetch(`${url}/playground/api${path}`, { method, ...body });
    return (response.status === 204 ? null : await response.json()) as T;
  };
  return { child, url, api, printed: () => printed };
}

test('bin/campfire-ai-bot playground: any bot hears and posts, its page tells what came of it, and faults reach it', async (t) => {
  let campfire = '';
  const bot = await startBot(t, () => campfire);
  const alone = await startAlone(t, ['--webhook', bot.url, '--name', 'Parrot', '--face', 'v1.4.9']);
  campfire = alone.url;
  assert.match(alone.printed(), /@Parrot is called at.*\/hook\n.*900-playground00/s);
  assert.ok(!alone.printed().includes('secret'), 'a secret in the address is not printed');

  const { page, complaints } = await openPage(await startBrowser(t), `${alone.url}/playground`);
  await page.getByTestId('room-10').click();
  await page.getByTestId('composer').fill('polly?');
  await page.keyboard.press('Enter');
  await page.locator('.message[data-creator="900"]').waitFor();
  assert.equal(await page.locator('.message[data-creator="900"] .body').innerText(), 'Ann said: polly?');
  await page.getByTestId('trace').getByText('Answered 204').waitFor();
  await page.getByTestId('trace').getByText('no Content-Type: nothing is posted').waitFor();
  await page.getByTestId('news').getByText('POST /rooms/10/900-…/messages').waitFor();
  await page.getByTestId('open-stage').click();
  await page.getByTestId('fault-badGateway').check();
  await page.keyboard.press('Escape');
  await page.getByTestId('trouble').getByText('Its proxy answers 502').waitFor();

  await alone.api('POST', '/rooms/10/messages', { personId: 1, text: 'again?' });
  await eventually('the bot to be refused', () => bot.statuses.length === 2);
  assert.deepEqual(bot.statuses, [201, 502]);
  const state = await alone.api<StateView>('GET', '/state');
  assert.deepEqual(
    state.messages.map(({ plain }) => plain),
    ['polly?', 'Ann said: polly?', 'again?'],
  );
  assert.deepEqual(new Set(state.deliveries.map(({ effect }) => effect?.kind)), new Set(['ignored']));
  assert.deepEqual(complaints, []);
  alone.child.kill('SIGTERM');
  assert.equal(
    await eventually('its end', () => alone.child.exitCode !== null && `${alone.child.exitCode}`),
    '0',
  );
});
