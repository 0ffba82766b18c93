import assert from 'node:assert/strict';
import type { Server, Socket } from 'node:net';
import { test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { systemClock } from '../../src/lib/clock.ts';
import type { Effect, Face } from '../../src/playground/records.ts';
import { judge } from '../../src/playground/verdict.ts';
import { endpointTimeoutMs } from '../../src/playground/webhooks.ts';
import { ann, assistant, direct, onBothFaces, startCast } from './cast.ts';
import { answer, silence, startEndpoint, type WebhookRequest } from './endpoint.ts';
import { selfSigned } from './self-signed.ts';

interface Aftermath {
  /** What the room shows after the person's message. */
  shown: string[];
  effect: Effect | null | undefined;
}

/** A person writes to a bot whose endpoint behaves as `handle`; what comes of it. */
async function after(
  face: Face,
  handle: (request: WebhookRequest) => unknown,
  webhookTimeoutMs = 2_000,
): Promise<Aftermath> {
  await using endpoint = await startEndpoint(handle);
  await using cast = await startCast({ face, webhookUrls: { assistant: endpoint.url }, webhookTimeoutMs });
  cast.postHtml(ann, direct, 'hello');
  await cast.webhooks.settled();
  assert.equal(endpoint.requests.length, 1, 'called once, no redirect followed');
  return { shown: cast.seenIn(direct).slice(1), effect: cast.webhooks.records().at(-1)?.effect };
}

const afterAnswer = (face: Face, bytes: string) => after(face, ({ socket }) => socket.end(bytes));

for (const status of [204, 200, 202, 500, 302]) {
  onBothFaces(`R1: ${status} without a content type posts nothing`, async (face) => {
    const body = status === 204 ? '' : 'ignored';
    assert.deepEqual(await afterAnswer(face, answer(status, undefined, body)), {
      shown: [],
      effect: { kind: 'ignored' },
    });
  });
}

for (const type of ['text/plain', 'text/plain; charset=utf-8', 'text/html;charset=UTF-8']) {
  onBothFaces(
    `R2: 200 ${type} is posted as the bot's message, and the service learns no id`,
    async (face) => {
      const { shown, effect } = await afterAnswer(face, answer(200, type, 'hí'));
      assert.deepEqual(shown, ['hí']);
      assert.equal(effect?.kind, 'text');
    },
  );
}

onBothFaces('R2: a compressed text is posted decompressed', async (face) => {
  const body = gzipSync('hi');
  const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`;
  const { shown } = await after(face, ({ socket }) => socket.write(head) && socket.end(body));
  assert.deepEqual(shown, ['hi']);
});

onBothFaces('R3: 200 text/html with an empty body is a blank message', async (face) => {
  assert.deepEqual((await afterAnswer(face, answer(200, 'text/html'))).shown, ['']);
});

for (const [title, status, type, name] of [
  ['R4', 200, 'application/json', 'attachment.json'],
  ['R5', 400, 'application/json', 'attachment.json'],
  ['R5', 404, 'application/json; charset=utf-8', 'attachment.json'],
  ['R5', 500, 'text/plain', 'attachment.text'],
  ['R6', 502, 'text/html', 'attachment.html'],
  ['R7', 202, 'text/plain', 'attachment.text'],
  ['R8', 200, 'Text/Plain', 'attachment.'],
] as const) {
  onBothFaces(`${title}: ${status} ${type} becomes a file ${name}`, async (face) => {
    const { shown, effect } = await afterAnswer(face, answer(status, type, '{}'));
    assert.deepEqual(shown, [name]);
    assert.equal(effect?.kind, 'attachment');
  });
}

test('R9: Campfire gives an endpoint 7 s', () => {
  assert.equal(endpointTimeoutMs, 7_000);
});

onBothFaces('R9: after silence the bot "says" that it failed, and a later answer is lost', async (face) => {
  await using endpoint = await startEndpoint(() => {});
  await using cast = await startCast({
    face,
    webhookUrls: { assistant: endpoint.url },
    webhookTimeoutMs: 150,
  });
  cast.postHtml(ann, direct, 'hello');
  const { socket } = await endpoint.request(1);
  await cast.webhooks.settled();
  socket.end(answer(200, 'text/plain', 'too late'));
  cast.postHtml(ann, direct, 'still there?');
  await endpoint.request(2);
  assert.deepEqual(cast.seenIn(direct), ['hello', 'Failed to respond within 7 seconds', 'still there?']);
  assert.equal(cast.campfire.messagesIn(direct)[1]?.creatorId, assistant);
});

onBothFaces('R9: headers that come and a body that does not are a timeout, too', async (face) => {
  const { shown } = await after(
    face,
    ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nhalf');
    },
    150,
  );
  assert.deepEqual(shown, ['Failed to respond within 7 seconds']);
});

const tlsWithBadCertificate = (listener: (socket: Socket) => void): Server => {
  return createTlsServer(selfSigned('127.0.0.1'), listener);
};

for (const [what, handle] of [
  ['closed', ({ socket }) => socket.end()],
  ['reset', ({ socket }) => socket.resetAndDestroy()],
  [
    'cut off in the body',
    ({ socket }) => socket.end('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nhal'),
  ],
  ['not HTTP', ({ socket }) => socket.end('220 mail.example ESMTP\r\n')],
] as const satisfies readonly (readonly [string, (request: WebhookRequest) => void])[]) {
  onBothFaces(`R10: a connection that is ${what} shows nothing`, async (face) => {
    const { shown, effect } = await after(face, handle);
    assert.deepEqual(shown, []);
    assert.equal(effect?.kind, 'failed');
  });
}

onBothFaces('R10: a refused connection shows nothing', async (face) => {
  const endpoint = await startEndpoint();
  await endpoint[Symbol.asyncDispose]();
  await using cast = await startCast({ face, webhookUrls: { assistant: endpoint.url } });
  cast.postHtml(ann, direct, 'hello');
  await cast.webhooks.settled();
  assert.deepEqual(cast.seenIn(direct), ['hello']);
});

onBothFaces('R10: a self-signed certificate shows nothing', async (face) => {
  await using endpoint = await startEndpoint(({ socket }) => socket.end(silence), tlsWithBadCertificate);
  await using cast = await startCast({
    face,
    webhookUrls: { assistant: endpoint.url.replace('http:', 'https:') },
  });
  cast.postHtml(ann, direct, 'hello');
  await cast.webhooks.settled();
  assert.deepEqual(cast.seenIn(direct), ['hello']);
  const effect = cast.webhooks.records()[0]?.effect;
  assert.match(effect?.kind === 'failed' ? effect.cause : '', /self-signed/);
  assert.equal(endpoint.requests.length, 0);
});

onBothFaces('R11: a redirect becomes a file and is not followed', async (face) => {
  const redirect =
    'HTTP/1.1 301 Moved\r\nContent-Type: text/html\r\nLocation: /elsewhere\r\nContent-Length: 5\r\n\r\nmoved';
  assert.deepEqual((await afterAnswer(face, redirect)).shown, ['attachment.html']);
});

onBothFaces('R12: a text that trickles in for longer than the limit is posted whole', async (face) => {
  const timeoutMs = 500;
  let tookMs = 0;
  const { shown } = await after(
    face,
    async ({ socket }) => {
      const from = systemClock.monotonicMs();
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n');
      for (const word of 'one two three four five six seven eight nine'.split(' ')) {
        await systemClock.sleep(timeoutMs / 8);
        socket.write(`${word.length.toString(16)}\r\n${word}\r\n`);
      }
      tookMs = systemClock.monotonicMs() - from;
      socket.end('0\r\n\r\n');
    },
    timeoutMs,
  );
  assert.deepEqual(shown, ['onetwothreefourfivesixseveneightnine']);
  assert.ok(tookMs > timeoutMs, `the answer took ${tookMs} ms`);
});

const verdicts = (status: number, contentType: string | null, body = 'x') => {
  const verdict = judge({ status, contentType, body: Buffer.from(body) });
  return verdict.kind === 'attachment' ? verdict.name : verdict.kind;
};

test('an answer is judged by the exact status and the exact type', () => {
  const table: [number, string | null, string][] = [
    [200, null, 'ignored'],
    [200, 'text/plain', 'text'],
    [201, 'text/plain', 'attachment.text'],
    [503, 'text/plain', 'attachment.text'],
    [301, 'text/html', 'attachment.html'],
    [200, 'image/png', 'attachment.png'],
    [200, 'text/csv', 'attachment.csv'],
    [200, 'application/pdf', 'attachment.pdf'],
    [200, 'text/markdown', 'attachment.'],
    [200, 'application/octet-stream', 'attachment.'],
    [404, 'application/problem+json', 'attachment.'],
    [200, '', 'failed'],
    [200, 'garbage', 'failed'],
    [200, 'text/plain, text/html', 'failed'],
  ];
  for (const [status, type, expected] of table) {
    assert.equal(verdicts(status, type), expected, `${status} ${JSON.stringify(type)}`);
  }
});
