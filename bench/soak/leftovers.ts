import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What sessions leave in temp folders: their own, the service's, and those that `claude` would choose by itself. */
export function leftFiles(dataDir: string, folder: string): string[] {
  const slots = list(join(dataDir, 'sessions')).map((slot) => join(dataDir, 'sessions', slot, 'temp'));
  const own = list(dataDir).filter((name) => name.startsWith('probe-'));
  return [...slots, join(dataDir, 'deleting'), join(folder, 'tmp')]
    .flatMap((each) => list(each).map((name) => join(each, name)))
    .concat(own);
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
