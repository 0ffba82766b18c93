import { chmodSync, copyFileSync, cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const scope = '@anthropic-ai';

/**
 * A copy of the built product in which `claude` is `claude-stand-in.sh`: the same dist/, the same SDK, every other package
 * linked. Without a compiler, so that its `bin/start` runs what was built.
 */
export function makeStandInCheckout(checkout: string, folder: string): string {
  const packages = join(folder, 'node_modules');
  mkdirSync(join(packages, scope), { recursive: true });
  for (const part of ['bin', 'dist', 'package.json'])
    cpSync(join(checkout, part), join(folder, part), { recursive: true });
  for (const name of readdirSync(join(checkout, 'node_modules'))) {
    if (name !== scope && name !== 'typescript')
      symlinkSync(join(checkout, 'node_modules', name), join(packages, name));
  }
  for (const name of readdirSync(join(checkout, 'node_modules', scope))) {
    const from = join(checkout, 'node_modules', scope, name);
    const to = join(packages, scope, name);
    if (name === 'claude-agent-sdk') cpSync(from, to, { recursive: true });
    else if (name.startsWith('claude-agent-sdk-')) standIn(from, to);
    else symlinkSync(from, to);
  }
  return folder;
}

function standIn(from: string, to: string): void {
  mkdirSync(to);
  copyFileSync(join(from, 'package.json'), join(to, 'package.json'));
  copyFileSync(join(import.meta.dirname, 'claude-stand-in.sh'), join(to, 'claude'));
  chmodSync(join(to, 'claude'), 0o755);
}
