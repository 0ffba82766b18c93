import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createAdaptorServer } from '@hono/node-server';
import type { Kept } from '../../src/downloads/downloads.ts';
import { downloadRoutes } from '../../src/downloads/routes.ts';
import { createHttp } from '../../src/http.ts';
import { testClock } from '../support/clock.ts';
import { setDownloads } from '../support/downloads.ts';
import { eventually } from '../support/eventually.ts';

const owner = { botId: 'helper', roomId: 7, turnId: '1' };
const page = '<!doctype html><title>季度</title><script>document.title = "ran"</script>';

/** Routes as the service mounts them, and files shared through them. */
function setRoutes(t: TestContext) {
  const clock = testClock();
  const stage = setDownloads(t, clock);
  const errors: unknown[] = [];
  const app = createHttp({
    routes: [
      downloadRoutes({ downloads: stage.downloads, publicUrl: 'https://bots.example/ai', instance: 'me' }),
    ],
    ...{
      health: async () => ({}),
      readiness: () => ({ ready: true }),
      onError: (error) => errors.push(error),
    },
  });
  const share = async (
    name: string,
    content: string | Buffer,
  ): Promise<Kept & { open: string; download: string }> => {
    writeFileSync(join(stage.work.path, 'x'), content);
    const source = { from: 'file', folder: stage.work, path: 'x' } as const;
    const kept = await stage.downloads.keep(
      source,
      { ...owner, turnId: name },
      { as: 'link', name, title: null },
    );
    assert.ok(kept.kind === 'kept' && kept.links);
    const path = (link: string) => link.replace('https://bots.example/ai', '');
    return { ...kept, open: path(kept.links.open), download: path(kept.links.download) };
  };
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    app.request(path, { method, headers });
  return { ...stage, clock, app, share, get, errors };
}

const header = (response: Response, name: string) => response.headers.get(name) ?? '';

test('a file is downloaded under its name, whole, with everything that keeps a browser from running it', async (t) => {
  const { share, get } = setRoutes(t);
  const { download, file } = await share('季度 报告.html', page);
  const response = await get(download);
  assert.equal(response.status, 200);
  assert.equal(await response.text(), page);
  assert.match(
    header(response, 'content-disposition'),
    /^attachment; .*filename\*=UTF-8''%E5%AD%A3%E5%BA%A6%20%E6%8A%A5%E5%91%8A\.html$/,
  );
  assert.equal(header(response, 'content-type'), 'text/html; charset=utf-8');
  assert.equal(header(response, 'content-length'), String(Buffer.byteLength(page)));
  assert.equal(header(response, 'etag'), `"${file.digest}"`);
  assert.match(header(response, 'content-security-policy'), /default-src 'none'; sandbox;/);
  assert.match(header(response, 'cache-control'), /^private/);
  for (const [name, value] of [
    ['x-content-type-options', 'nosniff'],
    ['referrer-policy', 'no-referrer'],
    ['cross-origin-resource-policy', 'same-origin'],
    ['x-frame-options', 'DENY'],
  ] as const)
    assert.equal(header(response, name), value);
  assert.match(header(response, 'x-robots-tag'), /noindex/);
});

