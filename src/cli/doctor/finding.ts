import { messageOf, OperatorError } from '../../lib/errors.ts';

/** What a look at something has found. */
export interface Finding {
  verdict: 'ok' | 'warn' | 'fail';
  detail: string;
  /** What to do; null when there is nothing to do. */
  remedy: string | null;
}

/** One thing to look at. A `run` that throws has failed; an OperatorError brings its own remedy. */
export interface Check {
  name: string;
  run(): Finding | Promise<Finding>;
}

export const ok = (detail: string): Finding => ({ verdict: 'ok', detail, remedy: null });
export const warn = (detail: string, remedy: string): Finding => ({ verdict: 'warn', detail, remedy });
export const fail = (detail: string, remedy: string): Finding => ({ verdict: 'fail', detail, remedy });

/** What is found where looking itself went wrong. */
export function failure(error: unknown): Finding {
  const remedy =
    error instanceof OperatorError ? error.remedy : 'See what stands in the way, and run this again.';
  return fail(messageOf(error), remedy);
}
