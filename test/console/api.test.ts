import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApiParts, apiRoutes, metricsRoutes } from '../../src/console/api.ts';
import { createDoor } from '../../src/console/door.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { OperatorError } from '../../src/lib/errors.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import type { ReplayRequest } from '../../src/turns/replay.ts';

const token = 'the-admin-token';

function open(given: Partial<ApiParts> = {}) {
  const calls: string[] = [];
  const called = <T>(name: string, value: T) => {
    calls.push(name);
    return value;
  };
  const door = createDoor({ adminToken: token, publicUrl: null, clock });
  const app = apiRoutes({
    door,
    reloadBots: async () => called('reload', undefined),
    ...{ sessions: () => Promise.resolve(called('sessions', [])), bots: () => called('bots', []) },
    closeSession: async () => called('close', 'closed' as const),
    downloads: { list: async () => called('list', []), revoke: async () => called('revoke', true) },
    usage: async (days) => called(`usage ${days}`, {} as Awaited<ReturnType<ApiParts['usage']>>),
    replay: async () => called('replay', []),
    ...given,
  }).route('/', metricsRoutes(door, createMetrics()));
  const ask = (method: string, path: string, body?: string, authorization = `Bearer ${token}`) =>
    app.request(path, { method, headers: { authorization }, ...(body === undefined ? {} : { body }) });
  return { ask, calls };
}

const routes = [
  ...['GET /api/sessions', 'DELETE /api/sessions/1:a', 'GET /api/bots', 'GET /api/downloads', 'GET /metrics'],
  ...[
    'DELETE /api/downloads/1',
    'POST /api/bots/reload',
    'GET /api/usage',
    'POST /api/messages/1/replay',
    'POST /api/turns/1/replay',
  ],
].map((route) => route.split(' ') as [method: string, path: string]);

test('without the token every route is refused before it does anything', async () => {
  const { ask, calls } = open();
  for (const [method, path] of routes) {
    for (const wrong of ['', 'Bearer ', 'Bearer the-admin-toke', `Basic ${token}`, token])
      assert.equal((await ask(method, path, undefined, wrong)).status, 401, `${method} ${path} ${wrong}`);
  }
  assert.deepEqual(calls, []);
});

test('usage takes a number of days', async () => {
  const { ask, calls } = open();
  assert.equal((await ask('GET', '/api/usage')).status, 200);
  assert.equal((await ask('GET', '/api/usage?days=30')).status, 200);
  for (const days of ['0', '-1', '1.5', 'week', '99999'])
    assert.equal((await ask('GET', `/api/usage?days=${days}`)).status, 400, days);
  assert.deepEqual(calls, ['usage 1', 'usage 30']);
});

test('a replay takes a message or a turn, with or without a body, and says why not', async () => {
  const asked: ReplayRequest[] = [];
  const { ask } = open({
    async replay(request) {
      asked.push(request);
      if ('turnId' in request.of) throw new OperatorError('replay_unknown', 'Not there.', 'Look.');
      if (request.force) throw new OperatorError('replay_ambiguous', 'Several.', 'Name one.');
      return [];
    },
  });
  assert.equal((await ask('POST', '/api/messages/7/replay')).status, 200);
  const several = await ask('POST', '/api/messages/7/replay', '{"bot":"ann","force":true}');
  assert.deepEqual([several.status, await several.json()], [409, { error: 'Several.', remedy: 'Name one.' }]);
  assert.equal((await ask('POST', '/api/turns/8/replay')).status, 404);
  assert.deepEqual(asked, [
    { of: { messageId: 7, botId: null }, force: false },
    { of: { messageId: 7, botId: 'ann' }, force: true },
    { of: { turnId: 8 }, force: false },
  ]);
  for (const body of ['{', '[]', '{"force":"yes"}', '{"bots":"ann"}'])
    assert.equal((await ask('POST', '/api/messages/7/replay', body)).status, 400, body);
  assert.equal((await ask('POST', '/api/messages/x/replay')).status, 404);
  assert.equal(asked.length, 3);
});
