import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { startBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { adminGet, type Service, type ServiceHome } from '../support/service.ts';
import { apiKey, type Stage, setStage } from '../support/stage.ts';

/** Links in a posted message, by their text. */
function linksIn(html: string | null): Record<string, string> {
  const links = [...(html ?? '').matchAll(/<a (?:class="btn" )?href="([^"]+)">([^<]*)<\/a>/g)];
  return Object.fromEntries(links.map(([, href = '', label = '']) => [label, href]));
}

const textOf = (html: string | null) =>
  (html ?? '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

/** The working folder of the only conversation. */
function workOf(home: ServiceHome): string {
  const [slot = ''] = readdirSync(join(home.dataDir, 'sessions'));
  return join(home.dataDir, 'sessions', slot, 'work');
}

/** The bot's answer of this number in room 1, once it says so: until then its place may be taken by a notice. */
function answerThat(stage: Pick<Stage, 'answersIn'>, index: number, says: RegExp): Promise<string> {
  const seen = () => stage.answersIn(1)[index]?.html ?? '';
  return eventually(
    `answer ${index} to say ${says}`,
    () => says.test(textOf(seen())) && seen(),
    60_000,
  ).catch((error) => assert.fail(`${error.message}; it says ${textOf(seen())}`));
}

/** A stage whose service knows its own address. */
async function setPublicStage(t: Parameters<typeof setStage>[0], given: Parameters<typeof setStage>[1] = {}) {
  const stage = await setStage(t, given);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const start = (env: Record<string, string> = {}) =>
    stage.start({ PORT: `${port}`, PUBLIC_URL: url, ...env });
  return { ...stage, start, url };
}

const downloadsOf = (service: Service) =>
  adminGet(service, '/api/downloads') as Promise<
    Array<{ id: string; name: string; hits: number; session: string }>
  >;

test('a shared file is a button; its bytes come back equal, after a restart too, until it expires', async (t) => {
  const stage = await setPublicStage(t);
  const first = await stage.start({ DOWNLOAD_TTL_SECONDS: '60', LOG_LEVEL: 'debug' });
  stage.say(1, 'make a list of boats and share the file boats.csv');
  const answer = await answerThat(stage, 0, /^I made the list\. boats\.csv \d+ bytes · until .*\d\d:\d\d$/);
  const link = linksIn(answer)['boats.csv'] ?? '';
  const bytes = readFileSync(join(workOf(stage.home), 'boats.csv'), 'utf8');
  assert.equal(await (await fetch(link)).text(), bytes);
  writeFileSync(join(workOf(stage.home), 'boats.csv'), 'edited later');
  assert.equal(await first.stop(), 0);

  const second = await stage.start({ LOG_LEVEL: 'debug' });
  const again = await fetch(link, { headers: { range: 'bytes=5-10' } });
  assert.deepEqual([again.status, await again.text()], [206, bytes.slice(5, 11)]);
  await fetch(link);
  const [entry] = await downloadsOf(second);
  assert.deepEqual([entry?.name, entry?.session, entry?.hits], ['boats.csv', '1:assistant', 2]);
  const token = link.split('/').at(-1) ?? '';
  const seen = [...first.log, ...second.log, JSON.stringify(await downloadsOf(second))].join('\n');
  assert.ok(seen.includes('download.served') && !seen.includes(token), 'the token is in no log and no list');
  await second.stop();

  const third = await stage.start({ DOWNLOAD_TTL_SECONDS: '2' });
  stage.say(1, 'share the file boats.csv');
  const short = linksIn(await answerThat(stage, 1, /until/))['boats.csv'] ?? '';
  assert.equal((await fetch(short)).status, 200);
  await eventually('the link to end', async () => (await fetch(short)).status === 404);
  assert.match(await (await fetch(short)).text(), /Ask the bot in Campfire to share the file again/);
  assert.equal(readFileSync(join(workOf(stage.home), 'boats.csv'), 'utf8'), 'edited later');
  await third.stop();
});

test('a link that the model wrote is not repeated, one that it made up is taken out', async (t) => {
  const stage = await setPublicStage(t);
  const service = await stage.start();
  stage.say(1, 'make a list of boats and share the file boats.csv with its link');
  const own = await answerThat(stage, 0, /You find it/);
  assert.deepEqual(Object.keys(linksIn(own)), ['here']);
  assert.doesNotMatch(own, /class="btn"/);
  stage.say(1, 'make a list of boats and share the file boats.csv with a made-up link');
  const madeUp = await answerThat(stage, 1, /You find it/);
  assert.deepEqual(Object.keys(linksIn(madeUp)), ['boats.csv'], 'only the button is a link');
  assert.match(textOf(madeUp), /^You find it here, or at \(invalid link\) boats\.csv/);
  assert.equal((await fetch(linksIn(madeUp)['boats.csv'] ?? '')).status, 200);
  await service.stop();
});

test('attachments come behind the answer; without PUBLIC_URL shared files do, too', async (t) => {
  const stage = await setStage(t);
  const service = await stage.start();
  assert.match(JSON.stringify(service.events('service.degraded')), /Set PUBLIC_URL/);
  stage.say(1, 'draw a lighthouse and attach the file lighthouse.svg');
  // Said in a row they might become one turn.
  await stage.answers(1, 2);
  stage.say(1, 'make a list of boats and share the file boats.csv');
  const posted = (await stage.answers(1, 4)).map(({ html, attachment }) => attachment?.name ?? textOf(html));
  assert.deepEqual(posted, [
    'Here it comes.',
    'lighthouse.svg',
    'It did not work: boats.csv will be posted as an attachment behind your answer. There is no link to it, because the administrator has not set PUBLIC_URL.',
    'boats.csv',
  ]);
  await eventually(
    'the copies to be dropped',
    () => readdirSync(join(stage.home.dataDir, 'downloads')).length === 0,
  );
  await service.stop();
});

test('whatever a bot names, nothing outside its folder is shared', async (t) => {
  const stage = await setPublicStage(t);
  const service = await stage.start({ DOWNLOAD_MAX_MB: '1' });
  stage.say(1, 'hello');
  await stage.answers(1, 1);
  const work = workOf(stage.home);
  const outside = join(stage.home.botsDir, 'assistant.json');
  symlinkSync('/', join(work, 'root'));
  linkSync(outside, join(work, 'hard'));
  execFileSync('mkfifo', [join(work, 'fifo')]);
  closeSync(openSync(join(work, 'endless'), 'w'));
  truncateSync(join(work, 'endless'), 1024 ** 4);
  writeFileSync(join(work, 'key.txt'), `the key is ${apiKey}`);
  let answered = 1;
  for (const [path, says] of [
    ['/etc/passwd', /inside your own working folder/],
    [join(stage.home.dataDir, 'service.db'), /inside your own working folder/],
    ['/proc/self/environ', /inside your own working folder/],
    ['root/etc/passwd', /inside your own working folder/],
    ['hard', /hard link/],
    ['fifo', /not a regular file/],
    ['endless', /larger than 1 MB/],
    ['key.txt', /key or password/],
  ] as const) {
    stage.say(1, `${answered % 2 ? 'share' : 'attach'} the file ${path}`);
    await answerThat(stage, answered++, says);
  }
  assert.equal(service.events('download.refused').length, 8);
  assert.deepEqual(readdirSync(join(stage.home.dataDir, 'downloads')), []);
  await service.stop();
});

test('a large file is downloaded while messages go on being accepted and answered', async (t) => {
  const stage = await setPublicStage(t);
  const service = await stage.start();
  stage.say(1, 'hello');
  await stage.answers(1, 1);
  const size = 50 * 1024 * 1024;
  writeFileSync(join(workOf(stage.home), 'large.bin'), Buffer.alloc(size, 'harbour '));
  stage.say(1, 'share the file large.bin');
  const link = linksIn(await answerThat(stage, 1, /until/))['large.bin'] ?? '';
  const download = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    request(link, { agent: false }, resolve).on('error', reject).end();
  });
  // Nobody reads yet: the file must wait in no memory, and nothing else must wait for it.
  stage.say(1, 'hello again');
  await stage.answers(1, 3);
  assert.equal(service.events('message.accepted').length, 3);
  let received = 0;
  for await (const chunk of download) received += (chunk as Buffer).length;
  assert.equal(received, size);
  await service.stop();
});

