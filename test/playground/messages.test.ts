import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../../src/playground/records.ts';
import {
  type Answer,
  ann,
  assistant,
  type Cast,
  direct,
  helper,
  hq,
  keys,
  lab,
  messagesPath,
  multipart,
  peopleOnly,
  startCast,
} from './cast.ts';

/** What the bot API's actions do and answer. */

const html = { 'content-type': 'text/html; charset=utf-8' };
const faces = ['full', 'v1.4.9'] as const;

function post(
  cast: Cast,
  body: string | Uint8Array,
  headers: Record<string, string> = html,
  room = hq,
): Promise<Answer> {
  return cast.call('POST', messagesPath(room), { body, headers });
}

for (const face of faces) {
  test(`A3: a post answers 201, no body, and an https Location that ends in the message's id (${face})`, async () => {
    await using cast = await startCast({ face });
    const { status, headers, body } = await post(cast, '<p>hi</p>');
    const [message] = cast.campfire.messagesIn(hq);
    assert.deepEqual([status, body, headers['content-type']], [201, '', undefined]);
    assert.equal(headers.location, `https://${new URL(cast.url).host}/messages/${message?.id}`);
    assert.ok(headers['x-version']);
    assert.deepEqual([message?.html, message?.creatorId], ['<p>hi</p>', assistant]);
  });

  test(`A4: a blank body is ${face === 'full' ? 'refused with 422' : 'posted as a blank message'} (${face})`, async () => {
    await using cast = await startCast({ face });
    for (const blank of ['', ' \n\t', '\u00a0']) {
      const { status, body } = await post(cast, blank);
      assert.deepEqual([status, body], [face === 'full' ? 422 : 201, '']);
    }
    assert.equal(cast.seenIn(hq).length, face === 'full' ? 0 : 3);
  });

  test(`A5: a room that is not there, or not the bot's, is ${face === 'full' ? '404 with X-Version' : 'a 500'} (${face})`, async () => {
    await using cast = await startCast({ face });
    for (const room of [peopleOnly, 12_345]) {
      const { status, body, headers } = await post(cast, 'hi', html, room);
      if (face === 'full') {
        assert.deepEqual([status, body], [404, '']);
        assert.ok(headers['x-version']);
      } else {
        assert.equal(status, 500);
      }
    }
    assert.deepEqual(cast.seenIn(peopleOnly), []);
  });

  test(`A6: a form-encoded body with a stray % is 400, and nothing is posted (${face})`, async () => {
    await using cast = await startCast({ face });
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    assert.equal((await post(cast, '100% sure', form)).status, 400);
    // Rack takes a POST that names no type for a form, too.
    assert.equal((await post(cast, '100% sure', {})).status, 400);
    assert.deepEqual(cast.seenIn(hq), []);
    assert.equal((await post(cast, 'surely', form)).status, 201);
    assert.equal((await post(cast, '100% sure')).status, 201);
    assert.deepEqual(cast.seenIn(hq), ['surely', '100% sure']);
  });

  test(`A6: a form field "attachment" is taken for the file, and fails (${face})`, async () => {
    await using cast = await startCast({ face });
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    assert.equal((await post(cast, 'attachment=hello', form)).status, 500);
    assert.deepEqual(cast.seenIn(hq), []);
  });

  test(`A7: what calls itself JSON and is not is 400; real JSON is posted as its letters (${face})`, async () => {
    await using cast = await startCast({ face });
    const type = { 'content-type': 'application/json' };
    assert.equal((await post(cast, 'hello', type)).status, 400);
    assert.equal((await post(cast, '{"body": "hello"}', type)).status, 201);
    assert.deepEqual(cast.seenIn(hq), ['{"body": "hello"}']);
  });

  test(`A8: a multipart file named "attachment" is posted, a text beside it ignored (${face})`, async () => {
    await using cast = await startCast({ face });
    const file = multipart('attachment', 'a,b', 'numbers.csv');
    const text = '--edge\r\nContent-Disposition: form-data; name="body"\r\n\r\nlook\r\n';
    const { status } = await cast.call('POST', messagesPath(hq), { ...file, body: `${text}${file.body}` });
    const [message] = cast.campfire.messagesIn(hq);
    assert.equal(status, 201);
    assert.deepEqual([message?.html, message?.plain], [null, 'numbers.csv']);
    assert.deepEqual([message?.attachment?.type, message?.attachment?.size], ['text/csv', 3]);
    const stored = cast.campfire.files.get(message?.attachment?.fileId ?? '');
    assert.equal(Buffer.from(stored?.bytes ?? []).toString(), 'a,b');
  });

  test(`A9: a multipart file of another name posts the raw envelope as text (${face})`, async () => {
    await using cast = await startCast({ face });
    const { status } = await cast.call('POST', messagesPath(hq), multipart('file', 'a,b', 'numbers.csv'));
    assert.equal(status, 201);
    assert.match(cast.seenIn(hq)[0] ?? '', /^--edge\r?\nContent-Disposition: form-data; name="file"/);
  });

  test(`A19: a file whose processing fails is a 500 although the message is there (${face})`, async () => {
    await using cast = await startCast({ face });
    cast.faults.set({ failProcessing: true });
    let live = 0;
    cast.events.subscribe(({ type }) => {
      if (type === 'message.created') live += 1;
    });
    const { status, headers } = await cast.call(
      'POST',
      messagesPath(hq),
      multipart('attachment', 'x', 'film.mp4'),
    );
    assert.deepEqual([status, headers.location], [500, undefined]);
    assert.deepEqual(cast.seenIn(hq), ['film.mp4']);
    assert.equal(live, 0, 'nobody sees it without a reload');
  });

  test(`bytes that are not UTF-8 are a 500 (${face})`, async () => {
    await using cast = await startCast({ face });
    assert.equal((await post(cast, Uint8Array.of(0x68, 0xff))).status, 500);
    assert.deepEqual(cast.seenIn(hq), []);
  });
}

