import { Command, InvalidArgumentError, Option } from 'commander';
import { readSettings, variable } from '../config/settings.ts';
import { OperatorError } from '../lib/errors.ts';
import { faces } from '../playground/records.ts';
import { runService } from '../server.ts';
import { VERSION } from '../version.ts';
import type { AloneOptions } from './playground.ts';

interface DoctorOptions {
  json?: boolean;
  room?: number;
  bot?: string;
  url?: string;
}

/** The table of subcommands; each one's code is loaded only when it is called. */

const program = new Command('campfire-ai-bot')
  .description('AI bots for self-hosted Campfire.')
  .version(VERSION)
  .showHelpAfterError('(add --help for what is possible)');

program
  .command('serve')
  .description('run the service, settings from the environment (docs/configuration.md)')
  .option('--playground', 'with a Campfire look-alike at /playground instead of a real Campfire')
  .action(async ({ playground }: { playground?: boolean }) => {
    if (!playground) return runService({ prepare: async () => ({ settings: readSettings() }) });
    const { serveWithPlayground } = await import('./dev.ts');
    return serveWithPlayground({ host: undefined });
  });

program
  .command('doctor')
  .description('look at everything the service needs here, and say what to do where something is missing')
  .option('--json', 'as JSON')
  .option(
    '--room <number>',
    'also send a question all the way through the running service, visibly in this room',
    parseCount,
  )
  .option('--bot <id>', 'who is asked in that room')
  .option('--url <address>', 'where the running service listens')
  .action(async ({ json = false, room, bot, url }: DoctorOptions) => {
    const [{ doctorChecks, runDoctor }, { localUrl }] = await Promise.all([
      import('./doctor.ts'),
      import('./admin.ts'),
    ]);
    const trip = room === undefined ? null : { roomId: room, botId: bot ?? null, url: url ?? localUrl() };
    process.exitCode = await runDoctor(doctorChecks(trip), { json });
  });

program
  .command('dev')
  .description('try it: the service with a Campfire look-alike at http://localhost:8000/playground')
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--port <number>', 'port to listen on', parsePort)
  .action(async (options: { host: string; port?: number }) => {
    const { serveWithPlayground } = await import('./dev.ts');
    return serveWithPlayground(options);
  });

program
  .command('playground')
  .description('only the Campfire look-alike, for any bot that answers webhooks')
  .requiredOption('--webhook <url>', 'where the bot takes webhooks', parseWebhook)
  .option('--name <name>', 'what people mention the bot by', 'Assistant')
  .option('--port <number>', 'port to listen on, 127.0.0.1 only; 0 takes a free one', parsePort, 8001)
  .addOption(
    new Option('--face <face>', 'full, or v1.4.9 for a Campfire whose bots can only post')
      .choices(faces)
      .default('full'),
  )
  .addHelpText(
    'after',
    `
It works alone and with any bot in any language: it delivers webhooks as Campfire's source does (7 s per read, one
worker, never twice), judges the answers by its rules, takes posts on the bot API, and shows what a room would show.

  $ bin/campfire-ai-bot playground --webhook http://localhost:3000/webhook
  $ open http://localhost:8001/playground

Everything on its page, faults included, is a JSON API too: docs/playground.md.`,
  )
  .action(async (options: AloneOptions) => {
    const { runPlaygroundAlone } = await import('./playground.ts');
    return runPlaygroundAlone(options);
  });

program
  .command('monitor')
  .description('memory, sessions and waiting messages of a running service, live (needs ADMIN_TOKEN)')
  .option('--once', 'print it once and end')
  .option('--url <address>', 'where the service listens')
  .action(async (options: { once?: boolean; url?: string }) => {
    const [{ createAdmin }, { monitor }] = await Promise.all([import('./admin.ts'), import('./operate.ts')]);
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort());
    const write = (text: string) => void process.stdout.write(text);
    await monitor(createAdmin(options.url), { once: options.once === true, write, signal: stop.signal });
  });

const sessions = program
  .command('sessions')
  .description('live sessions of a running service (needs ADMIN_TOKEN)');

sessions
  .command('list')
  .option('--json', 'as the API gives them')
  .option('--url <address>', 'where the service listens')
  .action(async (options: { json?: boolean; url?: string }) => {
    const [{ createAdmin }, { listSessions }] = await Promise.all([
      import('./admin.ts'),
      import('./operate.ts'),
    ]);
    console.log(await listSessions(createAdmin(options.url), options.json === true));
  });

