import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type RelayParts, startRelay } from '../../src/agent/relay.ts';
import type { LifecycleEvent } from '../../src/telemetry/events.ts';
import { selfSigned } from '../playground/self-signed.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';

const apiKey = 'sk-ant-api03-of-the-operator';
const oauthToken = 'sk-ant-oat01-of-the-operator';

type Play = (request: IncomingMessage, response: ServerResponse) => void;

/** An API that notes what it is asked and answers as `play` says, and a relay before it. */
async function stage(t: TestContext, play: Play, given: Partial<RelayParts> = {}) {
  const asked: IncomingMessage[] = [];
  const api = createServer((message, response) => {
    asked.push(message);
    play(message, response);
  });
  await once(api.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    api.close();
    api.closeAllConnections();
  });
  const events: LifecycleEvent[] = [];
  const secrets = new Set<string>();
  const relay = await startRelay({
    ...{ credentials: { apiKey, oauthToken: undefined }, proxies: {}, secrets },
    upstreamUrl: `http://127.0.0.1:${(api.address() as AddressInfo).port}`,
    emit: (event) => events.push(event),
    ...given,
  });
  t.after(() => relay.close());
  const access = relay.admit();
  const { ANTHROPIC_BASE_URL: url = '', ANTHROPIC_API_KEY: token = '' } = access.environment;
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      body: '{}',
      ...init,
      headers: { 'x-api-key': token, ...init.headers },
    });
  return { api, asked, events, secrets, relay, access, url, token, ask };
}

const ok: Play = (message, response) => {
  message.resume().once('end', () => response.end('fine'));
};

test('the key takes the place of the token, and nothing else of a call changes', async (t) => {
  let body = '';
  const { ask, asked, token, secrets, events } = await stage(t, (message, response) => {
    void textOf(message).then((text) => {
      body = text;
      response.writeHead(529, { 'content-type': 'text/event-stream', 'retry-after': '7' });
      response.end('event: x\n\n');
    });
  });
  const answer = await ask('/v1/messages?beta=true', {
    body: 'What people said.',
    headers: { 'anthropic-beta': 'a,b', authorization: 'Bearer something', 'x-app': 'cli' },
  });

  assert.equal(answer.status, 529);
  assert.equal(answer.headers.get('retry-after'), '7');
  assert.equal(await answer.text(), 'event: x\n\n');
  const [call] = asked;
  assert.equal(call?.url, '/v1/messages?beta=true');
  assert.equal(body, 'What people said.');
  assert.equal(call?.headers['x-api-key'], apiKey);
  assert.equal(call?.headers.authorization, undefined);
  assert.equal(call?.headers['anthropic-beta'], 'a,b');
  assert.equal(
    call?.rawHeaders.some((value) => value.includes(token)),
    false,
  );
  assert.ok(secrets.has(token), 'the token is a secret as long as it is valid');
  assert.deepEqual(events, [{ type: 'claude.called', status: 529 }]);
});

test('a token of a subscription stays one, below the path of a gateway', async (t) => {
  const credentials = { apiKey: undefined, oauthToken };
  const gateway = await stage(t, ok);
  const upstreamUrl = `http://127.0.0.1:${(gateway.api.address() as AddressInfo).port}/anthropic`;
  const { access, url } = await stage(t, ok, { credentials, upstreamUrl });
  const { CLAUDE_CODE_OAUTH_TOKEN: token, ANTHROPIC_API_KEY: none } = access.environment;

  assert.equal(none, undefined);
  const answer = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200);
  assert.equal(gateway.asked[0]?.url, '/anthropic/v1/models');
  assert.equal(gateway.asked[0]?.headers.authorization, `Bearer ${oauthToken}`);
  const asKey = await fetch(`${url}/v1/models`, { headers: { 'x-api-key': token ?? '' } });
  assert.equal(asKey.status, 401, 'a kind of credential that the operator did not give');
});

