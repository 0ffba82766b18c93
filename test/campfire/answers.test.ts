import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Call, type Failure, failureOf, failureOfBreak } from '../../src/campfire/answers.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';

const CLOCK: Clock = { ...systemClock, now: () => Date.parse('2026-01-01T00:00:00Z') };
const answer = (call: Call, status: number, headers: Record<string, string> = {}): Failure =>
  failureOf(call, { status, header: (name) => headers[name] }, CLOCK);
const campfire = { 'x-version': '1.5.0' };

for (const [title, got, kind] of [
  ['302 to the sign-in page', answer('post', 302, { location: 'http://h/session/new' }), 'badKey'],
  ['302 to the sign-in page, relative', answer('post', 302, { location: '/session/new' }), 'badKey'],
  ['302 to some other login', answer('post', 302, { location: 'https://sso.example/login' }), 'redirected'],
  ['301 to https', answer('post', 301, { location: 'https://h/rooms/1/k/messages' }), 'redirected'],
  ['308 to https', answer('post', 308, { location: 'https://h/rooms/1/k/messages' }), 'redirected'],
  ['302 within the same host', answer('post', 302, { location: '/first_run' }), 'wrongAddress'],
  ['302 to nowhere', answer('post', 302), 'wrongAddress'],
  ['304', answer('index', 304), 'wrongAddress'],
  ['404 of Campfire to a post', answer('post', 404, campfire), 'notMember'],
  ['404 of Campfire to an upload', answer('attach', 404, campfire), 'notMember'],
  ['404 of another server to a post', answer('post', 404), 'wrongAddress'],
  ['404 of Campfire to an edit', answer('edit', 404, campfire), 'notFound'],
  ['404 of Campfire to an unboost', answer('unboost', 404, campfire), 'notFound'],
  ['404 of a post-only Campfire to an edit', answer('edit', 404), 'unsupported'],
  ['404 of a post-only Campfire to a boost', answer('boost', 404), 'unsupported'],
  ['403 of Campfire', answer('delete', 403, campfire), 'forbidden'],
  ['403 of a firewall', answer('post', 403), 'wrongAddress'],
  ['401 of a proxy', answer('post', 401), 'wrongAddress'],
  ['200 to a post', answer('post', 200, campfire), 'wrongAddress'],
  ['202 to a post', answer('post', 202), 'wrongAddress'],
  ['400', answer('post', 400, campfire), 'rejected'],
  ['413 of a proxy', answer('attach', 413), 'rejected'],
  ['422', answer('post', 422, campfire), 'rejected'],
  ['429', answer('post', 429), 'tooMany'],
  ['500', answer('post', 500, campfire), 'unavailable'],
] as const) {
  test(`${title} means ${kind}`, () => {
    assert.equal(got.kind, kind);
  });
}

test('after a 5xx a write may have taken effect, except where nobody took it; a read never', () => {
  const uncertain = (call: Call, status: number) => {
    const failure = answer(call, status);
    assert(failure.kind === 'unavailable' && failure.status === status);
    return failure.uncertain;
  };
  for (const status of [408, 500, 502, 504, 520]) {
    assert.equal(uncertain('post', status), true, String(status));
    assert.equal(uncertain('attach', status), true);
    assert.equal(uncertain('index', status), false);
  }
  assert.equal(uncertain('post', 503), false);
});

test('when to come back is read as seconds or as a date', () => {
  const wait = (value: string) => {
    const failure = answer('post', 429, { 'retry-after': value });
    assert(failure.kind === 'tooMany');
    return failure.retryAfterMs;
  };
  assert.equal(wait('120'), 120_000);
  assert.equal(wait('Thu, 01 Jan 2026 00:00:30 GMT'), 30_000);
  assert.equal(wait('Wed, 31 Dec 2025 00:00:00 GMT'), 0);
  assert.equal(wait('soon'), null);
});

test('a write that was sent and not answered is uncertain, one that was not sent is certain, a read always', () => {
  const failure = { kind: 'unavailable', uncertain: true, status: null, cause: 'ECONNRESET' };
  assert.deepEqual(failureOfBreak('post', true, 'ECONNRESET'), failure);
  assert.deepEqual(failureOfBreak('post', false, 'ECONNRESET'), { ...failure, uncertain: false });
  assert.deepEqual(failureOfBreak('index', true, 'ECONNRESET'), { ...failure, uncertain: false });
});
