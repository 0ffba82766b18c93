import { join, resolve } from 'node:path';
import { migrations } from '../app/migrations.ts';
import { systemClock as clock } from '../lib/clock.ts';
import { backUpStore, restoreStore } from '../store/backup.ts';
import { holdDataFolder } from '../store/lock.ts';

/** `campfire-ai-bot backup FILE`: a copy of the database, also while the service runs. @throws OperatorError. */
export function backUp(dataDir: string, file: string): string {
  backUpStore(join(dataDir, 'service.db'), resolve(file));
  return `Backed up to ${resolve(file)}.`;
}

/** `campfire-ai-bot restore FILE`: only while no service holds the data folder. @throws OperatorError. */
export function restore(dataDir: string, file: string): string {
  const folder = holdDataFolder(dataDir);
  try {
    const path = join(dataDir, 'service.db');
    const kept = restoreStore(resolve(file), path, {
      newestSchema: Math.max(...migrations.map(({ version }) => version)),
      keepAs: `${path}.before-restore-${new Date(clock.now()).toISOString().replaceAll(':', '-')}`,
    });
    return `Restored ${resolve(file)}.${kept === null ? '' : ` What was there before is kept as ${kept}.`}`;
  } finally {
    folder.release();
  }
}