test('only a page has a view, and it is sandboxed without this origin, forms, frames and requests', async (t) => {
  const { share, get } = setRoutes(t);
  const shown = await get((await share('a.html', page)).open);
  const policy = header(shown, 'content-security-policy');
  assert.match(header(shown, 'content-disposition'), /^inline/);
  assert.match(policy, /sandbox allow-scripts/);
  assert.doesNotMatch(policy, /allow-same-origin|allow-top-navigation|allow-forms/);
  for (const directive of [
    "default-src 'none'",
    "connect-src 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ])
    assert.ok(policy.includes(directive), directive);
  const csv = await share('b.csv', 'a,b');
  assert.equal(csv.open, csv.download);
  const asView = await get(csv.download.replace('download', 'view'));
  assert.match(header(asView, 'content-disposition'), /^attachment/);
  for (const name of ['c.svg', 'd.xml', 'e.xhtml', 'f.pdf'])
    assert.match(
      header(
        await get((await share(name, '<x/>')).download.replace('download', 'view')),
        'content-disposition',
      ),
      /^attachment/,
    );
});

test('scripts and styles have no type that a page of this origin could load', async (t) => {
  const { share, get } = setRoutes(t);
  for (const name of ['a.js', 'b.mjs', 'c.css'])
    assert.equal(
      header(await get((await share(name, 'x')).download), 'content-type'),
      'text/plain; charset=utf-8',
    );
});

test('parts, conditions and HEAD', async (t) => {
  const { share, get } = setRoutes(t);
  const { download, file } = await share('a.bin', '0123456789');
  const part = await get(download, { range: 'bytes=2-4' });
  assert.deepEqual(
    [part.status, await part.text(), header(part, 'content-range')],
    [206, '234', 'bytes 2-4/10'],
  );
  const beyond = await get(download, { range: 'bytes=10-' });
  assert.deepEqual([beyond.status, header(beyond, 'content-range')], [416, 'bytes */10']);
  const changed = await get(download, { range: 'bytes=2-4', 'if-range': '"other"' });
  assert.deepEqual([changed.status, await changed.text()], [200, '0123456789']);
  const known = await get(download, { 'if-none-match': `"${file.digest}"` });
  assert.deepEqual([known.status, await known.text(), header(known, 'etag')], [304, '', `"${file.digest}"`]);
  const head = await get(download, {}, 'HEAD');
  assert.deepEqual([head.status, await head.text(), header(head, 'content-length')], [200, '', '10']);
});

test('only a download that begins counts: neither HEAD, nor prefetch, nor a later part, nor what is known', async (t) => {
  const { share, get, downloads, events } = setRoutes(t);
  const { download, file } = await share('a.bin', '0123456789');
  await get(download, {}, 'HEAD');
  await get(download, { 'sec-purpose': 'prefetch;prerender' });
  await get(download, { purpose: 'prefetch' });
  await get(download, { range: 'bytes=5-' });
  await get(download, { 'if-none-match': `"${file.digest}"` });
  assert.equal((await downloads.list())[0]?.hits, 0);
  await get(download);
  await get(download, { range: 'bytes=0-3' });
  assert.equal((await downloads.list())[0]?.hits, 2);
  assert.deepEqual(
    events.filter((event) => event.type === 'download.served').map(({ bytes }) => bytes),
    [10, 4],
  );
});

test('whatever opens nothing gets the same page, in the reader’s language', async (t) => {
  const { share, get, clock, downloads, store } = setRoutes(t);
  const expired = await share('expired.txt', 'x');
  clock.advance(3_600_000);
  const revoked = await share('revoked.txt', 'x');
  await downloads.revoke(revoked.file.id);
  const lost = await share('lost.txt', 'x');
  rmSync(join(store, lost.file.id));
  const alive = await share('alive.txt', 'x');
  const answers: string[] = [];
  for (const path of [
    ...[expired.download, revoked.download, lost.download, `${alive.download}x`, alive.download.slice(0, -1)],
    ...['/files/download/', '/files/view/x', '/files/download/%00', `/files/download/${'x'.repeat(5000)}`],
    '/files/download/a/b',
  ]) {
    const response = await get(path);
    const headers = [...response.headers].filter(([name]) => name !== 'date');
    answers.push(JSON.stringify([response.status, headers, await response.text()]));
  }
  assert.equal(new Set(answers).size, 1);
  assert.match(answers[0] ?? '', /^\[404,.*This link opens nothing.*Ask the bot in Campfire/s);
  const chinese = await get('/files/view/x', { 'accept-language': 'zh-CN,zh;q=0.9,en;q=0.8' });
  assert.match(await chinese.text(), /lang="zh-CN".*此链接无法打开/s);
  const english = await get('/files/view/x', { 'accept-language': 'en-US,en;q=0.9,zh;q=0.8' });
  assert.match(await english.text(), /lang="en"/);
});

test('a proxy may pass the path of PUBLIC_URL on or take it away', async (t) => {
  const { share, get } = setRoutes(t);
  const { download } = await share('a.txt', 'x');
  assert.equal(await (await get(download)).text(), 'x');
  assert.equal(await (await get(`/ai${download}`)).text(), 'x');
});

test('a reader who goes away or stops reading holds nobody up and leaves nothing open', async (t) => {
  const { share, app, errors } = setRoutes(t);
  const { download } = await share('large.bin', Buffer.alloc(1_000_000, 7));
  const server = createAdaptorServer({ fetch: app.fetch });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const url = `http://127.0.0.1:${port}${download}`;
  const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
  assert.equal(whole.equals(Buffer.alloc(1_000_000, 7)), true);
  const head = await fetch(url, { method: 'HEAD' });
  assert.equal(head.headers.get('content-length'), '1000000');
  for (let round = 0; round < 20; round++) {
    await new Promise<void>((resolve, reject) => {
      const reading = request(url, { agent: false }, (answer) => {
        answer.once('data', () => {
          reading.destroy();
          resolve();
        });
        answer.on('error', () => {});
      });
      reading.on('error', (error) => (reading.destroyed ? resolve() : reject(error)));
      reading.end();
    });
  }
  const connections = () =>
    new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
  await eventually('every connection to be gone', async () => (await connections()) <= 2);
  assert.deepEqual(errors, []);
});
