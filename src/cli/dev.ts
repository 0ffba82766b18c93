import { randomBytes } from 'node:crypto';
import pretty from 'pino-pretty';
import type { Bot } from '../config/bot.ts';
import { openBots } from '../config/bots.ts';
import { environmentWith, readSettings, type Settings, variable } from '../config/settings.ts';
import { systemClock as clock } from '../lib/clock.ts';
import { OperatorError } from '../lib/errors.ts';
import { behaviours } from '../playground/model/script.ts';
import type { ScriptedModel } from '../playground/model.ts';
import { createPlayground, type Playground } from '../playground/simulator.ts';
import { runService } from '../server.ts';
import { demoBot, demoPeople, demoRooms } from './demo-cast.ts';
import { createWatch, type Watch } from './watch.ts';

/** For whatever the environment leaves open: a session that closes while one watches, and a key for the example bot. */
const demoDefaults = { SESSION_TTL_SECONDS: '30', BOT_KEY_PERSONAL_ASSISTANT: '900-PlaygroundKy' };

interface Stage {
  settings: Settings | null;
  model: ScriptedModel | null;
  playground: Playground | null;
  /** Campfire's user id of each bot, by the bot's own. */
  bots: Record<string, number>;
}

/**
 * The service and a Campfire look-alike in one process, on one port. Webhooks, answers and `claude` are real;
 * without access to Claude only the model behind it is scripted.
 */
export async function serveWithPlayground(flags: {
  host?: string | undefined;
  port?: number;
}): Promise<void> {
  const env = environmentWith(demoDefaults);
  const lookUp = (name: string) => variable(name, env);
  // The console shall be there to be looked at; whoever set a token of their own knows it.
  const demoToken = lookUp('ADMIN_TOKEN') === undefined ? randomBytes(9).toString('base64url') : null;
  const stage: Stage = { settings: null, model: null, playground: null, bots: {} };
  const watch = createWatch(() => ({
    modelIsScripted: stage.model !== null,
    sessionTtlSeconds: (stage.settings?.sessionTtlMs ?? 0) / 1000,
    bots: stage.bots,
  }));
  await runService({
    variable: lookUp,
    async prepare() {
      const settings = readSettings(env, { ...given(flags), campfireUrl: 'http://127.0.0.1' });
      const address = addressOf(settings);
      stage.model = hasAccessToClaude(settings) ? null : await scriptedModel();
      const bots = openBots({ dir: settings.botsDir, variable: lookUp }).all();
      stage.playground = buildPlayground(bots, address, watch, stage.model !== null);
      stage.bots = Object.fromEntries(bots.map(({ id, userId }) => [id, userId]));
      stage.settings = readSettings(env, {
        ...given(flags),
        campfireUrl: address,
        ...(settings.publicUrl === undefined ? { publicUrl: `http://localhost:${settings.port}` } : {}),
        ...(demoToken === null ? {} : { adminToken: demoToken }),
        ...(stage.model ? { anthropicBaseUrl: stage.model.url, anthropicApiKey: 'sk-scripted-model' } : {}),
      });
      return { settings: stage.settings, extraRoutes: [stage.playground.app] };
    },
    ...(process.stdout.isTTY ? { logTo: pretty({ ignore: 'event', translateTime: 'SYS:HH:MM:ss' }) } : {}),
    onEvent: watch.emit,
    onReady(app) {
      watch.attach(app);
      const at = `http://localhost:${app.port}`;
      const token = demoToken === null ? '' : `, token ${demoToken}`;
      process.stdout.write(`\n  Open ${at}/playground\n  The operator's window: ${at}/console${token}\n\n`);
    },
    async onClosing() {
      await stage.playground?.close();
      await stage.model?.close();
    },
  });
}

function buildPlayground(
  bots: readonly Bot[],
  address: string,
  watch: Watch,
  modelIsScripted: boolean,
): Playground {
  return createPlayground({
    ...{ clock, face: 'full', people: demoPeople },
    bots: bots.map((bot) => demoBot(bot, `${address}/webhook/${bot.id}`)),
    rooms: demoRooms(bots.map(({ userId }) => userId)),
    // The service keeps message ids across restarts, this Campfire does not: each one counts on from the time.
    firstMessageId: Math.floor(clock.now() / 1000),
    // A real model needs no errors on demand, and would not take the words for it.
    suggestedPrompts: behaviours.filter(({ group }) => modelIsScripted || group !== 'Trouble'),
    service: watch.service,
  });
}

function given(flags: { host?: string | undefined; port?: number }): Partial<Settings> {
  return {
    ...(flags.host === undefined ? {} : { host: flags.host }),
    ...(flags.port === undefined ? {} : { port: flags.port }),
  };
}

function addressOf({ port }: Settings): string {
  if (port !== 0) return `http://127.0.0.1:${port}`;
  throw new OperatorError(
    'setting_invalid',
    'PORT is 0, but the playground has to know its own address before it listens.',
    'Set PORT, or --port, to a free one.',
  );
}

function hasAccessToClaude({ anthropicApiKey, claudeCodeOauthToken, anthropicBaseUrl }: Settings): boolean {
  return [anthropicApiKey, claudeCodeOauthToken, anthropicBaseUrl].some((value) => value !== undefined);
}

/** The script runs on a development package, which a production installation does without. */
async function scriptedModel(): Promise<ScriptedModel> {
  try {
    const { startScriptedModel } = await import('../playground/model.ts');
    return await startScriptedModel({ clock, lively: true });
  } catch (error) {
    throw new OperatorError(
      'no_model',
      'There is no access to Claude, and the scripted model is not installed here.',
      'Set ANTHROPIC_API_KEY, or install the development packages (npm ci).',
      { cause: error },
    );
  }
}
