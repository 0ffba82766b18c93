import { AwayError, messageOf } from '../lib/errors.ts';
import type { Emit } from './events.ts';

/** Reports what a part of the service could not do. That something outside is away is told once, by whoever watches it. */
export function emitFailure(emit: Emit, part: string, error: unknown): void {
  if (!(error instanceof AwayError)) emit({ type: 'part.failed', part, problem: messageOf(error) });
}

/** Does what may fail, as on a failing disk; a failure is reported, and whoever called goes on. */
export function tolerate(emit: Emit, part: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    emitFailure(emit, part, error);
  }
}
