import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePayload } from '../../src/campfire/payload.ts';

const CAMPFIRE = {
  user: { id: 2, name: 'Ana' },
  room: { id: 1, name: 'HQ', path: '/rooms/1/5-abcDEF123456/messages' },
  message: { id: 9, body: { html: '<div>hi</div>', plain: 'hi' }, path: '/rooms/1/@9' },
};

test('Campfire’s body gives a message and, apart from it, the key', () => {
  const payload = parsePayload(CAMPFIRE);
  assert.deepEqual(payload, {
    kind: 'campfire',
    botKey: '5-abcDEF123456',
    message: {
      roomId: 1,
      roomName: 'HQ',
      messageId: 9,
      author: { id: 2, name: 'Ana' },
      html: '<div>hi</div>',
      plain: 'hi',
      permalinkPath: '/rooms/1/@9',
    },
  });
  assert(!JSON.stringify(payload?.message).includes('abcDEF'));
});

test('a direct room without a name, an upload without HTML and a bare mention are messages', () => {
  const payload = parsePayload({
    ...CAMPFIRE,
    room: { ...CAMPFIRE.room, name: null },
    message: { id: 9, body: { html: null, plain: '' } },
  });
  assert.equal(payload?.message.roomName, null);
  assert.equal(payload?.message.html, null);
  assert.equal(payload?.message.plain, '');
  assert.equal(payload?.message.permalinkPath, null);
});

test('the flat body gives a message, also without id and names', () => {
  const payload = parsePayload({ creator: { id: 1 }, room: { id: 3 }, content: 'hi', extra: true });
  assert.deepEqual(payload, {
    kind: 'flat',
    message: {
      roomId: 3,
      roomName: null,
      messageId: null,
      author: { id: 1, name: null },
      html: null,
      plain: 'hi',
      permalinkPath: null,
    },
  });
  const named = { id: 7, creator: { id: 1, name: 'Ann' }, room: { id: 3, name: 'HQ' }, content: '' };
  assert.equal(parsePayload(named)?.message.messageId, 7);
});

test('unknown fields are ignored', () => {
  const message = { ...CAMPFIRE.message, reactions: [], body: { ...CAMPFIRE.message.body, markdown: 'x' } };
  assert.equal(parsePayload({ ...CAMPFIRE, event: 'new', message })?.kind, 'campfire');
});

test('a path of another form gives no key, and a permalink of another form no link', () => {
  for (const path of [null, '', '/rooms/1/messages', '/rooms/1/5-a/b/messages', '/rooms/x/5-a/messages']) {
    const payload = parsePayload({ ...CAMPFIRE, room: { ...CAMPFIRE.room, path } });
    assert(payload?.kind === 'campfire' && payload.botKey === null, String(path));
  }
  for (const path of ['//evil.example/x', 'javascript:alert(1)', '/rooms/1/@9?x']) {
    const payload = parsePayload({ ...CAMPFIRE, message: { ...CAMPFIRE.message, path } });
    assert.equal(payload?.message.permalinkPath, null);
  }
});

test('an id that is not a positive safe integer makes neither body', () => {
  for (const id of [0, -1, 1.5, 2 ** 53, '9', null, undefined, Number.NaN, {}]) {
    assert.equal(parsePayload({ ...CAMPFIRE, user: { ...CAMPFIRE.user, id } }), null);
    assert.equal(parsePayload({ ...CAMPFIRE, room: { ...CAMPFIRE.room, id } }), null);
    assert.equal(parsePayload({ ...CAMPFIRE, message: { ...CAMPFIRE.message, id } }), null);
    assert.equal(parsePayload({ creator: { id }, room: { id: 1 }, content: '' }), null);
  }
});

test('anything else is no message', () => {
  for (const body of [null, 1, 'x', [], {}, { message: {} }, { ...CAMPFIRE, message: { id: 9 } }]) {
    assert.equal(parsePayload(body), null);
  }
});

test('keys of every object’s prototype are data like any other', () => {
  const body: unknown = JSON.parse(
    '{"__proto__":{"content":"x"},"constructor":1,"creator":{"id":1,"__proto__":{"name":"Eve"}},"room":{"id":1},"content":"hi"}',
  );
  assert.deepEqual(parsePayload(body)?.message.author, { id: 1, name: null });
  assert.equal(
    parsePayload(JSON.parse('{"__proto__":{"creator":{"id":1},"room":{"id":1},"content":"x"}}')),
    null,
  );
});