test('whoever has no valid token is told so in the API’s words', async (t) => {
  const { ask, asked, access, relay, secrets, events } = await stage(t, ok);
  for (const token of ['', 'x', apiKey, 'sk-ant-relay-']) {
    const answer = await ask('/v1/messages', { headers: { 'x-api-key': token } });
    assert.equal(answer.status, 401);
    assert.deepEqual(await answer.json(), {
      type: 'error',
      error: { type: 'authentication_error', message: 'This token is not valid.' },
    });
  }
  const other = relay.admit();
  access.revoke();
  access.revoke();
  assert.equal((await ask('/v1/messages')).status, 401, 'its own is valid no longer');
  const headers = { 'x-api-key': other.environment.ANTHROPIC_API_KEY ?? '' };
  assert.equal((await ask('/v1/messages', { headers })).status, 200, 'the other one is');
  other.revoke();
  assert.equal(asked.length, 1);
  assert.equal(secrets.size, 0);
  assert.equal(events.filter(({ type }) => type === 'relay.refused').length, 5);
});

test('a revoked token cuts off what is under way with it', async (t) => {
  const { ask, access, asked } = await stage(t, (_, response) => void response.write('begun'));
  const answer = await ask('/v1/messages');
  access.revoke();
  await assert.rejects(answer.text());
  await eventually('the API to be hung up on', () => asked[0]?.socket.destroyed);
});

