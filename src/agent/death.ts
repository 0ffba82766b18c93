import { constants } from 'node:os';
import type { DeathCause } from './agent.ts';

/** How a process ended: its own code or signal, or that it could not even be started. */
export interface ExitFacts {
  code: number | null;
  signal: NodeJS.Signals | null;
  startError: Error | null;
}

/** Signals by which a program ends itself when something in it is broken. */
const faults: ReadonlySet<string> = new Set([
  'SIGSEGV',
  'SIGABRT',
  'SIGBUS',
  'SIGILL',
  'SIGTRAP',
  'SIGFPE',
  'SIGSYS',
]);
const others: ReadonlySet<string> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']);

/**
 * Why it ended. `exit` is null when the end of the process was not seen in time. The kernel's OOM killer sends the
 * same SIGKILL as anybody else; `oomKilled` tells them apart and is asked only then.
 */
export function deathOf(exit: ExitFacts | null, cameUp: boolean, oomKilled: () => boolean): DeathCause {
  if (exit?.startError) return 'start';
  const signal = exit && signalOf(exit);
  if (signal === 'SIGKILL') return oomKilled() ? 'oom' : 'killed';
  if (signal && faults.has(signal)) return 'crash';
  if (signal && others.has(signal)) return 'killed';
  return cameUp ? 'exit' : 'start';
}

/** The signal that ended it, also when a wrapper reports it as 128 + its number. */
function signalOf({ code, signal }: ExitFacts): string | null {
  if (signal !== null) return signal;
  if (code === null || code <= 128) return null;
  return Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0] ?? null;
}

/** One line for the operator: what was said, how it ended, and the last thing on stderr. */
export function describeExit(reason: string, exit: ExitFacts, stderr: string): string {
  const how = exit.startError
    ? `could not start: ${exit.startError.message}`
    : exit.signal
      ? `signal ${exit.signal}`
      : `exit ${exit.code}`;
  const said = stderr.trim().split('\n').at(-1);
  return `${reason} (${how}${said ? `; ${said.slice(0, 300)}` : ''})`;
}