test('A8: a file field without a chosen file counts as none', async () => {
  await using cast = await startCast();
  await cast.call('POST', messagesPath(hq), multipart('attachment', '', ''));
  assert.match(cast.seenIn(hq)[0] ?? '', /^--edge/);
});

interface IndexEntry {
  id: number;
  body: { plain_text: string; html: string };
  creator: { id: number; role: string };
}

const ids = (answer: Answer) => (JSON.parse(answer.body) as IndexEntry[]).map(({ id }) => id);

test('A10: the index is the newest 40, oldest first, with the total and a link to those before', async () => {
  await using cast = await startCast();
  for (let n = 1; n <= 41; n++) cast.postHtml(ann, hq, `${n}`);
  const newest = await cast.call('GET', messagesPath(hq));
  assert.deepEqual(
    ids(newest),
    Array.from({ length: 40 }, (_, n) => n + 2),
  );
  assert.equal(newest.headers['x-total-count'], '41');
  const host = new URL(cast.url).host;
  assert.equal(newest.headers.link, `<https://${host}${messagesPath(hq)}?before=2>; rel="next"`);
  const rest = await cast.call('GET', `${messagesPath(hq)}?before=2`);
  assert.deepEqual([ids(rest), rest.headers.link], [[1], undefined]);
  const forward = await cast.call('GET', `${messagesPath(hq)}?after=1`);
  assert.deepEqual([ids(forward).length, forward.headers.link], [40, undefined]);
  assert.deepEqual(
    ids(await cast.call('GET', `${messagesPath(hq)}?after=1&before=3`)),
    [1, 2],
    'before wins',
  );
});

test('A10: a forward page that is not the last links to those after it', async () => {
  await using cast = await startCast();
  for (let n = 1; n <= 42; n++) cast.postHtml(ann, hq, `${n}`);
  const page = await cast.call('GET', `${messagesPath(hq)}?after=1`);
  assert.deepEqual([ids(page)[0], ids(page).at(-1)], [2, 41]);
  assert.match(String(page.headers.link), /\?after=41>; rel="next"$/);
});

test('A10: an entry holds the rendered body, with mentions filled in', async () => {
  await using cast = await startCast();
  cast.postHtml(ann, hq, `${cast.mention(assistant)} a &amp; b`);
  cast.campfire.post(helper, hq, { file: { name: 'a.txt', type: 'text/plain', bytes: Buffer.from('a') } });
  const { body } = await cast.call('GET', messagesPath(hq));
  const [text, file] = JSON.parse(body) as IndexEntry[];
  assert.equal(text?.body.plain_text, '@Bot a & b', 'own mentions stay');
  assert.match(
    text?.body.html ?? '',
    /^<div class="trix-content">\n {2}<action-text-attachment sgid="[^"]+" .*> Bot<\/span>/,
  );
  assert.deepEqual(file?.body, { plain_text: 'a.txt', html: '' });
  assert.equal(file?.creator.role, 'bot');
  assert.deepEqual(Object.keys(text ?? {}), ['id', 'created_at', 'body', 'creator', 'room', 'url']);
});

