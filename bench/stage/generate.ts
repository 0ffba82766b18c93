import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Load, LoadReport } from './load-generator.ts';

/** Enough to tell a p99 of half a minute, and little beside a hundred. */
const barePerSecond = 25;

/** Sends the load from a process of its own, in a session of its own, as Campfire would be. */
export async function generate(load: Load): Promise<LoadReport> {
  const child = startApart(join(import.meta.dirname, 'load-generator.ts'));
  const gone = once(child, 'exit').then(() => Promise.reject(new Error('The load generator ended early.')));
  const reported = once(child, 'message').then(([report]) => report as LoadReport);
  child.send(load);
  return Promise.race([reported, gone]);
}

/** What a webhook's answer takes at least, by `bare-intake.ts`, while `load` lasts. */
export async function generateBare(folder: string, load: Load): Promise<LoadReport> {
  const bare = startApart(join(import.meta.dirname, 'bare-intake.ts'), folder);
  try {
    const [url] = (await once(bare, 'message')) as [string];
    return await generate({ ...load, url, perSecond: barePerSecond });
  } finally {
    bare.disconnect();
  }
}

/**
 * Forks a module into a session of its own: where the kernel shares the processor out by sessions (autogroup), it then
 * counts as a program of its own. Ends with this process, by the channel between them.
 */
export function startApart(module: string, ...args: string[]): ChildProcess {
  return fork(module, args, { detached: true, execArgv: ['--disable-warning=ExperimentalWarning'] });
}
