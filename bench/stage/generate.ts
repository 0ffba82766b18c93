import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Load, LoadReport } from './load-generator.ts';

/** Sends the load from a process of its own, in a session of its own, as Campfire would be. */
export async function generate(load: Load): Promise<LoadReport> {
  const child = startApart(join(import.meta.dirname, 'load-generator.ts'));
  const gone = once(child, 'exit').then(() => Promise.reject(new Error('The load generator ended early.')));
  const reported = once(child, 'message').then(([report]) => report as LoadReport);
  child.send(load);
  return Promise.race([reported, gone]);
}

/**
 * Forks a module into a session of its own: where the kernel shares the processor out by sessions (autogroup), it then
 * counts as a program of its own. Ends with this process, by the channel between them.
 */
export function startApart(module: string): ChildProcess {
  return fork(module, [], { detached: true, execArgv: ['--disable-warning=ExperimentalWarning'] });
}
