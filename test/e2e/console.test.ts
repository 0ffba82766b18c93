import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { adminToken, type Service } from '../support/service.ts';
import { apiKey, botKey, setStage } from '../support/stage.ts';

/** The console of the real service, as a browser asks for it. */

async function signIn({ url }: Service): Promise<string> {
  const answer = await fetch(`${url}/console/sign-in`, {
    ...{ method: 'POST', redirect: 'manual', headers: { origin: url } },
    body: new URLSearchParams({ token: adminToken }),
  });
  assert.equal(answer.status, 303);
  return answer.headers.get('set-cookie')?.split(';')[0] ?? '';
}

/** Reads the stream of changes until one matches; what follows is not read. */
async function changes({ url }: Service, cookie: string) {
  const answer = await fetch(`${url}/console/live`, { headers: { cookie } });
  assert.equal(answer.status, 200);
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.ok(reader);
  let heard = '';
  return {
    async until(pattern: RegExp): Promise<string> {
      for (;;) {
        const found = pattern.exec(heard);
        if (found) return found[0];
        const { value, done } = await reader.read();
        assert.ok(!done, `the stream ended before ${pattern}`);
        heard += value;
      }
    },
    async ended(): Promise<boolean> {
      for (;;) {
        const { done } = await reader.read();
        if (done) return true;
      }
    },
    heard: () => heard,
  };
}

test('a turn is on the page with its session, path and cost, live and without a key; a drain lets open pages go', async (t) => {
  const stage = await setStage(t);
  const service = await stage.start({ CONSOLE_SHOW_TEXT: '1', SHUTDOWN_GRACE_SECONDS: '10' });
  const cookie = await signIn(service);
  const stream = await changes(service, cookie);
  await stream.until(/"whole":true/);
  stage.say(50, 'tell me about the harbour for 2 seconds');
  await stream.until(/50:assistant.*busy/);
  await stage.answers(50, 1);
  await stream.until(/answered.*class=\\"path opened\\">cold/);
  const page = await (await fetch(`${service.url}/console`, { headers: { cookie } })).text();
  assert.match(page, /All is well/);
  assert.match(page, /<b>HQ<\/b><span>assistant/);
  assert.match(page, /<blockquote>.*tell me about the harbour/s);
  assert.match(page, /Cold: a new session was started/);
  assert.match(page, /class="num tokens"><span title="\d+ in/);
  const [session] = await service.sessions();
  assert.match(page, new RegExp(`<td class="num wide">${session?.pid}</td>`));
  for (const secret of [apiKey, botKey, adminToken]) assert.ok(!(page + stream.heard()).includes(secret));

  const csrf = /name="csrf-token" content="([^"]+)"/.exec(page)?.[1] ?? '';
  const closed = await fetch(`${service.url}/api/sessions/50:assistant`, {
    ...{ method: 'DELETE', headers: { cookie, origin: service.url, 'x-csrf-token': csrf } },
  });
  assert.equal(closed.status, 200);
  await stream.until(/"sessions":\{"rows":\{\},"order":\[\]\}/);
  const endings = Promise.all([stream.ended(), service.stop()]);
  assert.deepEqual(await endings, [true, 0]);
  assert.equal(service.events('part.failed').length, 0, service.log.join('\n'));
});

test('without ADMIN_TOKEN there is no console', async (t) => {
  const stage = await setStage(t);
  const service = await stage.start({ ADMIN_TOKEN: '' });
  for (const path of ['/console', '/console/sign-in', '/console/live', '/console/assets/console.js'])
    assert.equal((await fetch(`${service.url}${path}`, { redirect: 'manual' })).status, 404, path);
  const post = await fetch(`${service.url}/console/sign-in`, { method: 'POST', body: 'token=' });
  assert.equal(post.status, 404);
  assert.equal(post.headers.get('content-type'), null);
});

test('pages that come and go by the hundred leave no listener and no memory behind', async (t) => {
  const stage = await setStage(t);
  const service = await stage.start();
  const cookie = await signIn(service);
  const open = async () => {
    const gone = new AbortController();
    const answer = await fetch(`${service.url}/console/live`, { headers: { cookie }, signal: gone.signal });
    await answer.body?.getReader().read();
    gone.abort();
  };
  for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 10 }, open));
  const stream = await changes(service, cookie);
  await stream.until(/"whole":true/);
  await eventually('a sample', () => stream.until(/"samples":\[\[/));
  assert.equal(service.events('part.failed').length, 0, service.log.join('\n'));
  assert.doesNotMatch(service.log.join('\n'), /MaxListenersExceeded/);
});