test('only what claude calls is passed on', async (t) => {
  const { url, token, asked } = await stage(t, ok);
  const send = (line: string) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write(
      `${line} HTTP/1.1\r\nhost: x\r\nx-api-key: ${token}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
    );
    return textOf(socket);
  };
  const passed = [
    'POST /v1/messages',
    'POST /v1/messages/count_tokens?beta=true',
    'GET /v1/models/claude-x-4.5',
  ];
  for (const line of passed) assert.match(await send(line), /^HTTP\/1\.1 200/, line);
  assert.equal(asked.length, passed.length);
  for (const line of [
    ...[
      'GET /v1/messages',
      'POST /v1/files',
      'POST /v1/organizations/api_keys',
      'GET /',
      'DELETE /v1/models/x',
    ],
    ...['GET /v1/models/..', 'GET /v1/models/../files', 'GET /v1/models/%2e%2e/files', 'POST //v1/messages'],
    ...[
      'POST /v1/messages/../files',
      'POST /v1/messages/batches',
      'POST /v1/messages#x',
      'POST /v1/messages?a=/',
    ],
    ...['POST http://example.com/v1/messages', 'POST @example.com/v1/messages', 'OPTIONS *'],
  ])
    assert.match(await send(line), /^HTTP\/1\.1 40[04]/, line);
  assert.equal(await send('CONNECT example.com:443'), '', 'no tunnel');
  assert.equal(asked.length, passed.length, 'none of these has reached the API');
});

test('words arrive as they are written, and a slow reader slows the API down', async (t) => {
  let next: () => void = () => {};
  let sent = 0;
  const chunk = Buffer.alloc(256 * 1024, 'x');
  const total = 128 * chunk.length;
  const { url, token } = await stage(t, (_, response) => {
    response.write('first');
    next = () => {
      do sent += chunk.length;
      while (response.write(chunk) && sent < total);
      if (sent >= total) response.end();
      else response.once('drain', next);
    };
  });
  const call = request(`${url}/v1/messages`, { method: 'POST', headers: { 'x-api-key': token } }).end('{}');
  const [answer] = (await once(call, 'response')) as [IncomingMessage];
  const [first] = (await once(answer, 'data')) as [Buffer];
  assert.equal(String(first), 'first', 'before there is anything behind it');
  answer.pause();
  next();
  let before = -1;
  await eventually('the API to be slowed down', () => {
    const stands = sent === before;
    before = sent;
    return stands;
  });
  assert.ok(sent < total / 2, `${sent} bytes are on their way to a reader who does not read`);
  let got = 0;
  answer.on('data', (data: Buffer) => {
    got += data.length;
  });
  answer.resume();
  await once(answer, 'end');
  assert.equal(got, total);
});

test('a large question goes through while it is being written', async (t) => {
  let heard = 0;
  const { url, token } = await stage(t, (message, response) => {
    message.on('data', (data: Buffer) => {
      heard += data.length;
    });
    message.once('end', () => response.end('fine'));
  });
  const call = request(`${url}/v1/messages`, { method: 'POST', headers: { 'x-api-key': token } });
  call.write(Buffer.alloc(1024));
  await eventually('the beginning to arrive', () => heard === 1024);
  call.end(Buffer.alloc(30 * 1024 * 1024));
  const [answer] = (await once(call, 'response')) as [IncomingMessage];
  assert.equal(await textOf(answer), 'fine');
  assert.equal(heard, 1024 + 30 * 1024 * 1024);
});

test('whoever hangs up ends both halves', async (t) => {
  let breakOff: () => void = () => {};
  const { ask, asked } = await stage(t, (_, response) => {
    response.write('begun');
    breakOff = () => response.destroy();
  });
  const hangUp = new AbortController();
  await ask('/v1/messages', { signal: hangUp.signal });
  hangUp.abort();
  await eventually('the API to be hung up on', () => asked[0]?.socket.destroyed);

  const answer = await ask('/v1/messages');
  breakOff();
  await assert.rejects(answer.text(), 'an answer that was cut off must not look complete');
});

test('an agent that hangs up before there is an answer is not reported as trouble', async (t) => {
  const { ask, asked, events } = await stage(t, () => {});
  const hangUp = new AbortController();
  const answer = ask('/v1/messages', { signal: hangUp.signal });
  await eventually('the call to arrive', () => asked.length === 1);
  hangUp.abort();
  await assert.rejects(answer);
  await eventually('the API to be hung up on', () => asked[0]?.socket.destroyed);
  assert.deepEqual(events, []);
});

test('an API that cannot be reached is a 502 with the reason, and the connection stays usable', async (t) => {
  const { ask, api, asked, events } = await stage(t, ok);
  assert.equal((await ask('/v1/messages')).status, 200);
  const { port } = api.address() as AddressInfo;
  api.close();
  api.closeAllConnections();
  const answer = await ask('/v1/messages', { body: 'x'.repeat(5_000_000) });
  assert.equal(answer.status, 502);
  assert.match(
    await answer.text(),
    /"api_error","message":"Claude cannot be reached: .*(ECONN|socket hang up)/,
  );
  assert.deepEqual(events.slice(1), [
    { type: 'claude.called', status: null },
    { type: 'claude.unreachable', problem: (events[2] as { problem?: string }).problem },
  ]);
  await once(api.listen(port, '127.0.0.1'), 'listening');
  assert.equal((await ask('/v1/messages')).status, 200);
  assert.equal(asked.length, 2);
});

test('calls share connections to the API', async (t) => {
  const { ask, asked } = await stage(t, ok);
  for (let n = 0; n < 5; n++) await (await ask('/v1/messages')).text();
  assert.equal(new Set(asked.map(({ socket }) => socket)).size, 1);
});

test('the operator’s proxy leads to the API, and not to the relay', async (t) => {
  const proxy = await stage(t, ok);
  const HTTP_PROXY = `http://127.0.0.1:${(proxy.api.address() as AddressInfo).port}`;
  const parts = { upstreamUrl: 'http://api.example', proxies: { HTTP_PROXY, NO_PROXY: 'intern' } };
  const { ask, access } = await stage(t, ok, parts);
  assert.equal((await ask('/v1/messages')).status, 200);
  assert.equal(proxy.asked[0]?.url, 'http://api.example/v1/messages');
  assert.equal(access.environment.NO_PROXY, 'intern,127.0.0.1');
  assert.equal(access.environment.no_proxy, 'intern,127.0.0.1');
});

async function textOf(stream: AsyncIterable<Buffer | string>): Promise<string> {
  let text = '';
  for await (const part of stream) text += String(part);
  return text;
}

test('a certificate that only the machine’s own store vouches for is trusted from the second call on', async (t) => {
  const { key, cert } = selfSigned('localhost');
  const file = join(tempFolder(t), 'store.pem');
  writeFileSync(file, cert);
  const secure = createSecureServer({ key, cert }, ok);
  await once(secure.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    secure.close();
    secure.closeAllConnections();
  });
  process.env.SSL_CERT_FILE = file;
  t.after(() => delete process.env.SSL_CERT_FILE);
  const upstreamUrl = `https://localhost:${(secure.address() as AddressInfo).port}`;
  const { ask } = await stage(t, ok, { upstreamUrl });

  const first = await ask('/v1/messages');
  assert.equal(first.status, 502);
  assert.match(await first.text(), /self-signed certificate/);
  assert.equal(await (await ask('/v1/messages')).text(), 'fine');
});