/** What a page of a bot tries against the service that it came from. */
const hostilePage = `<!doctype html><meta charset="utf-8"><title>page</title><p id="out">waiting</p><script>
const found = {};
const note = async (name, attempt) => {
  try { found[name] = String(await attempt()); } catch (error) { found[name] = 'refused: ' + error.name; }
};
(async () => {
  await note('origin', () => origin);
  await note('cookie', () => document.cookie);
  await note('storage', () => localStorage.getItem('x'));
  await note('sessions', async () => (await fetch('/api/sessions', { credentials: 'include' })).status);
  await note('image', () => new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve('loaded');
    image.onerror = () => reject(new Error('no'));
    image.src = '/health';
  }));
  await note('dataImage', () => new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve('loaded');
    image.onerror = () => reject(new Error('no'));
    image.src = 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>';
  }));
  await note('frame', () => new Promise((resolve) => {
    const frame = document.createElement('iframe');
    frame.onload = () => { try { resolve(frame.contentDocument.body.innerText); } catch { resolve('refused'); } };
    frame.src = '/health';
    document.body.append(frame);
  }));
  await note('opener', () => opener && opener.document.title);
  await note('worker', () => navigator.serviceWorker.register('/x.js'));
  const form = document.createElement('form');
  form.method = 'post';
  form.action = '/webhook/assistant';
  document.body.append(form);
  form.submit();
  document.querySelector('#out').textContent = JSON.stringify(found);
})();
</script>`;

