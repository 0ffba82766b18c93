import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { checkPath, checkPublicUrl, describePublicUrl, proofFor } from '../../src/downloads/public-url.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { freePort } from '../support/free-port.ts';

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const check = (url: string | null) => checkPublicUrl(url, 'mine', clock);

test('an address that leads here is fine, with a path of a proxy before it, too', async (t) => {
  const url = await serve(t, (request, response) => {
    const [, challenge = ''] = request.url?.split(`/bots${checkPath}/`) ?? [];
    response.end(proofFor('mine', challenge));
  });
  assert.deepEqual(await check(`${url}/bots`), { kind: 'ok', url: `${url}/bots` });
  assert.equal(describePublicUrl(await check(`${url}/bots`)), null);
});

test('everything else is told with what mends it', async (t) => {
  const other = await serve(t, (request, response) => {
    response.end(proofFor('another service', request.url?.split('/').at(-1) ?? ''));
  });
  const login = await serve(t, (_, response) => response.end('<html>'.repeat(100_000)));
  const missing = await serve(t, (_, response) => response.writeHead(404).end());
  const redirecting = await serve(t, (_, response) => {
    response.writeHead(301, { location: 'https://bots.example/files' }).end();
  });
  const nobody = `http://127.0.0.1:${await freePort()}`;
  for (const [url, kind, says] of [
    [null, 'unset', /Set PUBLIC_URL/],
    [other, 'elsewhere', /reverse proxy/],
    [login, 'elsewhere', /HTTP 200/],
    [missing, 'elsewhere', /HTTP 404/],
    [redirecting, 'redirected', /beginning with https:\/\/bots\.example/],
    [nobody, 'unreachable', /ECONNREFUSED/],
  ] as const) {
    const result = await check(url);
    assert.equal(result.kind, kind);
    const { problem, remedy } = describePublicUrl(result) ?? { problem: '', remedy: '' };
    assert.match(`${problem} ${remedy}`, says);
  }
});
