import { join } from 'node:path';
import { isAnybodyThere } from '../app/heartbeats.ts';
import { migrations } from '../app/migrations.ts';
import { openBots } from '../config/bots.ts';
import { type Settings, variable } from '../config/settings.ts';
import { systemClock as clock } from '../lib/clock.ts';
import type { Mailbox } from '../mail/mail.ts';
import { soleOwnership } from '../mail/ownership.ts';
import { createRedisMail } from '../mail/redis.ts';
import { createSqliteMail } from '../mail/sqlite.ts';
import { holdDataFolder, holderOfDataFolder } from '../store/lock.ts';
import { openRedis } from '../store/redis.ts';
import { openStore } from '../store/sqlite.ts';
import { type Replayed, type ReplayRequest, replayFor } from '../turns/replay.ts';
import type { Admin } from './admin.ts';

/**
 * `campfire-ai-bot replay ID`: through the running service, or where the mail is kept while none runs here. Tells what
 * will happen.
 * @throws OperatorError when there is nothing to replay.
 */
export async function replay(
  request: ReplayRequest,
  settings: ReplaySettings,
  admin: Admin,
): Promise<string> {
  const { dataDir, redisUrl } = settings;
  if (holderOfDataFolder(dataDir) !== null) return linesOf(await askService(request, admin), true);
  return redisUrl === undefined ? replayAlone(request, settings) : replayShared(request, settings, redisUrl);
}

type ReplaySettings = Pick<Settings, 'dataDir' | 'botsDir' | 'redisUrl'>;

async function replayAlone(request: ReplayRequest, settings: ReplaySettings): Promise<string> {
  const folder = holdDataFolder(settings.dataDir);
  const store = openStore(join(settings.dataDir, 'service.db'), migrations);
  try {
    return linesOf(await replayIn(createSqliteMail(store, clock), request, settings), false);
  } finally {
    store.close();
    folder.release();
  }
}

/** Other machines may run; they find it by themselves. */
async function replayShared(
  request: ReplayRequest,
  settings: ReplaySettings,
  redisUrl: string,
): Promise<string> {
  const store = await openRedis(redisUrl);
  try {
    // A replay writes nothing that needs the right to a conversation.
    const mail = createRedisMail(store, clock, soleOwnership('command line'));
    return linesOf(await replayIn(mail, request, settings), await isAnybodyThere(store));
  } finally {
    await store.close();
  }
}

function replayIn(
  mail: Pick<Mailbox, 'replay'>,
  request: ReplayRequest,
  { botsDir }: ReplaySettings,
): Promise<Replayed[]> {
  const botIds = () =>
    openBots({ dir: botsDir, variable })
      .all()
      .map(({ id }) => id);
  return replayFor(request, { mail, botIds, emit() {}, onReplayed() {} });
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
