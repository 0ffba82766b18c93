import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createAdmin } from '../../src/cli/admin.ts';
import { createHttp, listen } from '../../src/http.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';

test('a service without an API is told from one that has no such thing, with and without a token', async (t) => {
  const admin = createAdmin(await withoutApi(t));
  const refused = (remedy: RegExp) => ({ code: 'service_refused', message: /404 Not Found/, remedy });
  await assert.rejects(admin.get('/api/sessions'), refused(/^Without an ADMIN_TOKEN of its own .*start it/));
  process.env.ADMIN_TOKEN = 'token';
  t.after(() => delete process.env.ADMIN_TOKEN);
  await assert.rejects(admin.get('/api/sessions'), refused(/sessions list.*no API/));
});

/** The address of one that was started without ADMIN_TOKEN. */
async function withoutApi(t: TestContext): Promise<string> {
  const app = createHttp({
    routes: [],
    health: async () => ({}),
    readiness: () => ({ ready: true }),
    onError() {},
  });
  const { port, stop } = await listen(app, { host: '127.0.0.1', port: 0 }, clock);
  t.after(stop);
  return `http://127.0.0.1:${port}`;
}
