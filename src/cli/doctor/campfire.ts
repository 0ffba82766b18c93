import type { Failure } from '../../campfire/answers.ts';
import { type CampfireClient, createCampfireClient } from '../../campfire/client.ts';
import type { Bot } from '../../config/bot.ts';
import type { Settings } from '../../config/settings.ts';
import { systemClock as clock } from '../../lib/clock.ts';
import { VERSION } from '../../version.ts';
import { type Check, type Finding, fail, ok, warn } from './finding.ts';

/** Whether Campfire is there, what it lets bots do, and whether it knows each bot: all without an effect in a room. */

/** Of no bot: Campfire sends whoever has it to its sign-in page, and so shows itself. */
const nobodysKey = '0-000000000000';
/** No Campfire has so many rooms. */
const noRoom = 2_147_483_647;

type Probe = Pick<CampfireClient, 'index' | 'post'>;

export function campfireChecks(settings: Settings, bots: readonly Bot[], roomId: number | null): Check[] {
  const client = createCampfireClient({
    baseUrl: settings.campfireUrl,
    version: VERSION,
    clock,
    timeoutMs: 10_000,
  });
  let face: Promise<CampfireLook> | null = null;
  const look = () => {
    face ??= lookAt(client);
    return face;
  };
  return [
    { name: 'campfire', run: async () => describe(await look(), settings.campfireUrl) },
    ...bots.map(
      (bot): Check => ({
        name: `bot ${bot.id}`,
        async run() {
          const { kind } = await look();
          if (kind === 'failed')
            return warn('Its key can be tried only where Campfire answers.', 'See above.');
          return kind === 'full' ? tryKey(client, bot, roomId) : tryKeyByPosting(client, bot);
        },
      }),
    ),
  ];
}

type CampfireLook = { kind: 'full' } | { kind: 'post-only' } | { kind: 'failed'; failure: Failure };

async function lookAt(client: Probe): Promise<CampfireLook> {
  const read = await client.index(nobodysKey, noRoom);
  if (read.kind === 'badKey') return { kind: 'full' };
  if (read.kind !== 'unsupported')
    return { kind: 'failed', failure: read.kind === 'messages' ? notCampfire : read };
  // No route to read: an old Campfire, or whatever answers 404 to everything.
  const post = await client.post(nobodysKey, noRoom, 'doctor');
  if (post.kind === 'badKey') return { kind: 'post-only' };
  return { kind: 'failed', failure: post.kind === 'posted' ? notCampfire : post };
}

const checkAddress = 'Check that CAMPFIRE_URL is Campfire’s own address.';
const notCampfire: Failure = {
  ...{ kind: 'wrongAddress', status: 200 },
  remedy: checkAddress,
};

function describe(found: CampfireLook, url: string): Finding {
  if (found.kind === 'full')
    return ok(`Campfire answers at ${url}; bots can read, post, edit, delete and boost.`);
  if (found.kind === 'post-only') {
    return ok(
      `Campfire answers at ${url}; bots can post and nothing else (1.4.9 and before). Answers arrive; there is no 👀, no line that is replaced by its answer, and nothing said while the service was away is read.`,
    );
  }
  const { failure } = found;
  switch (failure.kind) {
    case 'unavailable':
      return fail(
        `Campfire cannot be reached at ${url} (${failure.cause}).`,
        'Start Campfire, and check that CAMPFIRE_URL leads to it from here (in a container, localhost is the container).',
      );
    case 'redirected':
      return fail(`${url} sends every call on to ${failure.to}.`, failure.remedy);
    case 'tooMany':
      return fail(
        `Campfire refuses this machine (HTTP 429).`,
        'Take its address off the banned ones in Campfire.',
      );
    default:
      return fail(
        `What answers at ${url} is not Campfire (${'status' in failure ? `HTTP ${failure.status}` : failure.kind}).`,
        'remedy' in failure ? failure.remedy : checkAddress,
      );
  }
}

/** Reading has no effect. Without a room to read, one that does not exist tells the same of the key. */
async function tryKey(client: Probe, bot: Bot, roomId: number | null): Promise<Finding> {
  const read = await client.index(bot.key, roomId ?? noRoom);
  switch (read.kind) {
    case 'messages':
      return ok(`Campfire knows the key of ${bot.id}, and it is in room ${roomId}.`);
    case 'notMember':
      return roomId === null
        ? ok(`Campfire knows the key of ${bot.id}.`)
        : fail(`${bot.id} is not in room ${roomId}.`, read.remedy);
    default:
      return keyFailure(bot, read);
  }
}

/**
 * Where bots can only post, a post into a room that does not exist: a wrong key is sent to the sign-in page, a right
 * one meets an error of that old Campfire, and nobody sees anything.
 */
async function tryKeyByPosting(client: Probe, bot: Bot): Promise<Finding> {
  const post = await client.post(bot.key, noRoom, 'doctor');
  if (post.kind === 'notMember' || (post.kind === 'unavailable' && post.status !== null))
    return ok(`Campfire knows the key of ${bot.id}, as far as one that cannot be read tells.`);
  return post.kind === 'posted' ? ok(`Campfire knows the key of ${bot.id}.`) : keyFailure(bot, post);
}

function keyFailure(bot: Bot, failure: Failure): Finding {
  if (failure.kind === 'badKey') {
    const where = `It belongs in ${bot.file}, or in BOT_KEY_${bot.id.toUpperCase()}.`;
    return fail(`Campfire does not know the key of ${bot.id}.`, `${failure.remedy} ${where}`);
  }
  const cause = failure.kind === 'unavailable' ? failure.cause : failure.kind;
  return warn(`The key of ${bot.id} could not be tried (${cause}).`, 'Run this again.');
}
