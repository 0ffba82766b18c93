import { AwayError, messageOf } from '../lib/errors.ts';
import type { Emit } from './events.ts';

/** Reports what a part of the service could not do. That something outside is away is told once, by whoever watches it. */
export function emitFailure(emit: Emit, part: string, error: unknown): void {
  if (!(error instanceof AwayError)) emit({ type: 'part.failed', part, problem: messageOf(error) });
}
