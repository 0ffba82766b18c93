import { join } from 'node:path';

/** The environment in which the tools of the checkout at `root` are found by their names, and run on its Node. */
export function toolEnvironment(root: string): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH']}` };
}