sessions
  .command('close <id>')
  .description('ends a session, named <room>:<bot id>; a running answer is stopped')
  .option('--url <address>', 'where the service listens')
  .action(async (id: string, options: { url?: string }) => {
    const [{ createAdmin }, { closeSession }] = await Promise.all([
      import('./admin.ts'),
      import('./operate.ts'),
    ]);
    console.log(await closeSession(createAdmin(options.url), id));
  });

program
  .command('usage')
  .description('what bots have spent, per bot, room and person, in a running service (needs ADMIN_TOKEN)')
  .option('--days <number>', 'days back, today included', parseCount, 1)
  .option('--json', 'as the API gives it')
  .option('--url <address>', 'where the service listens')
  .action(async (options: { days: number; json?: boolean; url?: string }) => {
    const [{ createAdmin }, { usage }] = await Promise.all([import('./admin.ts'), import('./usage.ts')]);
    const { days, json = false } = options;
    console.log(await usage(createAdmin(options.url), { days, json }));
  });

program
  .command('replay')
  .description('gives a message another turn; the service may run (needs ADMIN_TOKEN) or be stopped')
  .argument('[message]', 'number of the message in Campfire', parseCount)
  .option('--turn <number>', 'number of the turn in the log, instead of a message', parseCount)
  .option('--bot <id>', 'for this bot only, when the message went to several')
  .option(
    '--force',
    'also when it was answered or stopped, not only when it failed or could not be delivered',
  )
  .option('--url <address>', 'where the service listens')
  .action(
    async (
      messageId: number | undefined,
      {
        turn: turnId,
        bot,
        force = false,
        url,
      }: { turn?: number; bot?: string; force?: boolean; url?: string },
    ) => {
      if ((messageId === undefined) === (turnId === undefined))
        throw new OperatorError(
          'replay_unclear',
          'Name either a message or a turn.',
          'As in `replay 123` or `replay --turn 45`.',
        );
      const of = turnId === undefined ? { messageId: messageId ?? 0, botId: bot ?? null } : { turnId };
      const [{ createAdmin }, { replay }] = await Promise.all([import('./admin.ts'), import('./replay.ts')]);
      const settings = readSettings(undefined, { campfireUrl: 'http://unused.invalid' });
      console.log(await replay({ of, force }, settings, createAdmin(url)));
    },
  );

program
  .command('bots')
  .description('bot files')
  .command('new')
  .description('asks for a bot, writes its file into BOTS_DIR and says what to do in Campfire')
  .action(async () => {
    const [{ newBot }, { askOnTerminal }] = await Promise.all([
      import('./new-bot.ts'),
      import('./terminal.ts'),
    ]);
    const terminal = askOnTerminal();
    try {
      const webhookBase = variable('PUBLIC_URL') ?? `http://<this server>:${variable('PORT') ?? '8000'}`;
      const { next } = await newBot(terminal.ask, { botsDir: variable('BOTS_DIR') ?? './bots', webhookBase });
      console.log(`\n${next}`);
    } finally {
      terminal.close();
    }
  });

for (const [name, description] of [
  ['backup', 'copy the database to a file that does not exist yet, also while the service runs'],
  ['restore', 'put a backup in the place of the database; the service must be stopped'],
] as const) {
  program
    .command(name)
    .description(description)
    .argument('<file>')
    .action(async (file: string) => {
      const { backUp, restore } = await import('./backup.ts');
      const { dataDir } = readSettings(undefined, { campfireUrl: 'http://unused.invalid' });
      console.log(name === 'backup' ? backUp(dataDir, file) : restore(dataDir, file));
    });
}

program
  .command('migrate')
  .description(
    'move conversations, mail and shared files to the Redis of REDIS_URL; the service must be stopped',
  )
  .addOption(new Option('--to <store>').choices(['redis']).makeOptionMandatory())
  .option('--dry-run', 'only count what would be moved')
  .action(async ({ dryRun = false }: { dryRun?: boolean }) => {
    const { migrateToRedis } = await import('./migrate.ts');
    const { dataDir, redisUrl } = readSettings(undefined, { campfireUrl: 'http://unused.invalid' });
    console.log(await migrateToRedis({ dataDir, redisUrl, dryRun }));
  });

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof OperatorError)) throw error;
  process.stderr.write(`${error.message}\n${error.remedy}\n`);
  process.exitCode = 1;
}

function parsePort(value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new InvalidArgumentError('A port is 0 to 65535.');
  return port;
}

function parseCount(value: string): number {
  if (!/^[1-9]\d{0,14}$/.test(value)) throw new InvalidArgumentError('It must be a whole number above 0.');
  return Number(value);
}

function parseWebhook(value: string): URL {
  const url = URL.parse(value);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new InvalidArgumentError('It must be an address that begins with http:// or https://.');
  return url;
}
