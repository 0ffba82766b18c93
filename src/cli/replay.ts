import { join } from 'node:path';
import { migrations } from '../app/migrations.ts';
import { openBots } from '../config/bots.ts';
import { type Settings, variable } from '../config/settings.ts';
import { systemClock as clock } from '../lib/clock.ts';
import { createSqliteMail } from '../mail/sqlite.ts';
import { holdDataFolder, holderOfDataFolder } from '../store/lock.ts';
import { openStore } from '../store/sqlite.ts';
import { type Replayed, type ReplayRequest, replayFor } from '../turns/replay.ts';
import type { Admin } from './admin.ts';

/**
 * `campfire-ai-bot replay ID`: through the running service, or on its database while none runs. Tells what will happen.
 * @throws OperatorError when there is nothing to replay.
 */
export async function replay(
  request: ReplayRequest,
  { dataDir, botsDir }: Pick<Settings, 'dataDir' | 'botsDir'>,
  admin: Admin,
): Promise<string> {
  if (holderOfDataFolder(dataDir) !== null) return linesOf(await askService(request, admin), true);
  const folder = holdDataFolder(dataDir);
  const store = openStore(join(dataDir, 'service.db'), migrations);
  try {
    const mail = createSqliteMail(store, clock);
    const botIds = () =>
      openBots({ dir: botsDir, variable })
        .all()
        .map(({ id }) => id);
    return linesOf(await replayFor(request, { mail, botIds, emit: () => {} }), false);
  } finally {
    store.close();
    folder.release();
  }
}

async function askService({ of, force }: ReplayRequest, admin: Admin): Promise<Replayed[]> {
  const [kind, id, bot] = 'turnId' in of ? ['turns', of.turnId, null] : ['messages', of.messageId, of.botId];
  const { replayed } = await admin.post<{ replayed: Replayed[] }>(`/api/${kind}/${id}/replay`, {
    force,
    ...(bot === null ? {} : { bot }),
  });
  return replayed;
}

function linesOf(replayed: readonly Replayed[], isRunning: boolean): string {
  return replayed
    .map(({ session, messages, author, was, cause, ahead }) => {
      const what = messages.map((id) => id ?? 'without a number').join(', ');
      const place = ahead === 0 ? 'next' : `behind ${ahead} that ${ahead === 1 ? 'waits' : 'wait'}`;
      return [
        `${messages.length === 1 ? 'Message' : 'Messages'} ${what} of ${author ?? 'somebody'} in ${session}: ${was}${cause === null ? '' : ` (${cause})`}.`,
        `A new turn is ${place}${isRunning ? '' : ' when the service starts'}; its answer will be a new post, and what is in the room stays.`,
      ].join('\n');
    })
    .join('\n');
}
