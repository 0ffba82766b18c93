import type { DestinationStream } from 'pino';
import { type App, type AppParts, startApp } from './app.ts';
import {
  variable as environmentVariable,
  inheritedEnvironment,
  readSettings,
  type Settings,
  type SystemdGifts,
  systemdGifts,
} from './config/settings.ts';
import { systemClock as clock } from './lib/clock.ts';
import { messageOf, OperatorError } from './lib/errors.ts';
import { notifySystemd, type SystemdState } from './processes/systemd.ts';
import { type Emit, fanOut } from './telemetry/events.ts';
import { createLog, hearConsole } from './telemetry/log.ts';

/**
 * The process: settings → app → signals → exit code. 0 after a clean drain, 1 for everything else.
 * Running this file starts the service from the environment.
 */

/** npm and a terminal may send the same signal twice within this time: it counts once. */
const sameSignalMs = 1000;

export interface RunOptions {
  /** Reads the settings and makes whatever has to be there before the service. */
  prepare: () => Promise<{ settings: Settings; extraRoutes?: AppParts['extraRoutes'] }>;
  /** Looks up an environment variable for bot files. */
  variable?: AppParts['variable'];
  /** How memory is read; the real reading unless a test plays with it. */
  readMemory?: AppParts['readMemory'];
  logTo?: DestinationStream;
  onEvent?: Emit;
  /** Called once sessions may start. */
  onReady?: (app: App) => void;
  /** Called when the service has closed, or could not start. */
  onClosing?: () => Promise<void>;
}

/** Runs the service until a signal ends it; the process exits with it. */
export async function runService(options: RunOptions): Promise<void> {
  const { settings, extraRoutes = [] } = await options.prepare().catch(exitWithRemedy);
  const secrets = secretsOf(settings);
  const { log, emit: toLog } = createLog({
    level: settings.logLevel,
    secrets: () => secrets,
    ...(options.logTo ? { destination: options.logTo } : {}),
  });
  const emit = fanOut(options.onEvent ? [toLog, options.onEvent] : [toLog]);
  hearConsole(log, emit);
  const crash = (error: unknown) => {
    log.fatal(
      { problem: messageOf(error), stack: error instanceof Error ? error.stack : undefined },
      'Crashed',
    );
    process.exit(1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);

  const { variable = environmentVariable, readMemory } = options;
  const gifts = systemdGifts(process.pid);
  const { socketFd } = gifts;
  let app: App;
  try {
    app = await startApp({ settings, variable, readMemory, clock, emit, secrets, extraRoutes, socketFd });
  } catch (error) {
    await options.onClosing?.();
    if (!(error instanceof OperatorError)) throw error;
    log.fatal({ code: error.code, remedy: error.remedy }, error.message);
    process.exit(1);
  }
  const tell = tellSystemd(gifts);
  tell('READY=1');
  onStopSignals(async (signal) => {
    tell('STOPPING=1');
    emit({ type: 'service.draining', signal, graceMs: settings.shutdownGraceMs });
    clock.after(settings.shutdownGraceMs, () => {
      emit({ type: 'service.stopped', exitCode: 1 });
      process.exit(1);
    });
    await app.close();
    await options.onClosing?.();
    emit({ type: 'service.stopped', exitCode: 0 });
    process.exit(0);
  });
  await app.ready;
  options.onReady?.(app);
}

/** Keeps systemd informed, where there is one; a stalled event loop gives no sign of life and is restarted. */
function tellSystemd({ notifySocket, watchdogMs }: SystemdGifts): (state: SystemdState) => void {
  if (notifySocket === null) return () => {};
  const { PATH = '/usr/bin:/bin' } = inheritedEnvironment();
  const tell = (state: SystemdState) => notifySystemd(notifySocket, state, PATH);
  if (watchdogMs !== null) clock.every(watchdogMs / 3, () => tell('WATCHDOG=1'));
  return tell;
}

/** The first signal drains; another one more than a second later ends the process at once. */
function onStopSignals(stop: (signal: string) => Promise<void>): void {
  let firstAtMs: number | null = null;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      const nowMs = clock.monotonicMs();
      if (firstAtMs === null) {
        firstAtMs = nowMs;
        void stop(signal);
      } else if (nowMs - firstAtMs > sameSignalMs) {
        process.exit(1);
      }
    });
  }
}

function exitWithRemedy(error: unknown): never {
  if (!(error instanceof OperatorError)) throw error;
  process.stderr.write(`${error.message}\n${error.remedy}\n`);
  return process.exit(1);
}

function secretsOf(settings: Settings): Set<string> {
  const { anthropicApiKey, claudeCodeOauthToken, adminToken, webhookToken, redisUrl } = settings;
  const redis = redisUrl === undefined ? [] : redisSecrets(redisUrl);
  const given = [anthropicApiKey, claudeCodeOauthToken, adminToken, webhookToken, ...redis];
  return new Set(given.filter((secret) => secret !== undefined));
}

/** A short password may be a common word, which no text could be without. */
function redisSecrets(url: string): string[] {
  const password = decodeURIComponent(new URL(url).password);
  return password === '' ? [] : [url, ...(password.length >= 8 ? [password] : [])];
}

if (import.meta.main) await runService({ prepare: async () => ({ settings: readSettings() }) });
