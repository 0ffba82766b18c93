import type { DestinationStream } from 'pino';
import type { Hono } from 'hono';
import { type App, startApp } from './app.ts';
import { readSettings, type Settings } from './config/settings.ts';
import { systemClock as clock } from './lib/clock.ts';
import { messageOf, OperatorError } from './lib/errors.ts';
import { fanOut } from './telemetry/events.ts';
import { createLog } from './telemetry/log.ts';

/**
 * The process: settings → app → signals → exit code. 0 after a clean drain, 1 for everything else.
 * Running this file starts the service from the environment.
 */

/** npm and a terminal may send the same signal twice within this time: it counts once. */
const sameSignalMs = 1000;

export interface RunOptions {
  settings: () => Settings;
  extraRoutes?: readonly Hono[];
  logTo?: DestinationStream;
  /** Called once sessions may start. */
  onReady?: (app: App) => void;
  /** Called in a stop, after the app has closed. */
  onClosed?: () => Promise<void>;
}

/** Runs the service until a signal ends it; the process exits with it. */
export async function runService(options: RunOptions): Promise<void> {
  const settings = settingsOrExit(options.settings);
  const secrets = secretsOf(settings);
  const { log, emit: toLog } = createLog({
    level: settings.logLevel,
    secrets: () => secrets,
    ...(options.logTo ? { destination: options.logTo } : {}),
  });
  const emit = fanOut([toLog]);
  const crash = (error: unknown) => {
    log.fatal({ problem: messageOf(error), stack: error instanceof Error ? error.stack : undefined }, 'Crashed');
    process.exit(1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);

  let app: App;
  try {
    app = await startApp({ settings, clock, emit, secrets, extraRoutes: options.extraRoutes ?? [] });
  } catch (error) {
    await options.onClosed?.();
    if (!(error instanceof OperatorError)) throw error;
    log.fatal({ code: error.code, remedy: error.remedy }, error.message);
    process.exit(1);
  }
  const stop = async (signal: string): Promise<void> => {
    emit({ type: 'service.draining', signal, graceMs: settings.shutdownGraceMs });
    clock.after(settings.shutdownGraceMs, () => {
      emit({ type: 'service.stopped', exitCode: 1 });
      process.exit(1);
    });
    await app.close();
    await options.onClosed?.();
    emit({ type: 'service.stopped', exitCode: 0 });
    process.exit(0);
  };
  onStopSignals(stop);
  await app.ready;
  options.onReady?.(app);
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

function settingsOrExit(read: () => Settings): Settings {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    process.stderr.write(`${error.message}\n${error.remedy}\n`);
    return process.exit(1);
  }
}

function secretsOf(settings: Settings): Set<string> {
  const { anthropicApiKey, claudeCodeOauthToken, adminToken, webhookToken } = settings;
  const given = [anthropicApiKey, claudeCodeOauthToken, adminToken, webhookToken];
  return new Set(given.filter((secret) => secret !== undefined));
}

if (import.meta.main) await runService({ settings: () => readSettings() });