test('a page of a bot runs in a browser and reaches nothing of the service: no cookie, no API, no form', async (t) => {
  const stage = await setPublicStage(t);
  const service = await stage.start();
  stage.say(1, 'hello');
  await stage.answers(1, 1);
  writeFileSync(join(workOf(stage.home), 'page.htm'), hostilePage);
  stage.say(1, 'share the file page.htm');
  const links = linksIn(await answerThat(stage, 1, /until/));
  assert.deepEqual(Object.keys(links), ['page.htm', 'Download']);

  const browser = await startBrowser(t);
  const context = await browser.newContext({ acceptDownloads: true });
  // The console's sign-in, as it would lie in an operator's browser, and one that scripts may read.
  await context.addCookies([
    { name: 'console', value: 'signed-in', url: stage.url, httpOnly: true, sameSite: 'Lax' },
    { name: 'readable', value: 'by-scripts', url: stage.url },
  ]);
  const posts: string[] = [];
  context.on('request', (made) => made.method() === 'POST' && posts.push(made.url()));
  const page = await context.newPage();
  await page.goto(links['page.htm'] ?? '');
  await eventually(
    'the page to have tried',
    async () => (await page.locator('#out').innerText()) !== 'waiting',
  );
  const found = JSON.parse(await page.locator('#out').innerText()) as Record<string, string>;
  assert.equal(found.origin, 'null');
  assert.equal(found.dataImage, 'loaded', 'a picture of its own is shown');
  for (const attempt of ['cookie', 'storage', 'sessions', 'image', 'frame', 'worker'])
    assert.match(found[attempt] ?? '', /^refused/, attempt);
  assert.equal(found.opener, 'null');
  assert.deepEqual(posts, []);
  assert.equal(page.url(), links['page.htm']);

  const downloading = page.waitForEvent('download');
  await page.goto(links.Download ?? '').catch(() => undefined);
  const download = await downloading;
  assert.equal(download.suggestedFilename(), 'page.htm');
  assert.equal(readFileSync((await download.path()) ?? '', 'utf8'), hostilePage);
  await service.stop();
});
