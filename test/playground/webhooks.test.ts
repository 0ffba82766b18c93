import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Face } from '../../src/playground/records.ts';
import {
  ann,
  assistant,
  direct,
  helper,
  hq,
  keys,
  lab,
  messagesPath,
  onBothFaces,
  startCast,
  trio,
} from './cast.ts';
import { answer, silence, startEndpoint } from './endpoint.ts';

/** Both bots' endpoints, and a Campfire that calls them. */
async function startBoth(face: Face = 'full') {
  const stack = new AsyncDisposableStack();
  const b = stack.use(await startEndpoint());
  const c = stack.use(await startEndpoint());
  const webhookUrls = { assistant: b.url, helper: c.url };
  const cast = stack.use(await startCast({ face, webhookUrls }));
  return { b, c, cast, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

onBothFaces('W1: any text of a person in a direct room reaches its bot exactly once', async (face) => {
  await using stage = await startBoth(face);
  stage.cast.postHtml(ann, direct, '<div>hello</div>');
  await stage.cast.webhooks.settled();
  assert.equal(stage.b.requests.length, 1);
  assert.deepEqual(stage.b.requests[0]?.json, {
    user: { id: ann, name: 'Ann' },
    room: { id: direct, name: null, path: `/rooms/${direct}/${keys.assistant}/messages` },
    message: { id: 1, body: { html: '<div>hello</div>', plain: 'hello' }, path: `/rooms/${direct}/@1` },
  });
});

for (const face of ['full', 'v1.4.9'] as const) {
  test(`W2: what a bot posts to a direct room reaches the other bot and not itself (${face})`, async () => {
    await using stage = await startBoth();
    stage.cast.face.current = face;
    await stage.cast.call('POST', messagesPath(trio), {
      body: 'hi',
      headers: { 'content-type': 'text/html' },
    });
    await stage.cast.webhooks.settled();
    assert.equal(stage.b.requests.length, 0);
    assert.deepEqual(
      stage.c.requests.map(({ json }) => json.user),
      [{ id: assistant, name: 'Bot' }],
    );
  });
}

onBothFaces('W3: an answer in a webhook response reaches no other bot', async (face) => {
  await using b = await startEndpoint(({ socket }) => socket.end(answer(200, 'text/plain', 'here I am')));
  await using c = await startEndpoint();
  await using cast = await startCast({ face, webhookUrls: { assistant: b.url, helper: c.url } });
  cast.postHtml(ann, trio, 'hello');
  await cast.webhooks.settled();
  assert.deepEqual(cast.seenIn(trio), ['hello', 'here I am']);
  assert.deepEqual(
    c.requests.map(({ json }) => json.user.id),
    [ann],
  );
});

onBothFaces('W4: a typed name without a mention attachment calls nobody', async (face) => {
  await using stage = await startBoth(face);
  stage.cast.postHtml(ann, hq, '<div>@Bot are you there?</div>');
  await stage.cast.webhooks.settled();
  assert.equal(stage.b.requests.length, 0);
});

onBothFaces('W5: a mention calls the bot if it is a member of the room, and only then', async (face) => {
  await using stage = await startBoth(face);
  const { cast, b, c } = stage;
  cast.postHtml(ann, lab, `${cast.mention(assistant)} and ${cast.mention(helper)}`);
  await cast.webhooks.settled();
  assert.equal(b.requests.length, 1);
  assert.equal(c.requests.length, 0);
});

onBothFaces('W5: a mention with a forged signature calls nobody', async (face) => {
  await using stage = await startBoth(face);
  const { cast, b } = stage;
  cast.postHtml(
    ann,
    hq,
    cast.mention(assistant).replace(/--[0-9a-f]+"/, '--0000000000000000000000000000000000000000"'),
  );
  await cast.webhooks.settled();
  assert.equal(b.requests.length, 0);
});

onBothFaces('W6: mentioning two bots makes two posts with one message id and two keys', async (face) => {
  await using stage = await startBoth(face);
  const { cast, b, c } = stage;
  cast.postHtml(ann, hq, `${cast.mention(assistant)} ${cast.mention(helper)}`);
  await cast.webhooks.settled();
  const [first, second] = [b.requests[0]?.json, c.requests[0]?.json];
  assert.equal(first?.message.id, second?.message.id);
  assert.equal(first?.room.path, messagesPath(hq, keys.assistant));
  assert.equal(second?.room.path, messagesPath(hq, keys.helper));
});

onBothFaces('W7: the name of a direct room is null, that of another is its name', async (face) => {
  await using stage = await startBoth(face);
  const { cast, b } = stage;
  cast.postHtml(ann, direct, 'a');
  cast.postHtml(ann, hq, cast.mention(assistant));
  await cast.webhooks.settled();
  assert.deepEqual(
    b.requests.map(({ json }) => json.room.name),
    [null, 'HQ'],
  );
});

onBothFaces(
  'W8: a file in a direct room arrives as its name and nothing else; in an open room not at all',
  async (face) => {
    await using stage = await startBoth(face);
    const { cast, b } = stage;
    const file = { name: 'plan.pdf', type: 'application/pdf', bytes: Buffer.from('%PDF') };
    cast.campfire.post(ann, hq, { file });
    cast.campfire.post(ann, direct, { file });
    await cast.webhooks.settled();
    assert.deepEqual(
      b.requests.map(({ json }) => json.message.body),
      [{ html: null, plain: 'plan.pdf' }],
    );
  },
);

for (const fileFirst of [true, false]) {
  onBothFaces(
    `W8b: of a file and a mention only the mention is delivered, the file ${fileFirst ? 'before' : 'after'} it`,
    async (face) => {
      await using stage = await startBoth(face);
      const { cast, b } = stage;
      const acts = [
        () =>
          cast.campfire.post(ann, hq, {
            file: { name: 'a.txt', type: 'text/plain', bytes: Buffer.from('a') },
          }),
        () => cast.postHtml(ann, hq, `${cast.mention(assistant)} read this`),
      ];
      for (const act of fileFirst ? acts : acts.toReversed()) act();
      await cast.webhooks.settled();
      assert.deepEqual(
        b.requests.map(({ json }) => [json.message.id, json.message.body.plain]),
        [[fileFirst ? 2 : 1, 'read this']],
      );
    },
  );
}

/** What the bot "Bot" reads of a body. */
async function plainOf(
  face: Face,
  html: (mention: (id: number) => string) => string,
): Promise<string | undefined> {
  await using stage = await startBoth(face);
  stage.cast.postHtml(ann, hq, html(stage.cast.mention));
  await stage.cast.webhooks.settled();
  return stage.b.requests[0]?.json.message.body.plain;
}

onBothFaces('W9: a bare mention is an empty text', async (face) => {
  assert.equal(await plainOf(face, (mention) => `<div>${mention(assistant)}</div>`), '');
});

onBothFaces("W10: the bot's name is cut out of longer names, too", async (face) => {
  const plain = await plainOf(face, (mention) => `${mention(assistant)} @Bot2 do @Bot's thing`);
  assert.equal(plain, "2 do 's thing");
});

onBothFaces(
  'W11: white space at the ends is trimmed, no-break spaces included; inner ones stay',
  async (face) => {
    const plain = await plainOf(face, (mention) => `&nbsp;${mention(assistant)}&nbsp; say&nbsp;hi &nbsp;`);
    assert.equal(plain, 'say\u00a0hi');
  },
);

onBothFaces(
  'W12: a delivery is a plain Ruby POST to the configured path and query, without credentials',
  async (face) => {
    await using b = await startEndpoint();
    const url = new URL(`${b.url}?token=a%20b&x=1`);
    await using cast = await startCast({
      face,
      webhookUrls: { assistant: url.href.replace('//', '//user:pw@') },
    });
    cast.postHtml(ann, direct, 'é');
    const { head, json } = await b.request(1);
    assert.deepEqual(head, [
      'POST /hook?token=a%20b&x=1 HTTP/1.1',
      'Content-Type: application/json',
      'Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3',
      'Accept: */*',
      'User-Agent: Ruby',
      `Host: ${url.host}`,
      'Connection: close',
      `Content-Length: ${Buffer.byteLength(JSON.stringify(json))}`,
    ]);
  },
);

onBothFaces('W13: neither an edit nor a deletion makes a webhook', async (face) => {
  await using stage = await startBoth(face);
  const { cast, b } = stage;
  const message = cast.postHtml(ann, hq, 'nothing');
  cast.campfire.edit(message, { html: cast.mention(assistant) });
  cast.campfire.delete(message);
  await cast.webhooks.settled();
  assert.equal(b.requests.length, 0);
});

onBothFaces('W13: an edit before the delivery shows in it, a deletion before it cancels it', async (face) => {
  await using b = await startEndpoint(({ socket }, nth) => nth > 1 && socket.end(silence));
  await using cast = await startCast({ face, webhookUrls: { assistant: b.url } });
  cast.postHtml(ann, direct, 'holds the only worker');
  const edited = cast.postHtml(ann, direct, 'before');
  const deleted = cast.postHtml(ann, direct, 'never seen');
  cast.campfire.edit(edited, { html: 'after' });
  cast.campfire.delete(deleted);
  (await b.request(1)).socket.end(silence);
  await cast.webhooks.settled();
  assert.deepEqual(
    b.requests.map(({ json }) => json.message.body.plain),
    ['holds the only worker', 'after'],
  );
});

onBothFaces('W14: with one worker a delivery starts only after the one before is answered', async (face) => {
  await using b = await startEndpoint(({ socket }, nth) => nth > 1 && socket.end(silence));
  await using cast = await startCast({ face, webhookUrls: { assistant: b.url } });
  cast.postHtml(ann, direct, 'first');
  cast.postHtml(ann, direct, 'second');
  const first = await b.request(1);
  assert.equal(cast.webhooks.waiting, 1);
  assert.equal(b.requests.length, 1);
  first.socket.end(silence);
  assert.equal((await b.request(2)).json.message.body.plain, 'second');
});

onBothFaces(
  'W14: with two workers two run at once, and the later one may be answered first',
  async (face) => {
    await using b = await startEndpoint(() => {});
    await using cast = await startCast({ face, webhookUrls: { assistant: b.url }, workers: 2 });
    cast.postHtml(ann, direct, '1');
    cast.postHtml(ann, direct, '2');
    await b.request(2);
    for (const text of ['2', '1']) {
      const ended = cast.next('delivery.answered');
      const request = b.requests.find(({ json }) => json.message.body.plain === text);
      request?.socket.end(answer(200, 'text/plain', `re ${text}`));
      await ended;
    }
    assert.deepEqual(cast.seenIn(direct), ['1', '2', 're 2', 're 1']);
  },
);

for (const [what, fail] of [
  ['a 5xx', answer(503)],
  ['a closed connection', ''],
  ['a timeout', null],
] as const) {
  onBothFaces(`W15: after ${what} a delivery is never repeated`, async (face) => {
    await using b = await startEndpoint(({ socket }) => fail !== null && socket.end(fail));
    await using cast = await startCast({ face, webhookUrls: { assistant: b.url }, webhookTimeoutMs: 100 });
    cast.postHtml(ann, direct, 'once');
    await cast.webhooks.settled();
    cast.postHtml(ann, direct, 'twice');
    await cast.webhooks.settled();
    assert.deepEqual(
      b.requests.map(({ json }) => json.message.body.plain),
      ['once', 'twice'],
    );
  });
}

test('a deactivated bot, and one without a webhook, are called by nobody', async () => {
  await using stage = await startBoth();
  const { cast, b, c } = stage;
  const bots = [cast.campfire.bots.get(assistant), cast.campfire.bots.get(helper)];
  if (bots[0]) bots[0].active = false;
  if (bots[1]) bots[1].webhookUrl = null;
  cast.postHtml(ann, trio, 'anybody?');
  await cast.webhooks.settled();
  assert.equal(b.requests.length + c.requests.length, 0);
});

test('plain text that a bot posts is stored, and told to others, as HTML', async () => {
  await using stage = await startBoth();
  await stage.cast.call('POST', messagesPath(trio), {
    body: 'a & b <3',
    headers: { 'content-type': 'text/plain' },
  });
  await stage.cast.webhooks.settled();
  assert.deepEqual(stage.c.requests[0]?.json.message.body, { html: 'a &amp; b &lt;3', plain: 'a & b <3' });
});
