import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';

/** The checkout that these tests belong to. */
export const checkout = join(import.meta.dirname, '../..');

/** The environment in which the tools of the checkout at `root` are found by their names, and run on its Node. */
export function toolEnvironment(root: string): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` };
}

/** Runs a command in `root` to its end; gives its exit code and everything it said. */
export async function runIn(
  root: string,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
) {
  const child = spawn(command, args, {
    cwd: root,
    env: { ...toolEnvironment(root), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) =>
    child.on('error', reject).on('close', resolve),
  );
  const [code, said, complained] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, said: said + complained };
}

/** Copies parts of this checkout to `root`, with its packages beside them, and writes `files` over the copy. */
export function copyCheckout(root: string, parts: readonly string[], files: Record<string, string>): void {
  for (const part of parts) cpSync(join(checkout, part), join(root, part), { recursive: true });
  symlinkSync(join(checkout, 'node_modules'), join(root, 'node_modules'));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}
