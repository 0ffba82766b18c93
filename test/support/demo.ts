import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort } from './free-port.ts';
import { type Service, serviceHome, startService } from './service.ts';

const root = join(import.meta.dirname, '../..');

/** `bin/dev` as a newcomer gets it: the example bot, the look-alike and the scripted model; the page's address. */
export async function startDemo(
  t: TestContext,
  env: Record<string, string>,
): Promise<{ service: Service; url: string }> {
  const port = await freePort();
  const home = { dataDir: serviceHome(t, {}).dataDir, botsDir: join(root, 'bots') };
  const main = join(root, 'src/cli/main.ts');
  const command = [process.execPath, '--no-warnings', main, 'dev', '--port', `${port}`];
  return { service: await startService(t, home, env, command), url: `http://127.0.0.1:${port}/playground` };
}