test('A11: nothing after the last message is 200 []; a deleted reference is 404', async () => {
  await using cast = await startCast();
  const last = cast.postHtml(ann, hq, 'last');
  const path = `${messagesPath(hq)}?after=${last.id}`;
  const empty = await cast.call('GET', path);
  assert.deepEqual([empty.status, empty.body], [200, '[]']);
  cast.campfire.delete(last);
  assert.equal((await cast.call('GET', path)).status, 404);
  assert.equal((await cast.call('GET', messagesPath(hq))).body, '[]');
});

/** A message of Assistant's, one of Helper's, and the paths to them. */
function twoMessages(cast: Cast): { own: Message; ownPath: string; othersPath: string } {
  const own = cast.postHtml(assistant, hq, 'mine');
  const others = cast.postHtml(helper, hq, 'yours');
  return { own, ownPath: `${messagesPath(hq)}/${own.id}`, othersPath: `${messagesPath(hq)}/${others.id}` };
}

for (const method of ['PATCH', 'PUT']) {
  test(`A12: ${method} changes an own message and answers with it; another's is 403, an unknown one 404`, async () => {
    await using cast = await startCast();
    const { own, ownPath, othersPath } = twoMessages(cast);
    const edit = (path: string, body: string) => cast.call(method, path, { body, headers: html });
    const edited = await edit(ownPath, '<b>new</b>');
    assert.equal(edited.status, 200);
    assert.equal((JSON.parse(edited.body) as IndexEntry).body.plain_text, 'new');
    assert.equal(own.html, '<b>new</b>');
    assert.equal((await edit(othersPath, 'x')).status, 403);
    assert.equal((await edit(`${messagesPath(hq)}/999`, 'x')).status, 404);
    assert.equal((await edit(ownPath.replace(`/rooms/${hq}/`, `/rooms/${lab}/`), 'x')).status, 404);
    assert.equal((await edit(ownPath, '')).status, 200);
    assert.deepEqual([own.html, own.plain], ['', '']);
  });
}

test('A12: a message that is gone is a 404 of Rails, without X-Version; a room that is not ours is one of Campfire, with it', async () => {
  await using cast = await startCast();
  const options = { body: 'x', headers: html };
  const gone = await cast.call('PATCH', `${messagesPath(hq)}/999`, options);
  assert.deepEqual([gone.status, gone.headers['x-version']], [404, undefined]);
  const foreign = await cast.call('PATCH', `${messagesPath(peopleOnly)}/999`, options);
  assert.equal(foreign.status, 404);
  assert.ok(foreign.headers['x-version']);
});

test("A13: DELETE takes an own message away once; another's is 403", async () => {
  await using cast = await startCast();
  const { ownPath, othersPath } = twoMessages(cast);
  const statuses: number[] = [];
  for (const path of [ownPath, ownPath, othersPath]) statuses.push((await cast.call('DELETE', path)).status);
  assert.deepEqual(statuses, [204, 404, 403]);
  assert.deepEqual(cast.seenIn(hq), ['yours']);
});

test("A14: any message of the room may be boosted; one's own boost may be taken back, another's is 404", async () => {
  await using cast = await startCast();
  const message = cast.postHtml(ann, direct, 'hello');
  const boosts = `${messagesPath(direct)}/${message.id}/boosts`;
  const boosted = await cast.call('POST', boosts, { body: '👀', headers: html });
  const { id, content, booster } = JSON.parse(boosted.body) as {
    id: number;
    content: string;
    booster: { id: number };
  };
  assert.deepEqual([boosted.status, content, booster.id], [201, '👀', assistant]);
  assert.equal((await cast.call('POST', boosts, { body: ' ', headers: html })).status, 422);
  const others = cast.campfire.boost(ann, message, '👍');
  assert.equal((await cast.call('DELETE', `${boosts}/${others.id}`)).status, 404);
  assert.equal((await cast.call('DELETE', `${boosts}/${id}`)).status, 204);
  assert.deepEqual(message.boosts, [others]);
  const foreign = `${messagesPath(direct, keys.helper)}/${message.id}/boosts`;
  assert.equal((await cast.call('POST', foreign, { body: '👀', headers: html })).status, 404);
});
