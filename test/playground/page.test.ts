import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceFact, WatchedService } from '../../src/playground/chat/service-feed.ts';
import { ann, hq, startCast } from './cast.ts';

/** The page as it is served; what its script makes of it is in test/e2e/playground.test.ts. */

/** A service that tells what the test lets it tell. */
function fakeService() {
  const listeners = new Set<(fact: ServiceFact) => void>();
  const killed: string[] = [];
  const service: WatchedService = {
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    snapshot: async () => ({ sessions: [] }),
    async killAgent(session) {
      killed.push(session);
      return session === '1:bot';
    },
  };
  const tell = (fact: ServiceFact) => {
    for (const listen of listeners) listen(fact);
  };
  return { service, killed, tell };
}

test('the page brings what it draws first, and nothing that people wrote ends its element', async () => {
  const { service, tell } = fakeService();
  await using cast = await startCast({ service });
  cast.postHtml(ann, hq, 'x &lt;/script>&lt;script>alert(1)&lt;/script> <!--');
  tell({ type: 'a.new_fact', session: '1:bot', words: '</script>' });
  const response = await fetch(`${cast.url}/playground`);
  const html = await response.text();
  const inline = [...html.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/g)];
  assert.deepEqual(
    inline.map(([, attributes]) => /type="([^"]*)"/.exec(attributes ?? '')?.[1]),
    [undefined, 'module', 'application/json'],
  );
  const data = JSON.parse(inline.at(-1)?.[2] ?? '') as {
    state: { messages: { plain: string }[] };
    service: { facts: ServiceFact[] };
  };
  assert.match(data.state.messages[0]?.plain ?? '', /<\/script><script>alert\(1\)/);
  const [fact] = data.service.facts;
  assert.deepEqual(
    [fact?.type, fact?.words, fact?.n, typeof fact?.at],
    ['a.new_fact', '</script>', 1, 'number'],
  );
  assert.match(response.headers.get('content-security-policy') ?? '', /script-src 'self';/);
});

test('everything that the page and its modules load is served with its type, and nothing else of the folder', async () => {
  await using cast = await startCast();
  const get = (path: string) => fetch(`${cast.url}${path}`);
  const seen = new Set<string>();
  const waiting = [
    ...(await (await get('/playground')).text()).matchAll(/(?:src|href)="(\/playground\/[^"]+)"/g),
  ].map(([, path = '']) => path);
  // These are named by a variable, when there is code to colour.
  for (const name of ['core', 'languages/python', 'languages/xml'])
    waiting.push(`/playground/assets/highlight/${name}.js`);
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const response = await get(path);
    assert.equal(response.status, 200, path);
    const type = { css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' }[
      path.split('.').at(-1) ?? ''
    ];
    assert.equal(response.headers.get('content-type'), `${type}; charset=utf-8`, path);
    const text = await response.text();
    for (const [, module = ''] of text.matchAll(/(?:from|import\()\s*'(\.\/[^']+)'/g)) {
      waiting.push(new URL(module, `${cast.url}${path}`).pathname);
    }
    const etag = response.headers.get('etag') ?? '';
    assert.equal(
      (await fetch(`${cast.url}${path}`, { headers: { 'if-none-match': etag } })).status,
      304,
      path,
    );
  }
  assert.ok(seen.size > 20, [...seen].join(' '));
  for (const path of ['html.ts', 'routes.ts', '../html.ts', '%2e%2e/html.ts', 'script/page.js']) {
    assert.equal((await get(`/playground/assets/${path}`)).status, 404, path);
  }
});

test('an agent is killed by its session’s name, by this page alone', async () => {
  const { service, killed } = fakeService();
  await using cast = await startCast({ service });
  const kill = async (session: string, headers: Record<string, string> = {}) =>
    (await fetch(`${cast.url}/playground/api/service/sessions/${session}/kill`, { method: 'POST', headers }))
      .status;
  assert.equal(await kill('1:bot', { 'sec-fetch-site': 'cross-site' }), 403);
  assert.deepEqual(killed, []);
  assert.equal(await kill('1:bot', { 'sec-fetch-site': 'same-origin' }), 204);
  assert.equal(await kill('2:bot'), 404);
  assert.deepEqual(killed, ['1:bot', '2:bot']);
});

test('without a service there is nothing to watch and nothing to kill', async () => {
  await using cast = await startCast();
  const response = await fetch(`${cast.url}/playground/api/service/sessions/1:bot/kill`, { method: 'POST' });
  assert.equal(response.status, 404);
  assert.match(await (await fetch(`${cast.url}/playground`)).text(), /data-has-service="false"/);
});
